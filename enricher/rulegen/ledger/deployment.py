"""What of the ledger may be deployed, and the word that it was.

Nothing is deployed but what somebody approved: not the status says so but the history, by a row
for that very revision and for the very text that the revision has.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from enricher.errors import InputError, StateError
from enricher.families.database import FILE, RULES_SINCE, has_tables, open_database
from enricher.rulegen.ledger.candidate import Candidate, Stage
from enricher.rulegen.ledger.checks import check_words
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.ledger.moving import find, move
from enricher.rulegen.ledger.rows import candidates, digest, revisions, steps


@dataclass(frozen=True, slots=True)
class Deployable:
    """A rule that belongs into Suricata.

    Attributes:
        id: What the ledger knows it by.
        sid: Signature id.
        rev: The revision that belongs there; not the newest where nobody has approved that.
        family: Family that it was proposed for.
        rule: Text of that revision.
        lists: The text of each file that it loads, by file name.
        stage: As what it is there by now; None of one that is to be deployed first.
    """

    id: str
    sid: int
    rev: int
    family: str
    rule: str
    lists: Mapping[str, str]
    stage: Stage | None


def deployable(ledger: Ledger) -> list[Deployable]:
    """The rules that belong into Suricata, in the order of their sids.

    Those are the approved ones, those that are shadow or live, and of one that was edited since
    the revision that is deployed. Not the retired ones.

    Raises:
        StateError: If the ledger can not be read, or says of a rule what its history does not.
    """
    return _read(ledger, standing=False)


def deployed(ledger: Ledger) -> list[Deployable]:
    """The rules that Suricata has, as far as the ledger knows, in the order of their sids.

    Raises:
        StateError: As of :func:`deployable`.
    """
    return _read(ledger, standing=True)


def record_deployment(
    ledger: Ledger, rules: Sequence[Deployable], stage: Stage, *, who: str, why: str
) -> list[Candidate]:
    """Note that rules were deployed, and that no others are.

    Args:
        ledger: The ledger.
        rules: All of them, as :func:`deployable` gave them.
        stage: As what those are deployed that were only approved until now.
        who: Name of the user.
        why: In the user's words.

    Returns:
        The rules that have a new status by it.

    Raises:
        InputError: If somebody has changed the ledger meanwhile.
        StateError: If it could not be kept.
    """
    check_words(who, why)
    with open_database(ledger.state) as database:
        if _belonging(database, standing=False) != list(rules):
            raise InputError("the ledger was changed meanwhile; deploy again")
        new = [find(database, one.id) for one in rules if one.stage is None]
        for one in new:
            move(database, one, "to_live" if stage == "live" else "to_shadow", who, why)
        database.execute(
            "UPDATE rule_candidates SET deployed_rev = NULL, stage = NULL WHERE status = 'retired'"
        )
        return [find(database, one.id) for one in new]


def _read(ledger: Ledger, *, standing: bool) -> list[Deployable]:
    if not (ledger.state / FILE).is_file():
        return []
    with open_database(ledger.state, write=False) as database:
        if not has_tables(database, RULES_SINCE):
            return []
        return _belonging(database, standing=standing)


def _belonging(database: sqlite3.Connection, *, standing: bool) -> list[Deployable]:
    found = []
    for one in candidates(database):
        rev, stage = (one.deployed_rev, one.stage) if standing else _revision(one)
        if rev is None:
            continue
        _check(database, one, rev)
        revision = revisions(database, one.id)[rev - 1]
        found.append(
            Deployable(one.id, one.sid, rev, one.family, revision.rule, revision.lists, stage)
        )
    return found


def _revision(one: Candidate) -> tuple[int | None, Stage | None]:
    """The revision of a rule that belongs into Suricata, and as what it is there by now."""
    match one.status:
        case "approved":
            return one.rev, None
        case "shadow" | "live" as stage:
            return one.rev, stage
        case "retired":
            return None, None
        case _:
            return one.deployed_rev, one.stage


def _check(database: sqlite3.Connection, one: Candidate, rev: int) -> None:
    """Check that somebody approved a revision, as it is."""
    approved = database.execute(
        "SELECT 1 FROM rule_steps WHERE id = ? AND rev = ? AND after = 'approved' AND digest = ?",
        (one.id, rev, digest(database, one.id, rev)),
    ).fetchone()
    history = steps(database, one.id)
    if approved is None or not history or history[-1].after != one.status:
        raise StateError(
            f"{FILE}: rule {one.sid} is {one.status}, but nobody approved the text of its revision "
            f"{rev}; something else has changed the database: edit the rule and approve it, "
            "or retire it"
        )
