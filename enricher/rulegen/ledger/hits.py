"""Hits of our rules: each is counted once, in however many files it is met.

A file is rotated, packed, copied and read again while Suricata goes on writing: neither its name
nor a place in it says what was counted. So every hit is known by a digest of what the event says
of itself. Of each revision the latest :data:`MAX_EVENTS` are remembered; one that is older than
what was forgotten may have been counted or not, and is not counted: the count is never too high.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from enricher.families.database import open_database
from enricher.rulegen.ledger.eve_alerts import BadLine, Hit, read_alerts
from enricher.rulegen.ledger.ledger import Ledger

MAX_EVENTS = 10_000
"""So many hits of a revision are remembered one by one, the latest."""
MAX_SOURCES = 1000
MAX_DAYS = 4000
MAX_EXPLAINED = 10
"""Of so many lines it is said what is wrong with them."""
_BATCH = 5000

_Known = dict[int, tuple[str, int, str]]
"""By sid: id, number of the newest revision and family."""


@dataclass(slots=True)
class HitCounts:
    """What became of the alerts of our rules in some files.

    Attributes:
        counted: Hits that were new.
        again: Hits that had been counted before.
        older: Hits that are older than what is remembered; they are not counted.
        foreign: Alerts with a sid of ours and a rev that we never made: of somebody else's rule.
        bad: Lines that could not be read.
        explained: What was wrong, of the first of them.
    """

    counted: int = 0
    again: int = 0
    older: int = 0
    foreign: int = 0
    bad: int = 0
    explained: list[BadLine] = field(default_factory=list)


def count_hits(ledger: Ledger, paths: Sequence[Path]) -> HitCounts:
    """Count the alerts of our rules in EVE files, and what the detector thinks of them.

    A file that has grown, was rotated or packed meanwhile, or is read twice, adds what is new.
    After a failure what was counted stays so, and the same call goes on.

    Args:
        ledger: The ledger.
        paths: The files, plain or packed with gzip. The oldest is read first.

    Raises:
        InputError: If one can not be opened.
        StateError: If the ledger can not be read or written.
    """
    counts = HitCounts()
    known: _Known = {one.sid: (one.id, one.rev, one.family) for one in ledger.all()}
    # What can not be looked at is said of by whoever opens it.
    ordered = sorted(paths, key=lambda path: path.stat().st_mtime if path.exists() else 0.0)
    for path in ordered:
        hits = _good(read_alerts(path, known), counts)
        while batch := list(islice(hits, _BATCH)):
            with open_database(ledger.state) as database:
                for hit in batch:
                    _count(database, hit, known[hit.sid], counts)
                for key in {(known[hit.sid][0], hit.rev) for hit in batch}:
                    _forget(database, *key)
    return counts


def _good(found: Iterator[Hit | BadLine], counts: HitCounts) -> Iterator[Hit]:
    for one in found:
        if isinstance(one, Hit):
            yield one
            continue
        counts.bad += 1
        if len(counts.explained) < MAX_EXPLAINED:
            counts.explained.append(one)


def _count(
    database: sqlite3.Connection, hit: Hit, rule: tuple[str, int, str], counts: HitCounts
) -> None:
    id_, newest, family = rule
    if not 1 <= hit.rev <= newest:
        counts.foreign += 1
        return
    view = {family: 1, "benign": 0}.get(hit.verdict or "")
    known = database.execute(
        "SELECT view FROM rule_hit_events WHERE key = ?", (hit.key,)
    ).fetchone()
    if known is not None:
        counts.again += 1
        if known["view"] is None and view is not None:
            _view(database, hit, id_, view)
        return
    row = database.execute(
        "SELECT horizon FROM rule_hits WHERE id = ? AND rev = ?", (id_, hit.rev)
    ).fetchone()
    if row is not None and row["horizon"] is not None and hit.at <= row["horizon"]:
        counts.older += 1
        return
    counts.counted += 1
    _insert(database, hit, id_)
    if view is not None:
        _view(database, hit, id_, view)


def _insert(database: sqlite3.Connection, hit: Hit, id_: str) -> None:
    """Keep a hit that is new."""
    of, at = (id_, hit.rev), hit.at
    database.execute(
        "INSERT INTO rule_hit_events VALUES (?, ?, ?, ?, ?, ?, NULL)",
        (hit.key, *of, at, hit.source, hit.destination),
    )
    database.execute(
        "INSERT INTO rule_hits VALUES (?, ?, 1, 0, 0, ?, ?, NULL) ON CONFLICT DO UPDATE SET "
        "hits = hits + 1, first = min(first, excluded.first), last = max(last, excluded.last)",
        (*of, at, at),
    )
    day = datetime.fromtimestamp(at, UTC).date().isoformat()
    for table, column, value, more, most in (
        ("rule_hit_days", "day", day, ", 1) ON CONFLICT DO UPDATE SET hits = hits + 1", MAX_DAYS),
        ("rule_hit_sources", "source", hit.source, ") ON CONFLICT DO NOTHING", MAX_SOURCES),
    ):
        kept = database.execute(
            f"SELECT count(*), max({column} = ?) FROM {table} WHERE id = ? AND rev = ?",  # noqa: S608 - from above
            (value, *of),
        ).fetchone()
        if kept[0] < most or kept[1]:
            database.execute(f"INSERT INTO {table} VALUES (?, ?, ?{more}", (*of, value))  # noqa: S608


def _view(database: sqlite3.Connection, hit: Hit, id_: str, view: int) -> None:
    """Note what the detector thinks of a hit."""
    database.execute("UPDATE rule_hit_events SET view = ? WHERE key = ?", (view, hit.key))
    database.execute(
        "UPDATE rule_hits SET agreed = agreed + ?, disagreed = disagreed + ? "
        "WHERE id = ? AND rev = ?",
        (view, 1 - view, id_, hit.rev),
    )


def _forget(database: sqlite3.Connection, id_: str, rev: int) -> None:
    """Keep the latest hits; what is as old as the others or older counts as read from now on."""
    row = database.execute(
        "SELECT at FROM rule_hit_events WHERE id = ? AND rev = ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        (id_, rev, MAX_EVENTS),
    ).fetchone()
    if row is not None:
        database.execute(
            "DELETE FROM rule_hit_events WHERE id = ? AND rev = ? AND at <= ?",
            (id_, rev, row["at"]),
        )
        database.execute(
            "UPDATE rule_hits SET horizon = ? WHERE id = ? AND rev = ?", (row["at"], id_, rev)
        )
