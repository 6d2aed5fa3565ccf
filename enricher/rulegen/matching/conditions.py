"""Conditions on the bytes of one buffer: contents, expressions, sizes, lists."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import regex

from enricher.rulegen.matching.values import Mask, Values

MOST_SECONDS = 20.0
"""So long a rule's conditions on one buffer may take over all values; what takes longer can not be
tried on logs. A rule and the values it is tried on may both be somebody else's."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that the buffer has, or has not.

    Positions are Suricata's: ``offset`` and ``depth`` count from the buffer's beginning,
    ``distance`` and ``within`` from the end of what matched before; None where not said.
    """

    pattern: bytes
    nocase: bool = False
    negated: bool = False
    endswith: bool = False
    offset: int | None = None
    depth: int | None = None
    distance: int | None = None
    within: int | None = None

    @property
    def anywhere(self) -> bool:
        """Whether its place does not matter."""
        places = (self.offset, self.depth, self.distance, self.within)
        return not self.endswith and all(place is None for place in places)

    def ends(self, value: bytes, before: int) -> list[int]:
        """Where in a value it may end.

        Args:
            value: Of the buffer; in lower case for ``nocase``.
            before: Where the match before it ended.
        """
        pattern = self.pattern.lower() if self.nocase else self.pattern
        first, last = self.offset or 0, len(value)
        if self.depth is not None:
            last = min(last, first + self.depth)
        if self.distance is not None or self.within is not None:
            first = max(first, before + (self.distance or 0))
            if self.within is not None:
                last = min(last, before + (self.distance or 0) + self.within)
        found: list[int] = []
        place = value.find(pattern, max(first, 0), last)
        while place >= 0:
            end = place + len(pattern)
            if not self.endswith or end == len(value):
                found.append(end)
            place = value.find(pattern, place + 1, last)
        return found


@dataclass(frozen=True, slots=True)
class Expression:
    """A ``pcre``, read by a library that knows nearly all of its grammar and can be stopped."""

    pattern: regex.Pattern[bytes]
    negated: bool = False

    def found(self, value: bytes, until: float) -> bool:
        """Whether a value has it.

        Args:
            value: Of the buffer.
            until: When to give up, on the monotonic clock.

        Raises:
            TimeoutError: If it takes too long to tell.
        """
        return self.pattern.search(value, timeout=_left(until)) is not None


@dataclass(frozen=True, slots=True)
class Size:
    """How long the buffer is, in bytes, both ends included; ``high`` None: or longer."""

    low: int
    high: int | None


Condition: TypeAlias = Content | Expression | Size


@dataclass(frozen=True, slots=True)
class OnBuffer:
    """All conditions of a rule on one buffer.

    Attributes:
        name: Name of the buffer.
        conditions: In the order of the rule.
        dotted: ``dotprefix`` puts a dot before the value.
        lowered: ``to_lowercase`` comes before.
    """

    name: str
    conditions: tuple[Condition, ...]
    dotted: bool = False
    lowered: bool = False

    def mask(self, values: Values, *, folded: bool) -> Mask:
        """Which distinct values meet all conditions, bool [V].

        Args:
            values: Of the buffer.
            folded: The log tells no upper from lower case; then none is told here either.

        Raises:
            TimeoutError: If it takes too long.
        """
        wanted = np.ones(len(values.distinct), dtype=bool)
        rest: list[Condition] = []
        for one in self.conditions:
            if isinstance(one, Size):
                sizes = values.sizes + self.dotted
                wanted &= sizes >= one.low
                if one.high is not None:
                    wanted &= sizes <= one.high
            elif isinstance(one, Content) and not self.dotted and one.anywhere:
                nocase = one.nocase or folded or self.lowered
                wanted &= values.containing(one.pattern, nocase=nocase) != one.negated
                # Others may be placed relative to where it stands.
                if any(_relative(other) for other in self.conditions):
                    rest.append(one)
            else:
                rest.append(one)
        if rest:
            until = time.monotonic() + MOST_SECONDS
            for place in np.flatnonzero(wanted).tolist():
                value = b"." * self.dotted + values.distinct[place]
                wanted[place] = _meets(value, rest, until, folded=folded or self.lowered)
        return wanted


def _relative(one: Condition) -> bool:
    return isinstance(one, Content) and (one.distance is not None or one.within is not None)


def _left(until: float) -> float:
    """Seconds that are left.

    Raises:
        TimeoutError: If none are.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"its conditions take more than {MOST_SECONDS:.0f} seconds")
    return left


def _meets(value: bytes, conditions: Sequence[Condition], until: float, *, folded: bool) -> bool:
    lower = value.lower()
    contents: list[Content] = []
    for one in conditions:
        if isinstance(one, Content):
            if not one.negated:
                contents.append(one)
            elif one.ends(lower if one.nocase or folded else value, 0):
                return False
        elif isinstance(one, Expression) and (
            one.found(lower if folded else value, until) == one.negated
        ):
            return False
    return _in_order(value, lower, contents, until, folded=folded)


def _in_order(
    value: bytes, lower: bytes, contents: Sequence[Content], until: float, *, folded: bool
) -> bool:
    """Whether contents are found, each where it may be after the one before."""
    before = {0}
    for one in contents:
        text = lower if one.nocase or folded else value
        # Where nothing is relative every end of the match before it gives the same.
        starts = before if _relative(one) else {0}
        ends: set[int] = set()
        for start in starts:
            _left(until)
            ends.update(one.ends(text, start))
        if not ends:
            return False
        before = ends
    return True
