"""Compiled passes over the records of a forest: hash them, turn their table, walk the trees."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from enricher.features.compiled import kernel

_BLOCK: Final = 64
_MISSING: Final = np.uint64(0x7FC00000)
_FACTOR: Final = np.uint64(0xBF58476D1CE4E5B9)
_OFFSET: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(31)


@kernel
def hash_rows(table: Any, bits: Any, out: Any) -> None:
    """A number for the values of each line of ``table`` (float32 [N, D]) into ``out`` (uint64 [N]).

    ``bits`` are those of ``table``, uint32. Both zeros are one value, and so is every NaN.
    """
    for i in range(table.shape[0]):
        z = np.uint64(0)
        for j in range(table.shape[1]):
            value = table[i, j]
            if np.isnan(value):
                word = _MISSING
            else:
                word = np.uint64(0) if value == 0.0 else np.uint64(bits[i, j])
            z = (z ^ word) * _FACTOR + _OFFSET
            z ^= z >> _HALF
        out[i] = z


@kernel
def to_columns(table: Any, rows: Any, columns: Any, first: Any, out: Any) -> None:
    """Put ``table[rows][:, columns]`` on its side into ``out[:, first:]``, block by block."""
    for start in range(0, rows.shape[0], _BLOCK):
        stop = min(start + _BLOCK, rows.shape[0])
        for c in range(columns.shape[0]):
            for i in range(start, stop):
                out[c, first + i] = table[rows[i], columns[c]]


@kernel
def varying(table: Any, out: Any) -> None:
    """Say of each line of ``table`` whether two of its values differ; NaN is one value."""
    for f in range(table.shape[0]):
        first = table[f, 0]
        out[f] = False
        for i in range(1, table.shape[1]):
            x = table[f, i]
            if x != first and not (np.isnan(x) and np.isnan(first)):
                out[f] = True
                break


@kernel
def walk(numbers: Any, rows: Any, trees: Any, out: Any) -> None:
    """Mean value of the leaves that ``numbers[rows]`` fall into, float32 [R] into ``out``.

    Args:
        numbers: float32 [N, D].
        rows: int64 [R].
        trees: ``feature``, ``threshold``, ``missing_left``, ``left``, ``right``, ``value``
            and ``roots``.
        out: Filled.
    """
    feature, threshold, missing_left, left, right, value, roots = trees
    for r in range(rows.shape[0]):
        x = numbers[rows[r]]
        total = 0.0
        for root in roots:
            node = root
            f = feature[node]
            while f >= 0:
                v = x[f]
                if v <= threshold[node] or (missing_left[node] and np.isnan(v)):
                    node = left[node]
                else:
                    node = right[node]
                f = feature[node]
            total += value[node]
        out[r] = total / roots.shape[0]
