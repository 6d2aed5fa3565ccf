"""The sid and rev of a rule's text."""

from __future__ import annotations

from enricher.rulegen.rule.rule import Rule

MAX_NUMBER = 2**32 - 1


def identity_of(text: str) -> tuple[int, int]:
    """The sid and rev of a rule; the engine takes a missing rev as 1.

    Raises:
        ValueError: If the text is no rule, or says them not at all, twice, or as no number.
    """
    rule = Rule.parse(text)
    sids, revs = rule.values("sid"), rule.values("rev") or ["1"]
    if len(sids) != 1 or len(revs) != 1:
        raise ValueError("a rule has one sid and one rev")
    return _number(sids[0]), _number(revs[0])


def with_identity(text: str, sid: int, rev: int) -> str:
    """The same rule under another sid and rev.

    Raises:
        ValueError: If the text is no rule with one sid and one rev.
    """
    rule = Rule.parse(text)
    if len(rule.values("sid")) != 1 or len(rule.values("rev")) != 1:
        raise ValueError("a rule has one sid and one rev")
    return str(rule.with_value("sid", str(sid)).with_value("rev", str(rev)))


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) > MAX_NUMBER:
        raise ValueError(f"{value[:20]!a} is no sid or rev")
    return int(value)
