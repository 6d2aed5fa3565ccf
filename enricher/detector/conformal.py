"""Conformal p-values: how rare a novelty is among benign records of its kind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

MAX_RECORDS = 100_000
"""Calibration scores kept: enough to tell a rate of 1e-4 with confidence (that takes 29,956)."""


class ConformalCalibration:
    """Benign novelty scores of one kind (Mondrian), sorted.

    With n calibration records that are exchangeable with a new benign record, its p-value is at
    most ``alpha`` with probability at most ``alpha`` (Bates et al. 2023, "Testing for outliers
    with conformal p-values"). The smallest p-value is 1 / (n + 1).

    Args:
        scores: Benign novelty scores in any order; of more than :data:`MAX_RECORDS` a fixed
            random subset is kept, which leaves the guarantee as it is.

    Raises:
        ValueError: If a score is not finite.
    """

    def __init__(self, scores: npt.ArrayLike) -> None:
        values = np.asarray(scores, dtype=np.float32).reshape(-1)
        if not np.isfinite(values).all():
            raise ValueError("calibration scores must be finite")
        if len(values) > MAX_RECORDS:
            values = np.random.default_rng(0).choice(values, MAX_RECORDS, replace=False)
        self.scores: FloatArray = np.sort(values)

    def __len__(self) -> int:
        return len(self.scores)

    def p_values(self, scores: npt.ArrayLike) -> FloatArray:
        """(1 + number of calibration scores at or above) / (n + 1), float32 [N]."""
        below = np.searchsorted(self.scores, np.asarray(scores, dtype=np.float32), side="left")
        at_or_above = len(self.scores) - below
        return ((1.0 + at_or_above) / (1.0 + len(self.scores))).astype(np.float32)
