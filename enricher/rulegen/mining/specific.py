"""How unlikely it is that ordinary traffic has a part by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_LETTERS = 256
_PRIOR, _USUAL = 20.0, 64
_SAMPLE = 20_000


class Ordinary:
    """How often a byte follows another in ordinary values of a buffer.

    A Markov model of order one, drawn towards even use of 64 letters where little was seen.

    Args:
        values: Distinct values; of many, so many are taken evenly.
    """

    def __init__(self, values: Sequence[bytes]) -> None:
        counts: npt.NDArray[np.float64] = np.zeros((_LETTERS, _LETTERS))
        step = max(len(values) // _SAMPLE, 1)
        chosen = values[::step]
        text = np.frombuffer(b"\0" + b"\0".join(chosen) + b"\0", dtype=np.uint8).astype(np.int64)
        np.add.at(counts, (text[:-1], text[1:]), 1.0)
        totals = counts.sum(axis=1, keepdims=True)
        self._bits = -np.log2((counts + _PRIOR / _USUAL) / (totals + _PRIOR))
        letters = counts.sum(axis=0)
        self._first = -np.log2((letters + _PRIOR / _USUAL) / (letters.sum() + _PRIOR))
        self._length = max((len(text) - 1) / (len(chosen) + 1), 2.0)

    def bits(self, part: bytes, *, placed: bool = False) -> float:
        """How surprising a part is, in bits: one in ``2 ** bits`` values would have it by chance.

        Args:
            part: The bytes.
            placed: It can stand in one place only; otherwise anywhere in a value.
        """
        if not part:
            return 0.0
        text = np.frombuffer(part.lower(), dtype=np.uint8)
        bits = float(self._bits[text[:-1], text[1:]].sum())
        first = float(self._bits[0, text[0]]) if placed else float(self._first[text[0]])
        return max(bits + first - (0.0 if placed else math.log2(self._length)), 0.0)
