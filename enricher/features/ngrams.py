"""How usual the letters of a name are: a trigram model of benign names.

Interpolated trigrams, bigrams and single characters (Jelinek and Mercer 1980) over the characters
of host names. Names that were made by an algorithm score low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from enricher.features.compiled import kernel
from enricher.features.tensors import ByteArray, FloatArray, TextColumn

# Symbols: 0 is the border of a label, 1 to 26 letters, 27 to 36 digits, then '-', '_', others.
SYMBOLS: Final = 40
_WEIGHTS: Final = (0.8, 0.15, 0.05)


def _symbols() -> npt.NDArray[np.uint8]:
    table = np.full(256, SYMBOLS - 1, np.uint8)
    table[ord(".")] = 0
    for place in range(26):
        table[ord("a") + place] = table[ord("A") + place] = 1 + place
    for place in range(10):
        table[ord("0") + place] = 27 + place
    table[ord("-")], table[ord("_")] = 37, 38
    return table


_SYMBOL_OF: Final = _symbols()


@kernel
def _count(data: Any, begin: Any, end: Any, symbol_of: Any, counts: Any) -> None:
    for m in range(begin.shape[0]):
        two = one = 0
        for i in range(begin[m], end[m] + 1):
            symbol = symbol_of[data[i]] if i < end[m] else 0
            counts[two, one, symbol] += 1
            two, one = one, symbol
            if symbol == 0:
                two = 0


@kernel
def _score(data: Any, begin: Any, end: Any, symbol_of: Any, table: Any, out: Any) -> None:
    for m in range(begin.shape[0]):
        two = one = 0
        total = 0.0
        for i in range(begin[m], end[m] + 1):
            symbol = symbol_of[data[i]] if i < end[m] else 0
            total += table[two, one, symbol]
            two, one = one, symbol
            if symbol == 0:
                two = 0
        length = end[m] - begin[m]
        out[m] = total / (length + 1) if length > 0 else np.nan


@dataclass(frozen=True, slots=True)
class NameModel:
    """Probabilities of a name's characters.

    Attributes:
        table: float32 [40, 40, 40], ln P(third | first, second).
    """

    table: FloatArray

    @classmethod
    def fit(cls, text: TextColumn) -> NameModel:
        """Count the characters of distinct benign names."""
        counts = np.zeros((SYMBOLS, SYMBOLS, SYMBOLS), np.int64)
        _count(text.data, text.offsets[:-1], text.offsets[1:], _SYMBOL_OF, counts)
        three = counts.astype(np.float64)
        two = three.sum(axis=0)
        one = two.sum(axis=0) + 1.0
        parts = (
            _shares(three),
            _shares(two)[None],
            (one / one.sum())[None, None],
        )
        total = sum(weight * part for weight, part in zip(_WEIGHTS, parts, strict=True))
        return cls(np.log(np.asarray(total)).astype(np.float32))

    def score(self, text: TextColumn) -> FloatArray:
        """float32 [M], mean ln P a character of each distinct string; NaN where it is empty."""
        return self.score_parts(text.data, text.offsets[:-1], text.offsets[1:])

    def score_parts(
        self, data: ByteArray, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
    ) -> FloatArray:
        """float32 [M], mean ln P a character of ``data[begin[m]:end[m]]``; NaN where empty."""
        out = np.empty(begin.shape[0], np.float32)
        _score(data, begin, end, _SYMBOL_OF, self.table, out)
        return out

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a bundle: the model as arrays by name."""
        return {"name_model.table": self.table}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> NameModel:
        """The inverse of :meth:`to_arrays`.

        Raises:
            ValueError: If the arrays are not those of a model.
        """
        table = arrays.get("name_model.table")
        if table is None or table.shape != (SYMBOLS,) * 3 or not np.isfinite(table).all():
            raise ValueError("the arrays hold no model of names")
        return cls(np.ascontiguousarray(table, np.float32))


def _shares(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Counts as shares of the last axis, with a little for what was never seen."""
    smooth = counts + 0.01
    return np.asarray(smooth / smooth.sum(axis=-1, keepdims=True))
