"""The values of one buffer over many records: each distinct value once, searched as one text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.logs.escapes import to_bytes

Mask = npt.NDArray[np.bool_]
MAX_VALUE = 16 * 1024
"""Bytes of a value that are looked at; the engine inspects no more of most buffers."""


class Values:
    """The values of one buffer, by record.

    Args:
        distinct: Each value once.
        codes: int32 [N], the number of each record's value; -1 where it has none.
    """

    def __init__(self, distinct: list[bytes], codes: npt.NDArray[np.int32]) -> None:
        self.distinct = distinct
        self.codes = codes

    @classmethod
    def of(cls, column: pl.Series, change: Callable[[bytes], bytes | None] | None = None) -> Values:
        """The values of a column of text, as bytes.

        Args:
            column: Strings; null where a record has none.
            change: What the engine makes of a value; None where it has no buffer then.
        """
        texts = column.unique().drop_nulls().sort()
        codes: dict[bytes, int] = {}
        numbers = []
        for text in texts.to_list():
            value: bytes | None = to_bytes(text)[:MAX_VALUE]
            if change is not None and value is not None:
                value = change(value)
            numbers.append(-1 if value is None else codes.setdefault(value, len(codes)))
        found = np.full(len(column), -1, dtype=np.int32)
        there = column.is_not_null().to_numpy()
        places = texts.search_sorted(column.drop_nulls()).to_numpy()
        found[there] = np.array(numbers, dtype=np.int32)[places] if numbers else -1
        return cls(list(codes), found)

    def __len__(self) -> int:
        return len(self.codes)

    def records(self, distinct: Mask) -> Mask:
        """Which records have one of some values, bool [N].

        Args:
            distinct: bool [V], by distinct value.
        """
        return np.append(distinct, False)[self.codes]

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many records have each distinct value, int64 [V]."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.distinct))

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Length of each distinct value in bytes, int64 [V]."""
        return np.fromiter(map(len, self.distinct), dtype=np.int64, count=len(self.distinct))

    @cached_property
    def lower(self) -> list[bytes]:
        """The distinct values in lower case; ASCII alone, as in the engine's ``nocase``."""
        return [value.lower() for value in self.distinct]

    @cached_property
    def _starts(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.sizes + 1)]).astype(np.int64)

    @cached_property
    def _text(self) -> bytes:
        return b"\n".join(self.distinct)

    @cached_property
    def _lower_text(self) -> bytes:
        return self._text.lower()

    def containing(self, part: bytes, *, nocase: bool = False) -> Mask:
        """Which distinct values contain some bytes, bool [V]."""
        found = np.zeros(len(self.distinct), dtype=bool)
        if b"\n" in part:
            values = self.lower if nocase else self.distinct
            part = part.lower() if nocase else part
            found[[place for place, value in enumerate(values) if part in value]] = True
            return found
        text, part = (self._lower_text, part.lower()) if nocase else (self._text, part)
        starts = self._starts
        place = text.find(part)
        while place >= 0:
            number = int(np.searchsorted(starts, place, side="right")) - 1
            found[number] = True
            if number + 1 >= len(self.distinct):
                break
            place = text.find(part, int(starts[number + 1]))
        return found

    def where(self, numbers: Iterable[int]) -> Mask:
        """A mask of distinct values by their numbers, bool [V]."""
        mask = np.zeros(len(self.distinct), dtype=bool)
        mask[list(numbers)] = True
        return mask
