"""Means over families with confidence intervals: families are drawn, not seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from enricher.learn.protocol.method import Scores

_RESAMPLES = 2_000
_COVERAGE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def over_families(values: Scores, seed: int = 0) -> Interval:
    """Mean of one figure per family, with a bootstrap over families (percentiles; Efron 1979).

    Args:
        values: float64 [F], the mean of each family over its draws and seeds.
        seed: Of the resamples.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(values), (_RESAMPLES, len(values)))
    tail = (1 - _COVERAGE) / 2
    low, high = np.quantile(values[chosen].mean(axis=1), [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))
