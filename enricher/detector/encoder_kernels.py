"""Kernels of the encoder on a CPU: what stands between its matrix products, in one pass each.

They compute what :mod:`enricher.detector.encoder` and :mod:`enricher.detector.scaling` do, to about
1e-6; each row alone and always in the same order, so that a batch changes no bit.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable

from enricher.detector.scaling import VALUE_BOUND
from enricher.features.compiled import reordering_kernel

_ONE: Final = np.float32(1.0)
_HALF: Final = np.float32(0.5)
_ZERO: Final = np.float32(0.0)
_BOUND: Final = np.float32(VALUE_BOUND)
_ROOT_HALF: Final = np.float32(0.7071067811865476)
# Of LayerNorm, as PyTorch has it.
_EPSILON: Final = np.float32(1e-5)
# Rows that are scaled together: a column of them stays in the fastest cache.
_ROWS: Final = 128
# Beyond it the error function is 1 to the last bit of a float.
_FLAT: Final = np.float32(3.832507)


@register_jitable
def _held(value: Any, lowest: Any, highest: Any) -> Any:
    # The built-in functions have a branch for NaN, which keeps a loop from the vector units.
    raised = lowest if value < lowest else value  # noqa: FURB136
    return highest if raised > highest else raised  # noqa: FURB136


@reordering_kernel
def scale(
    numeric: Any, first: Any, median: Any, inverse_spread: Any, base: Any, low: Any, high: Any,
    slopes: Any, pieces: Any, out: Any,
) -> None:  # fmt: skip
    """Scale the columns of ``numeric`` from ``first`` on, as QuantileScaler does.

    Args:
        numeric: float32 [N, D'], NaN where missing.
        first: First of the D columns.
        median: float32 [D].
        inverse_spread: float32 [D].
        base: float32 [D].
        low: float32 [Q, D].
        high: float32 [Q, D].
        slopes: float32 [Q, D].
        pieces: int64 [D], how many of the Q pieces a column has: a flag has but one.
        out: float32 [3 D, R], values, ranks and missing flags; its first N columns are written.
    """
    columns = median.shape[0]
    value, rank = np.empty(_ROWS, np.float32), np.empty(_ROWS, np.float32)
    # Some rows at a time, a column at a time: vectors of rows, with a piece's bounds in registers.
    for start in range(0, numeric.shape[0], _ROWS):
        count = min(_ROWS, numeric.shape[0] - start)
        for j in range(columns):
            for i in range(count):
                value[i] = numeric[start + i, first + j]
            for i in range(count):
                given = value[i]
                missing = given != given  # noqa: PLR0124 - NaN alone is unequal to itself
                scaled = (given - median[j]) * inverse_spread[j]
                value[i] = _ZERO if missing else scaled
                out[2 * columns + j, start + i] = _ONE if missing else _ZERO
                rank[i] = base[j]
            for k in range(pieces[j]):
                lowest, highest, slope = low[k, j], high[k, j], slopes[k, j]
                for i in range(count):
                    rank[i] += _held(value[i], lowest, highest) * slope
            for i in range(count):
                out[j, start + i] = _held(value[i], -_BOUND, _BOUND)
                out[columns + j, start + i] = rank[i]


@register_jitable(inline="always")
def _error_function(x: Any) -> Any:
    """erf(x) as a quotient of polynomials in x², to 2e-7; coefficients: Eigen's generic erf."""
    held = _held(x, -_FLAT, _FLAT)
    s = held * held
    above = np.float32(-2.72614225801306e-10) * s + np.float32(2.77068142495902e-08)
    above = above * s + np.float32(-2.10102402082508e-06)
    above = above * s + np.float32(-5.69250639462346e-05)
    above = above * s + np.float32(-7.34990630326855e-04)
    above = above * s + np.float32(-2.95459980854025e-03)
    above = above * s + np.float32(-1.60960333262415e-02)
    below = np.float32(-1.45660718464996e-05) * s + np.float32(-2.13374055278905e-04)
    below = below * s + np.float32(-1.68282697438203e-03)
    below = below * s + np.float32(-7.37332916720468e-03)
    below = below * s + np.float32(-1.42647390514189e-02)
    return held * above / below


@register_jitable(inline="always")
def _spread(row: Any, i: Any) -> Any:
    """Mean of a row and one over the root of its variance."""
    width = row.shape[1]
    share = _ONE / np.float32(width)
    total = _ZERO
    for j in range(width):
        total += row[i, j]
    mean = total * share
    squares = _ZERO
    for j in range(width):
        distance = row[i, j] - mean
        squares += distance * distance
    return mean, _ONE / np.sqrt(squares * share + _EPSILON)


@reordering_kernel
def add_lookups(total: Any, table: Any, starts: Any, indices: Any) -> None:
    """Add to each row the lines of ``table`` that its indices name, each past its start.

    Args:
        total: float32 [R, H]; its first N rows are changed.
        table: float32 [V, H].
        starts: int64 [C].
        indices: int64 [N, C].
    """
    for i in range(indices.shape[0]):
        for c in range(indices.shape[1]):
            line = starts[c] + indices[i, c]
            for j in range(total.shape[1]):
                total[i, j] += table[line, j]


@reordering_kernel
def open_views(record: Any, context: Any, bias: Any, weight: Any, shift: Any, out: Any) -> None:
    """The two views of a record, through LayerNorm and GELU.

    Args:
        record: float32 [R, H], the sums of the records alone.
        context: float32 [R, H], those of their contexts.
        bias: float32 [H], added to ``record`` first; it is changed.
        weight: float32 [H], of LayerNorm.
        shift: float32 [H], its bias.
        out: float32 [2 R, H], the records alone, then in their contexts.
    """
    rows, width = record.shape
    for i in range(rows):
        for j in range(width):
            record[i, j] += bias[j]
            context[i, j] += record[i, j]
        for view in range(2):
            source = context if view else record
            mean, scale_ = _spread(source, i)
            to = i + view * rows
            for j in range(width):
                x = (source[i, j] - mean) * scale_ * weight[j] + shift[j]
                out[to, j] = _HALF * x * (_ONE + _error_function(x * _ROOT_HALF))


@reordering_kernel
def close_block(linear: Any, bias: Any, weight: Any, shift: Any, hidden: Any) -> None:
    """The rest of a block: bias, LayerNorm, GELU, added to what came in.

    Args:
        linear: float32 [R, H], the product of ``hidden`` with the block's matrix; it is changed.
        bias: float32 [H], of the matrix.
        weight: float32 [H], of LayerNorm.
        shift: float32 [H], its bias.
        hidden: float32 [R, H], what came in; becomes what goes out.
    """
    rows, width = linear.shape
    for i in range(rows):
        for j in range(width):
            linear[i, j] += bias[j]
        mean, scale_ = _spread(linear, i)
        for j in range(width):
            x = (linear[i, j] - mean) * scale_ * weight[j] + shift[j]
            hidden[i, j] += _HALF * x * (_ONE + _error_function(x * _ROOT_HALF))


@reordering_kernel
def join_views(views: Any, bias: Any, out: Any) -> None:
    """The embedding of N records, float32 [N, 2 E'], from both views' halves [2 R, E']."""
    half, rows = views.shape[1], views.shape[0] // 2
    for i in range(out.shape[0]):
        for j in range(half):
            out[i, j] = views[i, j] + bias[j]
            out[i, half + j] = views[rows + i, j] + bias[j]
