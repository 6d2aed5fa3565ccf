"""Which p-values of a window are too small for chance: Benjamini and Hochberg's procedure.

Conformal p-values against one calibration set depend on each other, but positively (they are
PRDS), so that the procedure keeps its promise (Bates et al. 2023, "Testing for outliers with
conformal p-values", theorem 2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_STEPS_PER_HALVING = 16
_HALVINGS = 17

LEVELS: npt.NDArray[np.float64] = 2.0 ** (
    np.arange(-_HALVINGS * _STEPS_PER_HALVING, 1) / _STEPS_PER_HALVING
)
"""float64 [L], ascending up to 1: p-values are rounded up to these (by at most 4.4 %) where they
are counted in bounded memory. The smallest is below any p-value of 100,000 calibration records."""


def level_of(p_values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Index of the smallest level that is no smaller, int64 [N] of p-values [N] in (0, 1]."""
    places = np.searchsorted(LEVELS, np.asarray(p_values, dtype=np.float64), side="left")
    return np.minimum(places, len(LEVELS) - 1).astype(np.int64)


def rejection_bound(
    p_values: npt.ArrayLike, counts: npt.ArrayLike, total: int, rate: float
) -> float:
    """The largest p-value that is called a discovery (Benjamini and Hochberg 1995).

    Among records whose p-value is at most the bound, the expected share of benign ones is at most
    ``rate``; where all records are benign, there is any discovery with probability at most
    ``rate``.

    Args:
        p_values: [L], distinct, ascending. Those above any bound of interest may be left out.
        counts: int [L], how many records have each.
        total: Records in all, those left out too.
        rate: The false discovery rate.

    Returns:
        0 where nothing is a discovery.
    """
    values = np.asarray(p_values, dtype=np.float64)
    numbers = np.asarray(counts, dtype=np.int64)
    passing = (numbers > 0) & (values * total <= rate * np.cumsum(numbers))
    places = np.flatnonzero(passing)
    return float(values[places[-1]]) if len(places) else 0.0
