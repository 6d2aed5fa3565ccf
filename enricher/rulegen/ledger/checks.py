"""What may go into the ledger: rules that alert, bounded proofs, words that print."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from enricher.errors import InputError
from enricher.rulegen.ledger.candidate import Draft
from enricher.rulegen.rule.identity import with_identity
from enricher.rulegen.rule.rule import Rule

MAX_WHO = 64
MAX_WHY = 500
MAX_FAMILY = 64
MAX_PROOF = 512 * 1024
"""Bytes of a proof, and of the false hits of a rule, as JSON."""
MAX_LISTS = 4 * 1024 * 1024
"""Bytes of all files that a rule loads."""
MAX_DRAFTS = 100

_LIST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}\.lst")
_DATES = re.compile(r"\b(created_at|updated_at) \d{4}_\d{2}_\d{2}")


def check_words(who: str, why: str) -> None:
    """Check who does something, and why.

    Raises:
        InputError: If one is missing, too long, or has characters that do not print.
    """
    for words, most, name in ((who, MAX_WHO, "who it is"), (why, MAX_WHY, "why")):
        if not words.strip() or len(words) > most or not words.isprintable():
            raise InputError(
                f"say {name} in 1 to {most} characters that print; it stands in the rule's history"
            )


def check_family(name: str) -> None:
    """Check the name of a family.

    Raises:
        InputError: If it can be none.
    """
    if not name.strip() or len(name) > MAX_FAMILY or not name.isprintable():
        raise InputError(f"{name[:MAX_FAMILY]!a} is no name of a family")


def check_rule(text: str) -> None:
    """Check that a rule is one, and that it can do no more than alert.

    Raises:
        InputError: If it is not so.
    """
    try:
        rule = Rule.parse(text)
        with_identity(text, 1, 1)
    except ValueError as error:
        raise InputError(f"this is no rule: {error}") from error
    if rule.header.action != "alert":
        raise InputError(
            f"a rule here begins with 'alert', not with {rule.header.action[:20]!a}; "
            "let suricata-update turn it into another after it is live"
        )
    if rule.values("gid") not in ([], ["1"]):
        raise InputError("a rule here has no gid but 1; its hits could not be counted")


def check_lists(lists: Mapping[str, str]) -> None:
    """Check the files that a rule loads.

    Raises:
        InputError: If one has an unusual name, or they are too large.
    """
    for name in lists:
        if not _LIST_NAME.fullmatch(name):
            raise InputError(f"{name[:100]!a} is no name for a list; use letters, digits and .lst")
    if sum(len(text.encode()) for text in lists.values()) > MAX_LISTS:
        raise InputError(f"the lists of a rule are larger than {MAX_LISTS // 1024**2} MiB")


def as_json(values: Any, name: str) -> str:
    """Plain values as JSON.

    Raises:
        InputError: If it would be too large.
        TypeError: If they are not plain.
    """
    text = orjson.dumps(values)
    if len(text) > MAX_PROOF:
        raise InputError(f"{name} of a rule is larger than {MAX_PROOF // 1024} KiB; keep less")
    return text.decode()


def likeness(draft: Draft) -> str:
    """What two rules have in common that differ in nothing but sid, rev and days."""
    body = _DATES.sub(r"\1", with_identity(draft.rule, 1, 1))
    return hashlib.sha256(f"{body}\0{lists_json(draft.lists)}".encode()).hexdigest()


def lists_json(lists: Mapping[str, str]) -> str:
    """The files that a rule loads, as JSON; their order does not matter."""
    return orjson.dumps(dict(lists), option=orjson.OPT_SORT_KEYS).decode()
