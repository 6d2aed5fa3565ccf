"""From scores of captures that were left out to probabilities, thresholds and p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.detector.calibration import (
    Platt,
    Threshold,
    false_positive_bound,
    fit_platt,
)
from enricher.features.rows import Rows
from enricher.learn.dataset import Dataset
from enricher.learn.labels import BENIGN_LABEL

FloatArray = npt.NDArray[np.float32]

BENIGN_SHARE = 0.9
"""Share of benign records for which calibrated scores are probabilities."""

_BISECTIONS = 40
_SMALLEST_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a model that has not seen some records says of them.

    Attributes:
        dataset: The data set the rows are of.
        rows: int64 [R], the records.
        logits: float32 [R, F], raw logits.
        novelty: float32 [R].
        known: bool [F], families that the model was trained on in this kind.
        unseen_capture: bool [R], whether the model has seen nothing of the record's capture.
    """

    dataset: Dataset
    rows: Rows
    logits: FloatArray
    novelty: FloatArray
    known: npt.NDArray[np.bool_]
    unseen_capture: npt.NDArray[np.bool_]


def joined(parts: Sequence[HeldOut]) -> HeldOut:
    """All parts, of one data set, as one; ``known`` is what any of the models knew."""
    return HeldOut(
        dataset=parts[0].dataset,
        rows=np.concatenate([part.rows for part in parts]),
        logits=np.concatenate(
            [np.where(part.known, part.logits, np.float32(np.nan)) for part in parts]
        ),
        novelty=np.concatenate([part.novelty for part in parts]),
        known=np.any([part.known for part in parts], axis=0),
        unseen_capture=np.concatenate([part.unseen_capture for part in parts]),
    )


def fit_calibration(held: HeldOut, family: int) -> Platt | None:
    """Platt's sigmoid of one family (its column), on records that were held out.

    Every capture weighs the same within benign and within the family, and benign records as much
    as :data:`BENIGN_SHARE`. Records of other attacks take no part.

    Returns:
        None where there is no record of the family or no benign one.
    """
    labels = held.dataset.labels[held.rows]
    usable = ~np.isnan(held.logits[:, family])
    usable &= (labels == BENIGN_LABEL) | (labels == family + 1)
    usable &= held.unseen_capture | (labels == family + 1)
    positive = labels[usable] == family + 1
    if not positive.any() or positive.all():
        return None
    captures = held.dataset.capture[held.rows[usable]]
    weight = np.zeros(len(positive))
    for side, share in ((positive, 1 - BENIGN_SHARE), (~positive, BENIGN_SHARE)):
        _, cell, counts = np.unique(captures[side], return_inverse=True, return_counts=True)
        weight[side] = share / len(counts) / counts[cell.reshape(-1)]
    # Platt's smoothed targets count records: keep the number of the scarcer side.
    weight *= 2 * positive.sum()
    return fit_platt(held.logits[usable, family], positive, weight)


def benign_weights(dataset: Dataset, rows: Rows) -> npt.NDArray[np.float64]:
    """Weights of benign records that sum to 1: captures by the root of their number."""
    _, cell, counts = np.unique(dataset.capture[rows], return_inverse=True, return_counts=True)
    shares = np.sqrt(counts) / np.sqrt(counts).sum()
    return np.asarray((shares / counts)[cell.reshape(-1)])


def thresholds_at(
    scores: FloatArray, weights: npt.NDArray[np.float64], rate: float
) -> list[Threshold]:
    """Thresholds of all families such that the benign records flagged by *any* have a share.

    Every family gets the same quantile of its own benign scores; the quantile is found by
    bisection. No threshold is under one half.

    Args:
        scores: float32 [N, F], calibrated scores of benign records.
        weights: float64 [N], sum 1.
        rate: False-alarm rate of all families together.
    """
    count, families = scores.shape
    order = np.argsort(scores, axis=0)
    ordered = np.take_along_axis(scores, order, axis=0)
    reached = np.cumsum(weights[order], axis=0)

    def at(quantile: float) -> FloatArray:
        values = np.empty(families, dtype=np.float32)
        for family in range(families):
            place = int(np.searchsorted(reached[:, family], 1 - quantile, side="left"))
            values[family] = ordered[min(place, count - 1), family]
        above = np.nextafter(values, np.float32(np.inf))
        return np.maximum(above, np.float32(_SMALLEST_THRESHOLD))

    low, high = 0.0, rate
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        flagged = float(weights[(scores >= at(middle)).any(axis=1)].sum())
        low, high = (middle, high) if flagged <= rate else (low, middle)
    values = at(low)
    return [_described(scores[:, family], float(values[family])) for family in range(families)]


def _described(scores: FloatArray, value: float) -> Threshold:
    exceeding = int((scores >= np.float32(value)).sum())
    bound = false_positive_bound(exceeding, len(scores))
    return Threshold(value, exceeding, len(scores), bound)


def thin_sessions(dataset: Dataset, rows: Rows, most: int) -> Rows:
    """At most ``most`` rows of each (log, source, hour), evenly over the session.

    Records come in bursts; a burst counts once and not a thousand times.
    """
    session = dataset.groups(rows)
    order = np.argsort(session, kind="stable")
    counts = np.bincount(session)
    starts = np.cumsum(counts) - counts
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = np.arange(len(rows)) - starts[session[order]]
    size = np.maximum(counts[session], 1)
    kept = rank * most // size != (rank - 1) * most // size
    return np.asarray(rows[kept | (size <= most)], dtype=np.int64)
