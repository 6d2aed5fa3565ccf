"""Sigmoids, thresholds and p-values of a kind, from what was held out of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from enricher.detector.calibration import Threshold
from enricher.detector.conformal import ConformalCalibration
from enricher.features.rows import Rows
from enricher.learn.calibrating import (
    FloatArray,
    HeldOut,
    benign_weights,
    fit_calibration,
    thin_sessions,
    thresholds_at,
)
from enricher.learn.dataset import WRAPPED_CAPTURE, Dataset
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.recipe import Recipe
from enricher.learn.run import Trained
from enricher.logs import Kind

_NEVER = 2.0
"""Threshold of a family that does not occur in a kind: no score reaches it."""


def settle(trained: Trained, kind: Kind, held: HeldOut, recipe: Recipe) -> None:
    """Set a kind's sigmoids, thresholds and p-values from what was held out."""
    heads = trained.model.heads
    line = heads.kinds.index(kind)
    scores = np.zeros_like(held.logits)
    calibrated = []
    for place, family in enumerate(heads.families):
        known = bool(heads.applicable[line, place])
        platt = fit_calibration(held, place) if known else None
        heads.calibrate(kind, family, platt)
        if platt is not None:
            with np.errstate(over="ignore"):
                logits = np.nan_to_num(held.logits[:, place], nan=-50.0)
                scores[:, place] = 1 / (1 + np.exp(-(platt.scale * logits + platt.offset)))
            calibrated.append(place)
    benign = held.dataset.labels[held.rows] == BENIGN_LABEL
    chosen = np.flatnonzero(benign & held.unseen_capture)
    weights = benign_weights(held.dataset, held.rows[chosen])
    rate = recipe.calibration.family_rate
    found = thresholds_at(scores[chosen][:, calibrated], weights, rate)
    thresholds = [Threshold(_NEVER, 0, len(chosen), 0.0) for _ in heads.families]
    for place, threshold in zip(calibrated, found, strict=True):
        thresholds[place] = threshold
    trained.thresholds[kind] = thresholds
    # What was made around a list is more alike than real traffic: it says nothing of novelty.
    recorded = chosen[~begins(held.dataset, held.rows[chosen], WRAPPED_CAPTURE)]
    thinned = thin_sessions(held.dataset, held.rows[recorded], recipe.calibration.session_records)
    kept = recorded[np.isin(held.rows[recorded], thinned)]
    trained.conformal[kind] = ConformalCalibration(held.novelty[kept])
    trained.alphas[kind] = recipe.calibration.novelty_rate
    trained.figures[kind] = _figures(held, scores, thresholds, trained.conformal[kind])


def _figures(
    held: HeldOut,
    scores: FloatArray,
    thresholds: list[Threshold],
    conformal: ConformalCalibration,
) -> dict[str, Any]:
    """False alarms of captures that were left out, and detection of each family."""
    labels = held.dataset.labels[held.rows]
    values = np.array([threshold.value for threshold in thresholds], dtype=np.float32)
    flagged = np.asarray((scores >= values).any(axis=1), dtype=np.bool_)
    alarms = {}
    for number, name in enumerate(held.dataset.captures):
        rows = _where(held.dataset.capture[held.rows], number)
        rows &= held.unseen_capture & (labels == BENIGN_LABEL)
        if rows.any():
            alarms[name] = {"benign": int(rows.sum()), "flagged": int(flagged[rows].sum())}
    found: dict[str, dict[str, dict[str, int]]] = {}
    for number, family in enumerate(held.dataset.space.families, start=1):
        for unseen in (True, False):
            rows = _where(labels, number) & (held.unseen_capture == unseen)
            if rows.any():
                key = "captures left out" if unseen else "ends of known logs"
                entry = {"records": int(rows.sum()), "flagged": int(flagged[rows].sum())}
                found.setdefault(family, {})[key] = entry
    return {
        "false_alarms_left_out": alarms,
        "families": found,
        "novelty_records": len(conformal),
        "thresholds": {
            family: round(threshold.value, 6)
            for family, threshold in zip(held.dataset.space.families, thresholds, strict=True)
            if threshold.value <= 1
        },
    }


def _where(numbers: npt.NDArray[np.int16], wanted: int) -> npt.NDArray[np.bool_]:
    return np.asarray(numbers == wanted, dtype=np.bool_)


def begins(dataset: Dataset, rows: Rows, start: str | tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Whether the names of the records' captures begin so."""
    named = np.array([name.startswith(start) for name in dataset.captures], dtype=np.bool_)
    return np.asarray(named[dataset.capture[rows]], dtype=np.bool_)
