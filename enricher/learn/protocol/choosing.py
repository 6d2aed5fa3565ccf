"""Which of the rows of a data set a task takes: halves of benign records, shares of captures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from enricher.features.rows import Rows
from enricher.learn.dataset import (
    PRIOR_CAPTURE,
    SIMULATED_CAPTURE,
    WRAPPED_CAPTURE,
    Dataset,
)

Origin: TypeAlias = Literal["recorded", "synthetic"]


def spread(rows: Rows, count: int) -> Rows:
    """At most ``count`` of ``rows``, evenly over their order."""
    if len(rows) <= count:
        return rows
    return np.asarray(rows[np.arange(count) * len(rows) // max(count, 1)], np.int64)


def balanced(parts: Sequence[Rows], count: int) -> Rows:
    """At most ``count`` rows of all parts, sorted: as many of each as the smaller ones allow."""
    left, chosen = count, [np.empty(0, np.int64)]
    for done, own in enumerate(sorted(parts, key=len)):
        part = spread(own, left // (len(parts) - done))
        left -= len(part)
        chosen.append(part)
    return np.sort(np.concatenate(chosen))


def benign_halves(
    data: Dataset, groups: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], tuple[Rows, Rows]]:
    """Earlier and later half of the benign records of each group of captures, in order.

    Made-up traffic is for training only: nobody asks about it.
    """
    benign = data.benign()
    halves = {}
    for unit in groups:
        if unit[0].startswith(PRIOR_CAPTURE):
            continue
        rows = np.intersect1d(benign, data.rows_of(unit))
        rows = rows[np.argsort(data.times[rows], kind="stable")]
        if len(rows):
            half = len(rows) // 2
            halves[unit] = (np.sort(rows[:half]), np.sort(rows[half:]))
    return halves


def origin_of(capture: str) -> Origin:
    """Whether the records of a capture were recorded, or simulated or made around names."""
    made = capture.startswith((SIMULATED_CAPTURE, WRAPPED_CAPTURE))
    return "synthetic" if made else "recorded"


def of_origin(data: Dataset, rows: Rows, origin: Origin) -> Rows:
    """Benign rows for a task: simulated ones stand beside simulated attacks only."""
    if origin == "synthetic":
        return rows
    simulated = np.array([name.startswith(SIMULATED_CAPTURE) for name in data.captures])
    return np.asarray(rows[~simulated[data.capture[rows]]], np.int64)


def by_capture(data: Dataset, rows: Rows) -> list[Rows]:
    """The rows of each capture apart."""
    return [rows[data.capture[rows] == place] for place in np.unique(data.capture[rows])]
