"""What the ledger says of a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Status = Literal["candidate", "approved", "shadow", "live", "retired", "rejected"]
STATUSES: tuple[Status, ...] = get_args(Status)
Stage = Literal["shadow", "live"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule that is to be kept.

    Attributes:
        rule: Its text; the sid and rev in it are placeholders.
        proof: What is known of it, as plain values for JSON.
        false_hits: The benign records that it hits, as plain values for JSON.
        lists: Of a rule with datasets the text of each file that it loads, by file name.
    """

    rule: str
    proof: Mapping[str, Any]
    false_hits: Sequence[Mapping[str, Any]] = ()
    lists: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Revision:
    """One text that a rule had.

    Attributes:
        rev: Its number, from 1.
        rule: The text, with sid and rev in it.
        proof: What is known of it, the newest.
        approved_on: The proof as it was when it was approved; None where it was not.
        false_hits: The benign records that it hits.
        lists: The text of each file that it loads, by file name.
        made: When, seconds UTC.
    """

    rev: int
    rule: str
    proof: Mapping[str, Any]
    approved_on: Mapping[str, Any] | None
    false_hits: Sequence[Mapping[str, Any]]
    lists: Mapping[str, str]
    made: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule in its newest revision.

    Attributes:
        id: What the ledger knows it by; it never changes.
        sid: Suricata's signature id; it never changes either, and no other rule ever has it.
        rev: Number of the newest revision.
        family: Family that it was proposed for, under its present name.
        status: Where the newest revision stands.
        rule: Text of the newest revision.
        proof: What is known of the newest revision.
        created: When it was proposed, seconds UTC.
        updated: When its status, text or proof last changed.
        deployed_rev: The revision that Suricata has, as far as is known; None where it has none.
            It is an earlier one than ``rev`` after an edit. Of a retired rule it is there until
            the next deployment takes the rule away.
        stage: As what that revision was deployed.
    """

    id: str
    sid: int
    rev: int
    family: str
    status: Status
    rule: str
    proof: Mapping[str, Any]
    created: float
    updated: float
    deployed_rev: int | None
    stage: Stage | None


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a rule's history.

    Attributes:
        when: Seconds UTC.
        who: Name of the user.
        before: Status before; None of the first.
        after: Status after.
        rev: Revision that it was done to, or that was made.
        why: In the user's words.
    """

    when: float
    who: str
    before: Status | None
    after: Status
    rev: int
    why: str
