"""Parts that many of a family's values share: maximal repeats, by a suffix array.

A maximal repeat can not be made longer without occurring in fewer places (Gusfield, "Algorithms on
Strings, Trees, and Sequences", 1997, section 7.12); all others say less with fewer letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

MAX_LETTERS = 60_000
"""Bytes of all values together; of more values, so many are taken evenly."""
MAX_VALUE = 512
"""Bytes of one value that are looked at."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part that several values share.

    Attributes:
        part: Its bytes.
        values: Places of the values that have it, ascending.
    """

    part: bytes
    values: Numbers


def repeats(values: Sequence[bytes], *, shortest: int, longest: int, least: int) -> list[Repeat]:
    """Maximal repeats of some values.

    Args:
        values: Distinct values.
        shortest: Bytes of a part at least.
        longest: Bytes of a part at most; a longer repeat is cut.
        least: In so many values a part must be.

    Returns:
        Those in most values first.
    """
    chosen = _evenly(values)
    text = b"\0".join(values[place][:MAX_VALUE] for place in chosen) + b"\0"
    owners = np.repeat(chosen, [min(len(values[place]), MAX_VALUE) + 1 for place in chosen])
    suffixes = sorted(range(len(text)), key=lambda place: text[place : place + longest])
    found: dict[bytes, Numbers] = {}
    for size, begin, end in _intervals(_shared(text, suffixes, longest)):
        if size < shortest or end - begin < least:
            continue
        places = np.array(suffixes[begin:end])
        part = text[places[0] : places[0] + size]
        if not _left_maximal(text, places) or part in found:
            continue
        own = np.unique(owners[places])
        if len(own) >= least:
            found[part] = own
    ordered = sorted(found.items(), key=lambda one: (-len(one[1]), -len(one[0]), one[0]))
    return [Repeat(part, own) for part, own in ordered]


def _evenly(values: Sequence[bytes]) -> Numbers:
    sizes = np.array([min(len(value), MAX_VALUE) + 1 for value in values], dtype=np.int64)
    if sizes.sum() <= MAX_LETTERS:
        return np.arange(len(values))
    count = max(int(len(values) * MAX_LETTERS / sizes.sum()), 1)
    return np.unique(np.linspace(0, len(values) - 1, count).astype(np.int64))


def _shared(text: bytes, suffixes: Sequence[int], longest: int) -> list[int]:
    """How many bytes each suffix shares with the one before it, within one value."""
    shared = [0]
    for first, second in pairwise(suffixes):
        size = 0
        while size < longest and text[first + size] == text[second + size] != 0:
            size += 1
        shared.append(size)
    return shared


def _intervals(shared: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Every run of suffixes with a shared beginning: its size, where the run begins and ends."""
    stack: list[tuple[int, int]] = []
    for place, size in enumerate([*shared, 0]):
        begin = place - 1
        while stack and stack[-1][0] > size:
            length, begin = stack.pop()
            yield length, begin, place
        if size and (not stack or stack[-1][0] < size):
            stack.append((size, max(begin, 0)))


def _left_maximal(text: bytes, places: Numbers) -> bool:
    before = {text[place - 1] if place else 0 for place in places.tolist()}
    return len(before) > 1 or before == {0}
