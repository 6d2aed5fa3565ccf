"""The compiled heart of the context: one pass over the records, three tables of counters.

A table is set-associative: a key belongs to one set of eight slots, and where all are taken the
slot that was used longest ago is given up. A slot is a row of 64-bit words, some read as floats.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba.extending import register_jitable

from enricher.features.arithmetic import decay, log1p
from enricher.features.compiled import kernel

WAYS: Final = 8
MINUTE: Final = 60.0
HOUR: Final = 3600.0
WINDOW: Final = 600.0
# A table's slot starts anew when the log goes back by more than this: another capture, or a
# clock that was wrong.
DAY: Final = 86400.0
# Means and variances follow the last 32 values or so.
MEMORY: Final = 1.0 / 32.0
# So many values have a variance.
SOME: Final = 2.0

# Words of a slot. Its key and when it was used last stand apart, so that a set's eight keys share
# a cache line.
CLOCK, START, FIRST = 0, 1, 2
COUNT_MINUTE, COUNT_HOUR, FAILED, KNOWN = 3, 4, 5, 6
INTERVALS, INTERVAL_MEAN, INTERVAL_VARIANCE = 7, 8, 9
SIZES, SIZE_MEAN, SIZE_VARIANCE = 10, 11, 12
WINDOW_START, WINDOW_COUNT = 13, 14
ONES_A, ONES_B, BEFORE_A, BEFORE_B = 15, 16, 17, 18
BITS: Final = 19

# What one table says of one record, in this order.
OUTPUTS: Final = (
    "minute",
    "hour",
    "failures",
    "failure_ratio",
    "distinct_a",
    "distinct_b",
    "new_a",
    "new_b",
    "spread_a",
    "spread_b",
    "interval",
    "interval_mean",
    "interval_deviation",
    "size_mean",
    "size_deviation",
    "size_surprise",
    "age",
)
OUT: Final = len(OUTPUTS)


@register_jitable(inline="always")
def _find(slots: Any, sequence: Any, key: Any) -> Any:
    """The row of ``key``, or minus one minus the row that is given up for it.

    ``slots`` is uint64 [sets, 2, WAYS]: the keys of a set, then when each was used; 0 is never.
    """
    home = np.int64(key & np.uint64(slots.shape[0] - 1))
    for way in range(WAYS):
        if slots[home, 0, way] == key and slots[home, 1, way] != 0:
            slots[home, 1, way] = sequence
            return home * WAYS + way
    oldest = 0
    for way in range(1, WAYS):
        if slots[home, 1, way] < slots[home, 1, oldest]:
            oldest = way
    slots[home, 0, oldest] = key
    slots[home, 1, oldest] = sequence
    return -1 - (home * WAYS + oldest)


@register_jitable(inline="always")
def _restart(words: Any, values: Any, row: Any, now: Any) -> None:
    for i in range(words.shape[1]):
        words[row, i] = 0
    values[row, CLOCK] = now
    values[row, FIRST] = now
    values[row, WINDOW_START] = now
    values[row, START] = np.nan


@register_jitable(inline="always")
def _advance(words: Any, values: Any, estimate: Any, row: Any, now: Any) -> None:
    """Let time pass: counts decay, and the window of the distinct counts moves on."""
    passed = now - values[row, CLOCK]
    if passed <= 0.0:
        return
    values[row, CLOCK] = now
    slow = decay(passed / HOUR)
    values[row, COUNT_MINUTE] *= decay(passed / MINUTE)
    values[row, COUNT_HOUR] *= slow
    values[row, FAILED] *= slow
    values[row, KNOWN] *= slow
    into = now - values[row, WINDOW_START]
    if into >= WINDOW:
        recent = into < 2.0 * WINDOW
        values[row, BEFORE_A] = estimate[1, np.int64(values[row, ONES_A])] if recent else 0.0
        values[row, BEFORE_B] = estimate[1, np.int64(values[row, ONES_B])] if recent else 0.0
        values[row, ONES_A] = values[row, ONES_B] = values[row, WINDOW_COUNT] = 0.0
        values[row, WINDOW_START] = now
        for i in range(BITS, words.shape[1]):
            words[row, i] = 0


@register_jitable(inline="always")
def _mark(words: Any, row: Any, first: Any, bits: Any, item: Any, count: Any) -> bool:
    """Whether the item's bit was clear; it is set where the record counts."""
    bit = np.int64(item & np.uint64(bits - 1))
    word = first + (bit >> 6)
    mask = np.uint64(1) << np.uint64(bit & 63)
    if words[row, word] & mask:
        return False
    if count:
        words[row, word] |= mask
    return True


@register_jitable(inline="always")
def _follow(values: Any, row: Any, number: Any, value: Any) -> None:
    """Take a value into the running mean and variance in words ``number`` to ``number + 2``.

    Exponentially weighted, by Welford's update (West 1979), plain averages at first.
    """
    values[row, number] += 1.0
    weight = max(1.0 / values[row, number], MEMORY)
    distance = value - values[row, number + 1]
    values[row, number + 1] += weight * distance
    values[row, number + 2] = (1.0 - weight) * (
        values[row, number + 2] + weight * distance * distance
    )


