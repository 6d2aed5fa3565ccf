"""Compiled: the search for the best cut of a node's records along one feature.

:mod:`enricher.detector.learners.forest_kernel` is compiled with this: who changes something here
in a checkout removes what numba kept of that.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from enricher.features.compiled import kernel

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT: Final = 2.0**-53


@kernel
def uniform(state: Any) -> Any:
    """The next number in [0, 1): splitmix64 (Steele, Lea and Flood 2014)."""
    state[0] += _GOLDEN
    z = state[0]
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return np.float64((z ^ (z >> _31)) >> _11) * _UNIT


@kernel
def _purity(la: Any, lb: Any, ra: Any, rb: Any) -> Any:
    """Larger is better: Gini's impurity of two children up to sign, offset and scale."""
    left, right = la + lb, ra + rb
    return (la * la + lb * lb) / left + (ra * ra + rb * rb) / right


@kernel
def _consider(best: Any, cut: Any, counts: Any, weights: Any, least: Any) -> None:
    """Keep a cut in ``best`` (purity, threshold, missing go left) if it is the best yet.

    Args:
        best: What is best so far; changed in place.
        cut: The threshold.
        counts: Attack and benign records at or under it, above it, and missing.
        weights: Of an attack and of a benign record.
        least: Records that a child has at least.
    """
    la, lb, ra, rb, ma, mb = counts
    wa, wb = weights
    left, right, missing = la + lb, ra + rb, ma + mb
    if missing == 0:
        if left >= least and right >= least:
            purity = _purity(la * wa, lb * wb, ra * wa, rb * wb)
            if purity > best[0]:
                best[0], best[1], best[2] = purity, cut, 1.0 if left >= right else 0.0
        return
    if left + missing >= least and right >= least:
        purity = _purity((la + ma) * wa, (lb + mb) * wb, ra * wa, rb * wb)
        if purity > best[0]:
            best[0], best[1], best[2] = purity, cut, 1.0
    if left >= least and right + missing >= least:
        purity = _purity(la * wa, lb * wb, (ra + ma) * wa, (rb + mb) * wb)
        if purity > best[0]:
            best[0], best[1], best[2] = purity, cut, 0.0


@kernel
def _span(x: Any, rows: Any, low: Any, high: Any) -> Any:
    """Smallest and largest value, going on from ``low`` and ``high``, and number of missing."""
    missing = 0
    for i in rows:
        v = np.float64(x[i])
        if np.isnan(v):
            missing += 1
        else:
            low, high = min(low, v), max(high, v)
    return low, high, missing


@kernel
def _between(low: Any, high: Any, state: Any) -> Any:
    """A random threshold that keeps ``low`` on the left and ``high`` on the right."""
    cut = np.float64(np.float32(low + uniform(state) * (high - low)))
    return low if cut >= high else cut


@kernel
def search_random(
    x: Any, attack: Any, benign: Any, weights: Any, least: Any, draws: Any, state: Any, best: Any
) -> Any:
    """Try random thresholds between the smallest and the largest value (Geurts 2006).

    Args:
        x: The feature's values, float32 [K + B].
        attack: Attack records of the node.
        benign: Benign records that are looked at.
        weights: Of an attack and of a benign record.
        least: Records that a child has at least.
        draws: How many thresholds.
        state: Of the random numbers.
        best: The best cut so far; changed in place.

    Returns:
        Whether the feature varies among the records.
    """
    low, high, ma = _span(x, attack, np.inf, -np.inf)
    low, high, mb = _span(x, benign, low, high)
    na, nb = attack.shape[0] - ma, benign.shape[0] - mb
    if na + nb == 0 or (low == high and ma + mb == 0):
        return False
    if ma + mb > 0:
        _consider(best, high, (na, nb, 0, 0, ma, mb), weights, least)
    if low == high:
        return True
    for _ in range(draws):
        cut = _between(low, high, state)
        la = lb = 0
        for i in attack:
            la += x[i] <= cut
        for i in benign:
            lb += x[i] <= cut
        _consider(best, cut, (la, lb, na - la, nb - lb, ma, mb), weights, least)
    return True


@kernel
def _distinct(x: Any, rows: Any) -> Any:
    """Distinct values in rising order, how often each is there, and number of missing."""
    values = np.empty(rows.shape[0], np.float64)
    count = 0
    for i in rows:
        if not np.isnan(x[i]):
            values[count] = x[i]
            count += 1
    missing = rows.shape[0] - count
    values = values[:count]
    values.sort()
    same = np.zeros(count, np.int64)
    m = 0
    for j in range(count):
        if m == 0 or values[j] != values[m - 1]:
            values[m] = values[j]
            m += 1
        same[m - 1] += 1
    return values[:m], same[:m], missing


@kernel
def _tally(x: Any, rows: Any, values: Any, equal: Any, gap: Any, low: Any, high: Any) -> Any:
    """Count records at each of M ``values`` and in the gaps around them; number of missing.

    ``equal`` [M] and ``gap`` [M + 1] are filled with counts, ``low`` and ``high`` [M + 1] with
    the smallest and the largest value in each gap.
    """
    missing = 0
    for i in rows:
        v = np.float64(x[i])
        if np.isnan(v):
            missing += 1
            continue
        p, q = 0, values.shape[0]
        while p < q:
            middle = (p + q) >> 1
            if values[middle] < v:
                p = middle + 1
            else:
                q = middle
        if p < values.shape[0] and values[p] == v:
            equal[p] += 1
        else:
            gap[p] += 1
            low[p], high[p] = min(low[p], v), max(high[p], v)
    return missing


@kernel
def search_all(
    x: Any, attack: Any, benign: Any, weights: Any, least: Any, state: Any, best: Any
) -> Any:
    """Try every threshold that can be the best; arguments as of :func:`search_random`.

    The best one is next to an attack record (Fayyad and Irani 1992), and those are few: it takes
    no sorting of the benign records to count them between one attack record and the next. Where
    the threshold stands between two neighbours is random.

    Returns:
        Whether the feature varies among the records.
    """
    values, same, ma = _distinct(x, attack)
    m = values.shape[0]
    equal, gap = np.zeros(m, np.int64), np.zeros(m + 1, np.int64)
    low, high = np.full(m + 1, np.inf), np.full(m + 1, -np.inf)
    mb = _tally(x, benign, values, equal, gap, low, high)
    na, nb = attack.shape[0] - ma, benign.shape[0] - mb
    bottom, top = low.min(), high.max()
    if m > 0:
        bottom, top = min(bottom, values[0]), max(top, values[m - 1])
    if na + nb == 0 or (bottom == top and ma + mb == 0):
        return False
    if ma + mb > 0:
        _consider(best, top, (na, nb, 0, 0, ma, mb), weights, least)
    la = lb = 0
    for j in range(m):
        if gap[j] > 0:
            lb += gap[j]
            cut = _between(high[j], values[j], state)
            _consider(best, cut, (la, lb, na - la, nb - lb, ma, mb), weights, least)
        la += same[j]
        lb += equal[j]
        if la + lb < na + nb:
            above = low[j + 1] if gap[j + 1] > 0 else values[j + 1]
            cut = _between(values[j], above, state)
            _consider(best, cut, (la, lb, na - la, nb - lb, ma, mb), weights, least)
    return True
