"""A rule: a header and a list of options, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

MAX_RULE = 8192
"""Bytes of a rule; the engine takes no longer one."""
_HEADER = re.compile(
    r"(?P<action>[a-z]+)\s+(?P<protocol>[a-z0-9-]+)\s+(?P<source>\S+)\s+(?P<source_port>\S+)\s+"
    r"(?P<direction>->|<>|=>)\s+(?P<destination>\S+)\s+(?P<destination_port>\S+)"
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its keyword, and its value where it has one."""

    name: str
    value: str | None = None

    def __str__(self) -> str:
        return f"{self.name};" if self.value is None else f"{self.name}:{self.value};"


@dataclass(frozen=True, slots=True)
class Header:
    """Who talks to whom, as the rule writes it."""

    protocol: str
    action: str = "alert"
    source: str = "any"
    source_port: str = "any"
    direction: str = "->"
    destination: str = "any"
    destination_port: str = "any"

    def __str__(self) -> str:
        return (
            f"{self.action} {self.protocol} {self.source} {self.source_port} {self.direction} "
            f"{self.destination} {self.destination_port}"
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as a value.

    Attributes:
        header: Its header.
        options: Its options; a modifier stands after what it modifies.
    """

    header: Header
    options: tuple[Option, ...]

    def __str__(self) -> str:
        return f"{self.header} ({' '.join(map(str, self.options))})"

    def values(self, name: str) -> list[str]:
        """The values of the options of a name, in order."""
        return [one.value or "" for one in self.options if one.name == name]

    def with_value(self, name: str, value: str) -> Self:
        """The rule with another value of an option that it has once."""
        return replace(
            self,
            options=tuple(Option(name, value) if o.name == name else o for o in self.options),
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a rule.

        Raises:
            ValueError: If it is no rule; the engine knows more reasons to refuse one.
        """
        if len(text.encode("utf-8", "replace")) > MAX_RULE:
            raise ValueError(f"it is longer than the {MAX_RULE} bytes that the engine takes")
        if not text.isprintable():
            raise ValueError("it has characters that do not print, or more than one line")
        text = text.strip()
        begin = text.find("(")
        if begin < 0 or not text.endswith(")"):
            raise ValueError("its options are not between ( and )")
        found = _HEADER.fullmatch(_joined_lists(text[:begin]).strip())
        if found is None:
            raise ValueError("its header is not 'action protocol source port -> destination port'")
        return cls(Header(**found.groupdict()), tuple(_options(text[begin + 1 : -1])))


def _joined_lists(header: str) -> str:
    """A header whose lists have no spaces in them."""
    depth, kept = 0, []
    for letter in header:
        depth += (letter == "[") - (letter == "]")
        if depth <= 0 or not letter.isspace():
            kept.append(letter)
    return "".join(kept)


def _options(text: str) -> Iterator[Option]:
    begin = place = 0
    while place < len(text):
        if text[place] == "\\":
            place += 2
            continue
        if text[place] == ";":
            yield _option(text[begin:place])
            begin = place + 1
        place += 1
    if text[begin:].strip():
        raise ValueError("its last option does not end with ;")


def _option(text: str) -> Option:
    name, colon, value = text.strip().partition(":")
    if not _NAME.fullmatch(name.strip()):
        raise ValueError(f"{text.strip()[:80]!a} is no option")
    return Option(name.strip(), value.strip() if colon else None)
