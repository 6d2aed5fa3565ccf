"""What a score means: probabilities, thresholds, and how sure they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
_NEWTON_STEPS = 100
_SMALLEST_SLOPE = 1e-3
_SMALLEST_STEP = 1e-10


@dataclass(frozen=True, slots=True)
class Platt:
    """The score of a logit x is 1 / (1 + exp(-(scale x + offset)))."""

    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold from benign scores, and what it promises.

    Attributes:
        value: A record is flagged where its score is at least this.
        exceeding: Benign records at or above it.
        records: Benign records it was chosen on.
        bound: Upper confidence bound (95 %) of the false-positive rate.
    """

    value: float
    exceeding: int
    records: int
    bound: float

    @property
    def rate(self) -> float:
        """False-positive rate on the records it was chosen on."""
        return self.exceeding / self.records if self.records else 0.0


def fit_platt(logits: FloatArray, positive: BoolArray, weight: FloatArray | None = None) -> Platt:
    """Fit a sigmoid to logits (Platt 1999), by Newton's method as in Lin, Lin and Weng 2007.

    The targets are drawn in from 0 and 1 as Platt proposes, so that separable classes give a
    finite slope. A slope that would turn the order round is replaced by a nearly flat one.

    Args:
        logits: float [N].
        positive: bool [N].
        weight: float [N], weight of each record; one where omitted.

    Raises:
        ValueError: If there is no record.
    """
    if not len(logits):
        raise ValueError("no records to calibrate on")
    x = np.asarray(logits, dtype=np.float64)
    w = np.ones_like(x) if weight is None else np.asarray(weight, dtype=np.float64)
    above = float(w[positive].sum())
    below = float(w[~positive].sum())
    target = np.where(positive, (above + 1.0) / (above + 2.0), 1.0 / (below + 2.0))
    base = math.log((above + 1.0) / (below + 1.0))
    scale, offset = _newton(x, target, w, base)
    if scale < _SMALLEST_SLOPE:
        return Platt(_SMALLEST_SLOPE, base)
    return Platt(scale, offset)


def _newton(
    x: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    w: npt.NDArray[np.float64],
    base: float,
) -> tuple[float, float]:
    """Minimise the weighted cross-entropy over slope and offset, with step halving."""
    scale, offset = 0.0, base
    loss = _cross_entropy(scale * x + offset, target, w)
    for _ in range(_NEWTON_STEPS):
        p = _sigmoid(scale * x + offset)
        error = w * (p - target)
        curvature = w * p * (1.0 - p) + 1e-12
        g0, g1 = float(error @ x), float(error.sum())
        h00, h01, h11 = float(curvature @ (x * x)), float(curvature @ x), float(curvature.sum())
        h00 += 1e-12
        determinant = h00 * h11 - h01 * h01
        if max(abs(g0), abs(g1)) < 1e-8 * w.sum() or determinant <= 0.0:
            break
        step0 = (h11 * g0 - h01 * g1) / determinant
        step1 = (h00 * g1 - h01 * g0) / determinant
        size = 1.0
        while size > _SMALLEST_STEP:
            trial = scale - size * step0, offset - size * step1
            new = _cross_entropy(trial[0] * x + trial[1], target, w)
            if new < loss:
                scale, offset, loss = *trial, new
                break
            size /= 2.0
        else:
            break
    return scale, offset


def _sigmoid(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)))


def _cross_entropy(
    z: npt.NDArray[np.float64], target: npt.NDArray[np.float64], w: npt.NDArray[np.float64]
) -> float:
    return float(w @ (np.logaddexp(0.0, z) - target * z))


def expected_calibration_error(
    scores: FloatArray, positive: BoolArray, weight: FloatArray | None = None, bins: int = 15
) -> float:
    """Mean distance of score and truth over ``bins`` equal intervals of [0, 1] (Guo et al. 2017).

    0 where there is no record.
    """
    values = np.asarray(scores, dtype=np.float64)
    w = np.ones_like(values) if weight is None else np.asarray(weight, dtype=np.float64)
    place = np.clip((values * bins).astype(np.int64), 0, bins - 1)
    gap = np.bincount(place, w * (values - positive), minlength=bins)
    total = float(w.sum())
    return float(np.abs(gap).sum() / total) if total > 0.0 else 0.0


def threshold_at(benign_scores: FloatArray, rate: float) -> Threshold:
    """The lowest threshold that at most a share ``rate`` of the benign scores reaches.

    Args:
        benign_scores: float32 [N].
        rate: False-positive rate, in [0, 1].
    """
    ordered = np.sort(np.asarray(benign_scores, dtype=np.float32))[::-1]
    records = len(ordered)
    allowed = math.floor(rate * records)
    if allowed >= records:
        value = float(ordered[-1]) if records else 0.0
    else:
        value = float(np.nextafter(ordered[allowed], np.float32(np.inf), dtype=np.float32))
    exceeding = int((ordered >= np.float32(value)).sum())
    return Threshold(value, exceeding, records, false_positive_bound(exceeding, records))


def false_positive_bound(exceeding: int, records: int, confidence: float = CONFIDENCE) -> float:
    """Upper bound of a rate of which ``exceeding`` in ``records`` were seen.

    One-sided, exact (Clopper and Pearson 1934): the rate at which so few are seen with
    probability ``1 - confidence``. 1 where nothing was seen.
    """
    if exceeding >= records:
        return 1.0
    steps = np.arange(1, exceeding + 1, dtype=np.float64)
    logs = np.log((records - steps + 1.0) / steps)
    ways = np.concatenate(([0.0], np.cumsum(logs)))  # log of "records choose i"
    hits = np.arange(exceeding + 1, dtype=np.float64)
    low, high = exceeding / records, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        terms = ways + hits * math.log(middle) + (records - hits) * math.log1p(-middle)
        if float(np.exp(terms).sum()) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high
