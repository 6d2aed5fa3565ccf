"""A rule of the ledger from one status or text to the next."""

from __future__ import annotations

import sqlite3
import time

from enricher.errors import InputError
from enricher.rulegen.ledger.candidate import Candidate, Draft, Revision, Step
from enricher.rulegen.ledger.checks import likeness
from enricher.rulegen.ledger.rows import candidates, digest, insert_revision, insert_step, revisions
from enricher.rulegen.ledger.transitions import Action, after
from enricher.rulegen.rule.identity import with_identity

_DIGITS = 10
"""Digits of the largest sid."""


def find(database: sqlite3.Connection, which: int | str) -> Candidate:
    """One rule of a database, by its sid or its id.

    Raises:
        InputError: If there is no such rule.
        StateError: If it is damaged.
    """
    text = str(which)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else -1
    found = candidates(database, "WHERE id = ? OR sid = ?", text, number)
    if not found:
        raise no_rule(which)
    return found[0]


def move(database: sqlite3.Connection, old: Candidate, action: Action, who: str, why: str) -> None:
    """Bring a rule to its next status.

    Raises:
        InputError: If it can not be done to a rule of this status.
    """
    status = after(action, old.status, old.sid)
    if status == "approved":
        database.execute(
            "UPDATE rule_revisions SET approved_on = proof WHERE id = ? AND rev = ?",
            (old.id, old.rev),
        )
    if status in ("shadow", "live"):
        database.execute(
            "UPDATE rule_candidates SET deployed_rev = rev, stage = ? WHERE id = ?",
            (status, old.id),
        )
    take_step(database, old.id, Step(time.time(), who, old.status, status, old.rev, why))


def edit(database: sqlite3.Connection, old: Candidate, draft: Draft, who: str, why: str) -> None:
    """Make a new revision of a rule.

    Raises:
        InputError: If the rule is retired, the text is the one that it has, or it is too large.
    """
    status = after("edit", old.status, old.sid)
    before = revisions(database, old.id)[-1]
    same = with_identity(draft.rule, old.sid, old.rev) == old.rule
    if same and dict(draft.lists) == before.lists:
        raise InputError(f"this is the text that rule {old.sid} has already")
    now, rev = time.time(), old.rev + 1
    rule = with_identity(draft.rule, old.sid, rev)
    new = Revision(rev, rule, draft.proof, None, draft.false_hits, draft.lists, now)
    insert_revision(database, old.id, new, likeness(draft))
    database.execute("UPDATE rule_candidates SET rev = ? WHERE id = ?", (rev, old.id))
    take_step(database, old.id, Step(now, who, old.status, status, rev, why))


def take_step(database: sqlite3.Connection, id_: str, step: Step) -> None:
    """Give a rule its new status, with a row of history."""
    database.execute(
        "UPDATE rule_candidates SET status = ?, updated = ? WHERE id = ?",
        (step.after, step.when, id_),
    )
    insert_step(database, id_, step, digest(database, id_, step.rev))


def no_rule(which: int | str) -> InputError:
    """What to say where there is no such rule."""
    return InputError(f"there is no rule {str(which)[:40]!a}; 'enricher rules list' names them")