@register_jitable(inline="always")
def _count(values: Any, row: Any, start: Any, outcome: Any, counted: Any, out: Any) -> None:
    """Rates, failures and intervals of one slot with this record in it."""
    if counted:
        values[row, COUNT_MINUTE] += 1.0
        values[row, COUNT_HOUR] += 1.0
        values[row, WINDOW_COUNT] += 1.0
    if outcome >= 0:
        values[row, KNOWN] += 1.0
        values[row, FAILED] += outcome
    out[0] = log1p(values[row, COUNT_MINUTE])
    out[1] = log1p(values[row, COUNT_HOUR])
    out[2] = log1p(values[row, FAILED])
    out[3] = values[row, FAILED] / values[row, KNOWN] if values[row, KNOWN] > 0.0 else np.nan
    out[10] = np.nan
    if counted:
        if not math.isnan(values[row, START]):
            interval = log1p(1000.0 * max(0.0, start - values[row, START]))
            out[10] = interval
            _follow(values, row, INTERVALS, interval)
        values[row, START] = start
    enough = values[row, INTERVALS] >= 1.0
    out[11] = values[row, INTERVAL_MEAN] if enough else np.nan
    out[12] = (
        math.sqrt(values[row, INTERVAL_VARIANCE]) if values[row, INTERVALS] >= SOME else np.nan
    )
    out[16] = log1p(min(HOUR, values[row, CLOCK] - values[row, FIRST]))


@register_jitable(inline="always")
def _size(values: Any, row: Any, size: Any, out: Any) -> None:
    """Mean and deviation of the sizes (as they are given: logarithms) and this one's distance."""
    out[15] = np.nan
    if not math.isnan(size):
        if values[row, SIZES] >= 1.0:
            out[15] = abs(size - values[row, SIZE_MEAN])
        _follow(values, row, SIZES, size)
    out[13] = values[row, SIZE_MEAN] if values[row, SIZES] >= 1.0 else np.nan
    out[14] = math.sqrt(values[row, SIZE_VARIANCE]) if values[row, SIZES] >= SOME else np.nan


@register_jitable(inline="always")
def _distinct(
    words: Any, values: Any, row: Any, estimate: Any, items: Any, n: Any, counted: Any, out: Any
) -> None:
    """Distinct items by linear counting (Whang et al. 1990), over this window and the last."""
    bits = estimate.shape[1] - 1
    each = bits >> 6
    new_a = _mark(words, row, BITS, bits, items[n, 0], counted)
    new_b = _mark(words, row, BITS + each, bits, items[n, 1], counted)
    if counted:
        values[row, ONES_A] += new_a
        values[row, ONES_B] += new_b
    ones_a, ones_b = np.int64(values[row, ONES_A]), np.int64(values[row, ONES_B])
    out[4] = max(estimate[1, ones_a], values[row, BEFORE_A])
    out[5] = max(estimate[1, ones_b], values[row, BEFORE_B])
    out[6] = new_a
    out[7] = new_b
    some = values[row, WINDOW_COUNT] > 0.0
    out[8] = min(1.0, estimate[0, ones_a] / values[row, WINDOW_COUNT]) if some else np.nan
    out[9] = min(1.0, estimate[0, ones_b] / values[row, WINDOW_COUNT]) if some else np.nan


@kernel
def follow_records(
    slots: Any,
    words: Any,
    values: Any,
    estimate: Any,
    keys: Any,
    items: Any,
    start: Any,
    end: Any,
    size: Any,
    outcome: Any,
    counted: Any,
    sequence: Any,
    columns: Any,
    out: Any,
    first_column: Any,
) -> None:
    """Take N records into one table and write what it then says of each.

    Args:
        slots: uint64 [sets, 2, WAYS], the keys of each set, then when each was used last.
        words: uint64 [sets * WAYS, words], what is kept of each slot.
        values: The same memory as float64.
        estimate: float64 [2, bits + 1], distinct items for a number of bits that are set, and the
            logarithm of one plus that.
        keys: uint64 [N].
        items: uint64 [N, 2], the two items whose distinct values are counted.
        start: float64 [N], seconds.
        end: float64 [N], seconds; tells a late record of a long connection from a clock that
            jumped back.
        size: float64 [N], NaN where there is none.
        outcome: float64 [N], 1 failed, 0 did not, -1 not known.
        counted: bool [N], whether the record counts for rates and distinct items.
        sequence: Number of the first record, from 1.
        columns: int64 [OUT], the column of ``out`` for each output, -1 to leave it.
        out: float32 [N, D].
        first_column: Added to ``columns``.
    """
    said = np.empty(OUT, np.float64)
    for n in range(keys.shape[0]):
        found = _find(slots, np.uint64(sequence + n), keys[n])
        row = np.uint64(found if found >= 0 else -1 - found)
        if found < 0 or end[n] < values[row, CLOCK] - DAY:
            _restart(words, values, row, start[n])
        else:
            _advance(words, values, estimate, row, start[n])
        _count(values, row, start[n], outcome[n], counted[n], said)
        _size(values, row, size[n], said)
        _distinct(words, values, row, estimate, items, n, counted[n], said)
        for i in range(OUT):
            if columns[i] >= 0:
                out[n, first_column + columns[i]] = said[i]
