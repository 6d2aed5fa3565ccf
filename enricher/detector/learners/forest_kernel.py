"""The compiled heart of the forest: growing its trees.

The table that trees are grown on lies on its side, one line per feature, so that a search along
one feature stays in the processor's cache. Records 0 to K - 1 are attacks, the rest benign.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from enricher.detector.learners.forest_search import search_all, search_random, uniform
from enricher.features.compiled import kernel

LEAF: Final = -1
"""Feature of a node that is a leaf."""

# Words of a node that waits to be split: its number, its depth, and where its attack records, its
# benign ones and those that the tree was not shown begin and end.
_WORDS: Final = 8

_SPREAD: Final = np.uint64(0x94D049BB133111EB)


@kernel
def _shuffle(values: Any, state: Any) -> None:
    for i in range(values.shape[0] - 1, 0, -1):
        j = np.int64(uniform(state) * (i + 1))
        values[i], values[j] = values[j], values[i]


@kernel
def _part(x: Any, rows: Any, begin: Any, end: Any, cut: Any, missing_left: Any) -> Any:
    """Bring the records of ``rows[begin:end]`` that go left to its front; where they end."""
    while begin < end:
        v = x[rows[begin]]
        if v <= cut or (missing_left and np.isnan(v)):
            begin += 1
        else:
            end -= 1
            rows[begin], rows[end] = rows[end], rows[begin]
    return begin


@kernel
def _worth(a: Any, b: Any, attacks: Any, benigns: Any, smoothing: Any, balance: Any) -> Any:
    """Value of a leaf with ``a`` attack and ``b`` benign records, in [0, 1].

    An m-estimate of the odds whose prior is the share of the classes, then reweighted as if the
    classes had been balanced.
    """
    share = attacks / (attacks + benigns)
    odds = (a + smoothing * share) / (b + smoothing * (1.0 - share))
    odds *= (benigns / attacks) ** balance
    return odds / (1.0 + odds)


@kernel
def _split(
    t: Any,
    table: Any,
    order: Any,
    attack: Any,
    benign: Any,
    weights: Any,
    plan: Any,
    state: Any,
    best: Any,
) -> Any:
    """Look for the best cut among some features that vary, in random order, into ``best``.

    Returns:
        Line of the table to cut, or -1 where there is none.
    """
    _, exhaustive, draws, tries, _, _, _, least, _ = plan
    best[0] = -1.0
    line = -1
    found = 0
    for k in range(order.shape[0]):
        j = k + np.int64(uniform(state) * (order.shape[0] - k))
        order[k], order[j] = order[j], order[k]
        x = table[order[k]]
        before = best[0]
        if t < exhaustive:
            varies = search_all(x, attack, benign, weights, least, state, best)
        else:
            varies = search_random(x, attack, benign, weights, least, draws, state, best)
        if best[0] > before:
            line = order[k]
        found += varies
        if found == tries:
            break
    return line


@kernel
def _settle(
    a: Any, b: Any, outside: Any, attacks: Any, benigns: Any, weights: Any, total: Any, times: Any
) -> Any:
    """Value of a leaf; the records in it that the tree was not shown count for it as well.

    Each of those gets a score, for which the record itself does not count.
    """
    balance, smoothing = weights
    for i in outside:
        if i < attacks:
            a += 1
        else:
            b += 1
    for i in outside:
        if i < attacks:
            total[i] += _worth(a - 1, b, attacks - 1, benigns, smoothing, balance)
        else:
            total[i] += _worth(a, b - 1, attacks, benigns - 1, smoothing, balance)
        times[i] += 1
    return _worth(a, b, attacks, benigns, smoothing, balance)


@kernel
def _deal(
    t: Any, attacks: Any, groups: Any, bag: Any, inside: Any, benign: Any, outside: Any, state: Any
) -> Any:
    """Choose what tree ``t`` is shown.

    Attack records take turns to be left out; the first ``bag`` of ``benign``, in random order,
    are shown.

    Returns:
        Number of attack records inside, and of all records outside.
    """
    na = no = 0
    for i in range(attacks):
        if groups > 0 and i % groups == t % groups:
            outside[no] = i
            no += 1
        else:
            inside[na] = i
            na += 1
    for i in range(benign.shape[0]):
        benign[i] = attacks + i
    _shuffle(benign, state)
    for i in benign[bag:]:
        outside[no] = i
        no += 1
    return na, no


@kernel
def grow(
    table: Any,
    attacks: Any,
    features: Any,
    plan: Any,
    weights: Any,
    seed: Any,
    nodes: Any,
    out: Any,
) -> Any:
    """Grow all trees, each from the root down, and give the records that it was not shown a score.

    Args:
        table: float32 [F, K + B].
        attacks: K.
        features: int64 [F], number of each line of ``table``.
        plan: Whole numbers: trees, trees with all thresholds, thresholds drawn, features tried,
            benign records in a tree, benign records in a search, depth, records in a child,
            groups of attack records that take turns to be left out (0: none is).
        weights: ``balance`` and ``smoothing``.
        seed: uint64.
        nodes: ``feature``, ``threshold``, ``missing_left``, ``left``, ``right``, ``value``
            and ``roots``: room for all nodes; filled.
        out: ``total`` float64 [K + B], ``times`` int64 [K + B]: sum and number of the scores
            that trees which were not shown a record gave it; added to.

    Returns:
        Number of nodes.
    """
    trees, _, _, _, bag, searched, depth, _, groups = plan
    feature, threshold, missing_left, left, right, value, roots = nodes
    total, times = out
    benigns = table.shape[1] - attacks
    order = np.arange(features.shape[0])
    inside, benign = np.empty(attacks, np.int64), np.empty(benigns, np.int64)
    outside = np.empty(attacks + benigns, np.int64)
    stack = np.empty((depth + 2, _WORDS), np.int64)
    state, best = np.empty(1, np.uint64), np.empty(3, np.float64)
    used = 0
    for t in range(trees):
        state[0] = seed ^ (np.uint64(t + 1) * _SPREAD)
        na, no = _deal(t, attacks, groups, bag, inside, benign, outside, state)
        heavy = (bag / na) ** weights[0]
        roots[t] = used
        stack[0] = np.array((used, 0, 0, na, 0, bag, 0, no))
        used += 1
        waiting = 1
        while waiting > 0:
            waiting -= 1
            node, level, a0, a1, b0, b1, o0, o1 = stack[waiting]
            line = -1
            if a1 > a0 and b1 > b0 and level < depth:
                shown = min(b1 - b0, searched)
                pair = (heavy, (b1 - b0) / shown)
                some = benign[b0 : b0 + shown]
                line = _split(t, table, order, inside[a0:a1], some, pair, plan, state, best)
            if line < 0:
                feature[node], threshold[node], missing_left[node] = LEAF, 0.0, False
                left[node] = right[node] = LEAF
                value[node] = _settle(
                    a1 - a0, b1 - b0, outside[o0:o1], attacks, benigns, weights, total, times
                )
                continue
            x, cut, gap = table[line], best[1], best[2] > 0.0
            a = _part(x, inside, a0, a1, cut, gap)
            b = _part(x, benign, b0, b1, cut, gap)
            o = _part(x, outside, o0, o1, cut, gap)
            feature[node], threshold[node], missing_left[node] = features[line], cut, gap
            left[node], right[node], value[node] = used, used + 1, 0.0
            stack[waiting] = np.array((used, level + 1, a0, a, b0, b, o0, o))
            stack[waiting + 1] = np.array((used + 1, level + 1, a, a1, b, b1, o, o1))
            waiting += 2
            used += 2
    return used
