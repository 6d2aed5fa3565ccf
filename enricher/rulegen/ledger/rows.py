"""Rows of the ledger's tables, and what they say."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

import orjson

from enricher.errors import StateError
from enricher.families.database import FILE
from enricher.rulegen.ledger.candidate import STAGES, STATUSES, Candidate, Revision, Step
from enricher.rulegen.ledger.checks import (
    MAX_FAMILY,
    MAX_LISTS,
    MAX_PROOF,
    as_json,
    lists_json,
)
from enricher.rulegen.rule.identity import identity_of

_SELECT = """
SELECT rule_candidates.*, rule, proof FROM rule_candidates
JOIN rule_revisions USING (id, rev) {which} ORDER BY sid
"""


def candidates(
    database: sqlite3.Connection, which: str = "", *values: str | int
) -> list[Candidate]:
    """Rules, in the order of their sids.

    Args:
        database: The site's database.
        which: A ``WHERE`` clause; it is never made of what a user says.
        values: Of its parameters.

    Raises:
        StateError: If a row is damaged.
    """
    rows = database.execute(_SELECT.format(which=which), values).fetchall()
    return [_candidate(row) for row in rows]


def revisions(database: sqlite3.Connection, id_: str) -> list[Revision]:
    """The revisions of a rule, the first one first.

    Raises:
        StateError: If a row is damaged.
    """
    rows = database.execute(
        "SELECT * FROM rule_revisions WHERE id = ? ORDER BY rev", (id_,)
    ).fetchall()
    try:
        return [
            Revision(
                row["rev"],
                row["rule"],
                _json(row["proof"], dict),
                None if row["approved_on"] is None else _json(row["approved_on"], dict),
                _json(row["false_hits"], list),
                _json(row["lists"], dict),
                row["made"],
            )
            for row in rows
        ]
    except ValueError as error:
        raise _damaged(id_, error) from error


def steps(database: sqlite3.Connection, id_: str) -> list[Step]:
    """The history of a rule, the first step first."""
    rows = database.execute("SELECT * FROM rule_steps WHERE id = ? ORDER BY number", (id_,))
    return [
        Step(row["made"], row["who"], row["before"], row["after"], row["rev"], row["why"])
        for row in rows
    ]


def insert_step(database: sqlite3.Connection, id_: str, step: Step, digest: str) -> None:
    """Write a row of a rule's history.

    Args:
        database: The site's database.
        id_: Id of the rule.
        step: The step.
        digest: Digest of the text of the step's revision.
    """
    database.execute(
        "INSERT INTO rule_steps (id, rev, made, who, before, after, why, digest) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (id_, step.rev, step.when, step.who, step.before, step.after, step.why, digest),
    )


def insert_revision(database: sqlite3.Connection, id_: str, revision: Revision, like: str) -> None:
    """Write a new revision of a rule.

    Args:
        database: The site's database.
        id_: Id of the rule.
        revision: The revision; nobody has approved it.
        like: What it has in common with rules like it.

    Raises:
        InputError: If it is too large.
    """
    database.execute(
        "INSERT INTO rule_revisions VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?)",
        (
            id_,
            revision.rev,
            revision.rule,
            like,
            lists_json(revision.lists),
            as_json(revision.proof, "the proof"),
            as_json(revision.false_hits, "the false hits"),
            revision.made,
        ),
    )


def digest(database: sqlite3.Connection, id_: str, rev: int) -> str:
    """Digest of the text of a revision as it stands in the database now."""
    row = database.execute(
        "SELECT rule, lists FROM rule_revisions WHERE id = ? AND rev = ?", (id_, rev)
    ).fetchone()
    return hashlib.sha256(f"{row['rule']}\0{row['lists']}".encode()).hexdigest()


def _candidate(row: sqlite3.Row) -> Candidate:
    try:
        _check(row)
        return Candidate(
            id=row["id"],
            sid=row["sid"],
            rev=row["rev"],
            family=row["family"],
            status=row["status"],
            rule=row["rule"],
            proof=_json(row["proof"], dict),
            created=row["created"],
            updated=row["updated"],
            deployed_rev=row["deployed_rev"],
            stage=row["stage"],
        )
    except ValueError as error:
        raise _damaged(row["id"], error) from error


def _check(row: sqlite3.Row) -> None:
    """Check what the database itself does not.

    Raises:
        ValueError: If the row is none that the ledger writes.
    """
    if row["status"] not in STATUSES or row["stage"] not in (None, *STAGES):
        raise ValueError("its status is none")
    if len(row["family"]) > MAX_FAMILY:
        raise ValueError("the name of its family is too long")
    if identity_of(row["rule"]) != (row["sid"], row["rev"]):
        raise ValueError("its text has another sid or rev")


def _json(text: str, kind: type) -> Any:
    """Values of JSON.

    Raises:
        ValueError: If it is none, too large, or of another kind.
    """
    if len(text) > MAX_PROOF + MAX_LISTS:
        raise ValueError("a value of it is too large")
    found = orjson.loads(text)
    if not isinstance(found, kind):
        raise ValueError("a value of it is of another kind")  # noqa: TRY004 - said to the caller
    return found


def _damaged(id_: str, error: ValueError) -> StateError:
    return StateError(
        f"{FILE}: rule {id_[:16]!a} is damaged ({error}); "
        "restore the state directory from a backup, or use another one"
    )
