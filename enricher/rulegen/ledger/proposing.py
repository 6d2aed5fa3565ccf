"""New rules into the ledger."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence

from enricher.errors import InputError
from enricher.rulegen.ledger.candidate import Candidate, Draft, Revision, Step
from enricher.rulegen.ledger.checks import MAX_DRAFTS, as_json, check_lists, check_rule, likeness
from enricher.rulegen.ledger.rows import candidates, digest, insert_revision, insert_step
from enricher.rulegen.ledger.sids import issue
from enricher.rulegen.rule.identity import with_identity

SUPERSEDED = "superseded"


def propose(
    database: sqlite3.Connection,
    family: str,
    drafts: Sequence[Draft],
    by: tuple[str, str],
    sids: tuple[range, Collection[int]],
) -> list[Candidate]:
    """Keep the rules that were made for a family.

    Args:
        database: The site's database, to be written.
        family: The family.
        drafts: The rules.
        by: Who does it, and why.
        sids: The range of the policy, and sids that are used elsewhere.

    Returns:
        The rule of every draft, in their order.

    Raises:
        InputError: If a rule is none or too large, or no sids are left.
    """
    if len(drafts) > MAX_DRAFTS:
        raise InputError(f"at most {MAX_DRAFTS} rules can be proposed for a family at once")
    now = time.time()
    kept = []
    for draft in drafts:
        check_rule(draft.rule)
        check_lists(draft.lists)
        known = _known(database, family, draft, now)
        kept.append(known or _new(database, family, draft, by, issue(database, *sids, now), now))
    _supersede(database, family, kept, by[0], now)
    # A rule that was proposed under an earlier text has that only among its revisions.
    found = {one.id: one for one in candidates(database, "WHERE family = ?", family)}
    return [found[id_] for id_ in dict.fromkeys(kept)]


def _known(database: sqlite3.Connection, family: str, draft: Draft, now: float) -> str | None:
    """Id of the family's rule that is just like a draft; it gets the newer proof."""
    row = database.execute(
        "SELECT id, rule_revisions.rev FROM rule_revisions JOIN rule_candidates USING (id) "
        "WHERE family = ? AND likeness = ? AND status <> 'retired' ORDER BY sid LIMIT 1",
        (family, likeness(draft)),
    ).fetchone()
    if row is None:
        return None
    renew(database, row["id"], row["rev"], draft, now)
    return str(row["id"])


def renew(database: sqlite3.Connection, id_: str, rev: int, draft: Draft, now: float) -> None:
    """Keep a newer proof of a revision.

    Raises:
        InputError: If it is too large.
    """
    database.execute(
        "UPDATE rule_revisions SET proof = ?, false_hits = ? WHERE id = ? AND rev = ?",
        (
            as_json(draft.proof, "the proof"),
            as_json(draft.false_hits, "the false hits"),
            id_,
            rev,
        ),
    )
    database.execute("UPDATE rule_candidates SET updated = ? WHERE id = ?", (now, id_))


def _new(
    database: sqlite3.Connection,
    family: str,
    draft: Draft,
    by: tuple[str, str],
    sid: int,
    now: float,
) -> str:
    """Keep a rule that was not there; gives its id."""
    id_ = _new_id()
    rule = with_identity(draft.rule, sid, 1)
    database.execute(
        "INSERT INTO rule_candidates VALUES (?, ?, 1, ?, 'candidate', NULL, NULL, ?, ?)",
        (id_, sid, family, now, now),
    )
    first = Revision(1, rule, draft.proof, None, draft.false_hits, draft.lists, now)
    insert_revision(database, id_, first, likeness(draft))
    step = Step(now, by[0], None, "candidate", 1, by[1])
    insert_step(database, id_, step, digest(database, id_, 1))
    return id_


def _new_id() -> str:
    """An id that has a letter in it, so that it is never taken for a sid."""
    while (id_ := secrets.token_hex(4)).isdigit():
        pass
    return id_


def _supersede(
    database: sqlite3.Connection, family: str, kept: Iterable[str], who: str, now: float
) -> None:
    """Retire the rules that were proposed before and are not any longer.

    What an analyst has edited stays: no proposal would ever make it again.
    """
    which = "WHERE family = ? AND status = 'candidate' AND rev = 1"
    for one in candidates(database, which, family):
        if one.id not in kept:
            database.execute(
                "UPDATE rule_candidates SET status = 'retired', updated = ? WHERE id = ?",
                (now, one.id),
            )
            step = Step(now, who, "candidate", "retired", 1, SUPERSEDED)
            insert_step(database, one.id, step, digest(database, one.id, 1))
