"""What stands in a rules file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from enricher.errors import InputError
from enricher.rulegen.ledger.candidate import Stage
from enricher.rulegen.ledger.deployment import Deployable

HEADER = b"# Made by the enricher. Do not edit: the next deployment replaces it.\n"


def render(rules: Sequence[Deployable], stage: Stage) -> bytes:
    """Rules as a rules file, in the order of their sids, one a line.

    Above each stands what it is; the same rules give the same bytes.

    Args:
        rules: The rules.
        stage: As what those are deployed that were not yet.
    """
    parts = [HEADER]
    for one in sorted(rules, key=lambda rule: rule.sid):
        words = f"# {one.stage or stage}: {one.id} revision {one.rev} of family {one.family!a}\n"
        parts += [words.encode(), one.rule.encode(), b"\n"]
    return b"".join(parts)


def lists_of(rules: Sequence[Deployable]) -> dict[str, bytes]:
    """The files that rules load, by name.

    Raises:
        InputError: If two want different ones under one name.
    """
    found: dict[str, bytes] = {}
    for one in rules:
        for name, data in encoded(one.lists).items():
            if found.setdefault(name, data) != data:
                raise InputError(
                    f"rule {one.sid} and another load different files called {name}; "
                    "edit one of them to load a file of another name"
                )
    return found


def count_rules(data: bytes | None) -> int:
    """How many rules stand in a rules file of ours; none where it is not there."""
    return sum(line[:1] not in (b"", b"#") for line in (data or b"").split(b"\n"))


def encoded(lists: Mapping[str, str]) -> dict[str, bytes]:
    """Files as bytes."""
    return {name: text.encode() for name, text in lists.items()}
