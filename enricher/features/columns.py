"""A batch's columns as arrays, each made once however many features need it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.features.arrow import StringColumn, string_column
from enricher.features.strings import HashArray, distinct, hash_strings
from enricher.features.tensors import TextColumn

# No more than this of a text is looked at: what tells an attack stands in it, and a log line's
# author must not be able to buy our time.
TEXT_LIMIT = 512

FloatColumn = npt.NDArray[np.float64]


class Columns:
    """The columns of one frame. Not for keeping: it holds on to the frame's memory.

    Args:
        frame: Records with the canonical columns of their kind.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._strings: dict[str, StringColumn] = {}
        self._hashes: dict[str, HashArray] = {}
        self._numbers: dict[str, FloatColumn] = {}
        self._texts: dict[str, TextColumn] = {}

    def __len__(self) -> int:
        return self.frame.height

    def add(self, name: str, series: pl.Series) -> None:
        """Add a derived column of strings under a name of its own."""
        self._strings[name] = string_column(series)

    def strings(self, name: str) -> StringColumn:
        """The strings of a column, where they lie in memory."""
        if name not in self._strings:
            self._strings[name] = string_column(self.frame[name])
        return self._strings[name]

    def hashes(self, name: str) -> HashArray:
        """uint64 [N], a hash of each string's first :data:`TEXT_LIMIT` bytes."""
        if name not in self._hashes:
            self._hashes[name] = hash_strings(self.strings(name), TEXT_LIMIT)
        return self._hashes[name]

    def numbers(self, name: str) -> FloatColumn:
        """float64 [N], NaN where absent or not finite; booleans become 0 and 1."""
        if name not in self._numbers:
            series = self.frame[name].cast(pl.Float64()).fill_null(float("nan"))
            values = np.array(series.to_numpy(), dtype=np.float64)
            values[~np.isfinite(values)] = np.nan
            self._numbers[name] = values
        return self._numbers[name]

    def number_hashes(self, name: str) -> HashArray:
        """uint64 [N], the bits of each number, which serve as a key; absent is one key."""
        return self.numbers(name).view(np.uint64)

    def text(self, name: str) -> TextColumn:
        """The column's strings, each distinct one once, cut to :data:`TEXT_LIMIT` bytes."""
        if name not in self._texts:
            data, offsets, codes = distinct(self.strings(name), self.hashes(name), TEXT_LIMIT)
            self._texts[name] = TextColumn(data, offsets, codes)
        return self._texts[name]
