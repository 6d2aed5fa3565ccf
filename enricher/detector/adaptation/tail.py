"""One scale for the scores of all learners: how rare they are among benign records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_KNOTS = 48
_LARGEST = 1e6
_SMALLEST_STEP = 5e-7
_BEYOND = 3.0
"""Units above the highest benign score after which the scale grows more slowly."""


@dataclass(frozen=True, slots=True)
class Tail:
    """-ln of the share of benign records that score at least so much, linear between knots.

    Above the highest benign score it goes on, so that what no benign record reaches is still in
    order: at first at the slope of the upper tail, then as a logarithm.

    Attributes:
        scores: float32 [Q], rising.
        rarity: float32 [Q], rising from 0.
        step: Score that one unit above the last knot takes.
    """

    scores: FloatArray
    rarity: FloatArray
    step: float

    @classmethod
    def fit(cls, benign: FloatArray) -> Self:
        """From the scores of benign records that the learner was not fitted on, float32 [B].

        Raises:
            ValueError: If there are none, or one is not finite.
        """
        ordered = np.sort(np.asarray(benign, dtype=np.float32))
        if not len(ordered) or not np.isfinite(ordered).all():
            raise ValueError("a scale needs finite scores of benign records")
        count = len(ordered)
        # Few knots where benign records are many, every record of the upper end.
        places = np.unique(np.geomspace(1, count, _KNOTS).astype(np.int64))
        scores = np.unique(ordered[count - places])
        reaching = count - np.searchsorted(ordered, scores, side="left")
        rarity = np.log((count + 1.0) / (reaching + 1.0))
        middle = float(np.interp(rarity[-1] / 2, rarity, scores))
        reach = max(float(rarity[-1]) / 2, 1e-3)
        step = max(
            (float(scores[-1]) - middle) / reach,
            2 * _SMALLEST_STEP * max(1.0, abs(float(scores[-1]))),
        )
        return cls(scores.astype(np.float32), rarity.astype(np.float32), float(np.float32(step)))

    def __call__(self, scores: FloatArray) -> FloatArray:
        """Put scores on the scale, float32 [N] to float32 [N]."""
        wide = scores.astype(np.float64)
        inside = np.interp(wide, self.scores, self.rarity)
        above = np.maximum((wide - self.scores[-1]) / self.step, 0.0)
        return np.asarray(inside + _BEYOND * np.log1p(above / _BEYOND), dtype=np.float32)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Its arrays by name."""
        step = np.array([self.step], np.float32)
        return {"scores": self.scores, "rarity": self.rarity, "step": step}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The inverse of :meth:`to_arrays`; the arrays may come from anybody.

        Raises:
            ValueError: If they are no scale.
        """
        scores, rarity, step = (arrays.get(name) for name in ("scores", "rarity", "step"))
        if scores is None or rarity is None or step is None or step.shape != (1,):
            raise ValueError("a scale lacks its knots")
        if any(array.dtype != np.float32 for array in (scores, rarity, step)):
            raise ValueError("the knots of a scale are of another type")
        fits = scores.ndim == 1 and scores.shape == rarity.shape and 0 < len(scores) <= _KNOTS
        finite = all(np.isfinite(array).all() for array in (scores, rarity, step))
        if not fits or not finite or (np.diff(scores) <= 0).any() or (np.diff(rarity) < 0).any():
            raise ValueError("the knots of a scale are not in order")
        if max(np.abs(scores).max(), np.abs(rarity).max()) > _LARGEST or step[0] < _SMALLEST_STEP:
            raise ValueError("the knots of a scale are out of their range")
        return cls(scores, rarity, float(step[0]))
