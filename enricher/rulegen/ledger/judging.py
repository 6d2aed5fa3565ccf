"""Which hits of a rule were right, by an analyst's word; and what is known of it altogether."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from enricher.errors import InputError
from enricher.families.database import FILE, RULES_SINCE, has_tables, open_database
from enricher.rulegen.ledger.checks import check_words
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.ledger.moving import find
from enricher.rulegen.ledger.observed import Observed

_OBSERVED = """
SELECT id, rev, hits, agreed, disagreed, first, last,
    (SELECT coalesce(sum(hits), 0) FROM rule_judgements AS judged
        WHERE judged.id = counted.id AND judged.rev = counted.rev AND right = 1) AS confirmed,
    (SELECT coalesce(sum(hits), 0) FROM rule_judgements AS judged
        WHERE judged.id = counted.id AND judged.rev = counted.rev AND right = 0) AS false,
    (SELECT count(*) FROM rule_hit_days AS kept
        WHERE kept.id = counted.id AND kept.rev = counted.rev) AS days,
    (SELECT count(*) FROM rule_hit_sources AS kept
        WHERE kept.id = counted.id AND kept.rev = counted.rev) AS sources
FROM rule_hits AS counted ORDER BY id, rev
"""


@dataclass(frozen=True, slots=True)
class CountedHit:
    """A hit that is remembered.

    Attributes:
        key: What it is known by; :func:`judge` takes it.
        rev: Revision that fired.
        at: When, seconds UTC.
        source: Address that the packet came from.
        destination: Address that it went to.
        agreed: Whether the detector saw the rule's family in the flow, or nothing but what is
            benign; None where it said neither.
        right: What an analyst said of it alone; None where nothing.
    """

    key: str
    rev: int
    at: float
    source: str
    destination: str
    agreed: bool | None
    right: bool | None


def observed(ledger: Ledger) -> dict[tuple[str, int], Observed]:
    """What became of the hits of the rules, by id and revision; none where there was no hit.

    Raises:
        StateError: If the ledger can not be read.
    """
    if not (ledger.state / FILE).is_file():
        return {}
    with open_database(ledger.state, write=False) as database:
        if not has_tables(database, RULES_SINCE):
            return {}
        return {
            (row["id"], row["rev"]): Observed(**{name: row[name] for name in Observed.__slots__})
            for row in database.execute(_OBSERVED)
        }


def latest(ledger: Ledger, which: int | str, most: int = 20) -> list[CountedHit]:
    """The latest hits of a rule that are remembered, the newest first.

    Args:
        ledger: The ledger.
        which: Sid or id of the rule.
        most: So many at most.

    Raises:
        InputError: If there is no such rule.
        StateError: If the ledger can not be read.
    """
    id_ = ledger.get(which).id
    with open_database(ledger.state, write=False) as database:
        rows = database.execute(
            "SELECT event.*, right FROM rule_hit_events AS event "
            "LEFT JOIN rule_judgements USING (key) WHERE event.id = ? "
            "ORDER BY at DESC, key LIMIT ?",
            (id_, most),
        ).fetchall()
    return [
        CountedHit(
            row["key"], row["rev"], row["at"], row["source"], row["destination"],
            _truth(row["view"]), _truth(row["right"]),
        )
        for row in rows
    ]  # fmt: skip


def judge(
    ledger: Ledger,
    which: int | str,
    right: bool,
    *,
    who: str,
    why: str,
    hits: int = 1,
    key: str | None = None,
    rev: int | None = None,
) -> None:
    """Keep what an analyst says of hits of a rule.

    Args:
        ledger: The ledger.
        which: Sid or id of the rule.
        right: Whether they were right.
        who: Name of the user.
        why: In the user's words.
        hits: Of how many hits it is said; without ``key``.
        key: The one hit of which it is said; it takes the place of what was said of it before.
        rev: The revision that they are of; without ``key``. None for the newest that has hits.

    Raises:
        InputError: If there is no such rule or hit, or not so many that nothing was said of.
        StateError: If it could not be kept.
    """
    check_words(who, why)
    with open_database(ledger.state) as database:
        id_ = find(database, which).id
        if key is not None:
            rev, hits = _revision_of(database, id_, key), 1
            database.execute("DELETE FROM rule_judgements WHERE key = ?", (key,))
        found, left = _left(database, id_, rev)
        if not 1 <= hits <= left:
            raise InputError(
                f"rule {which} has {left} hits in revision {found} of which nothing was said yet; "
                f"it cannot be said of {hits}"
            )
        database.execute(
            "INSERT INTO rule_judgements (id, rev, key, right, hits, made, who, why) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, found, key, int(right), hits, time.time(), who, why),
        )


def _revision_of(database: sqlite3.Connection, id_: str, key: str) -> int:
    row = database.execute(
        "SELECT rev FROM rule_hit_events WHERE id = ? AND key = ?", (id_, key)
    ).fetchone()
    if row is None:
        raise InputError(f"there is no hit {key[:40]!a} of this rule; judge the latest by number")
    return int(row["rev"])


def _left(database: sqlite3.Connection, id_: str, rev: int | None) -> tuple[int, int]:
    """A revision, and how many of its hits nothing was said of."""
    row = database.execute(
        "SELECT rev, hits - (SELECT coalesce(sum(hits), 0) FROM rule_judgements AS judged "
        "WHERE judged.id = counted.id AND judged.rev = counted.rev) AS unsaid "
        "FROM rule_hits AS counted WHERE id = ?1 AND (?2 IS NULL OR rev = ?2) "
        "ORDER BY rev DESC LIMIT 1",
        (id_, rev),
    ).fetchone()
    if row is None:
        raise InputError("no hit of it was counted yet; count those in eve.json first")
    return int(row["rev"]), int(row["unsaid"])


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)
