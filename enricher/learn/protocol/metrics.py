"""Figures of one family and one method: from scores of attack and benign records."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.detector.calibration import expected_calibration_error
from enricher.learn.protocol.method import Scores

PREVALENCE = 1e-3
"""Share of attack records for which AUPRC is stated."""
BASE_RATE = 1e-4
"""Share of attack records for which precision and alerts a day are stated."""
RECORDS_A_DAY = 1_000_000
RECALL = 0.9
"""TPR at which precision and alerts a day are stated."""
FEWEST_BENIGN = 200
"""With fewer benign records no TPR at a false-positive rate is given."""
FINEST_BENIGN = 100_000
"""Benign records that TPR at 1e-4 takes."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one query set.

    Attributes:
        tpr: TPR at FPR 1e-3, None with fewer than :data:`FEWEST_BENIGN` benign records.
        tpr_fine: TPR at FPR 1e-4, None with fewer than :data:`FINEST_BENIGN`.
        auroc: Area under the ROC curve.
        auprc: Average precision at :data:`PREVALENCE`.
        precision: Precision at a TPR of at least :data:`RECALL`, at :data:`BASE_RATE`.
        alerts: Alerts among :data:`RECORDS_A_DAY` records there, without any grouping.
        ece: Expected calibration error at the query set's own prevalence; None where scores are
            no probabilities.
    """

    tpr: float | None
    tpr_fine: float | None
    auroc: float
    auprc: float
    precision: float
    alerts: float
    ece: float | None


def measure(attack: Scores, benign: Scores, *, probabilities: bool = False) -> Figures:
    """All figures of one query set (float64 [P], float64 [N], neither empty)."""
    ordered = np.sort(benign)
    # The highest threshold that this share of the attack records reaches.
    bound = np.sort(attack)[len(attack) - math.ceil(RECALL * len(attack))]
    caught = float((attack >= bound).mean())
    wrong = 1 - np.searchsorted(ordered, bound, "left") / len(ordered)
    hits, alarms = BASE_RATE * caught, (1 - BASE_RATE) * float(wrong)
    return Figures(
        tpr=tpr_at(attack, ordered, 1e-3) if len(benign) >= FEWEST_BENIGN else None,
        tpr_fine=tpr_at(attack, ordered, 1e-4) if len(benign) >= FINEST_BENIGN else None,
        auroc=auroc(attack, ordered),
        auprc=average_precision(attack, ordered, PREVALENCE),
        precision=hits / (hits + alarms),
        alerts=RECORDS_A_DAY * (hits + alarms),
        ece=calibration_error(attack, benign) if probabilities else None,
    )


def threshold_at(ordered: Scores, rate: float) -> float:
    """The score that at most ``rate`` of the benign ones, in ascending order, are above."""
    return float(ordered[len(ordered) - 1 - int(rate * len(ordered))])


def tpr_at(attack: Scores, ordered: Scores, rate: float) -> float:
    """Share of attack scores above :func:`threshold_at`."""
    return float((attack > threshold_at(ordered, rate)).mean())


def auroc(attack: Scores, ordered: Scores) -> float:
    """Area under the ROC curve; ties count half. Benign scores are in ascending order."""
    below = np.searchsorted(ordered, attack, "left") + np.searchsorted(ordered, attack, "right")
    return float(below.mean() / 2 / len(ordered))


def average_precision(attack: Scores, ordered: Scores, prevalence: float) -> float:
    """Area under the precision-recall curve as if ``prevalence`` of the records were attacks."""
    own = np.sort(attack)
    bounds = np.unique(own)[::-1]
    recall = 1 - np.searchsorted(own, bounds, "left") / len(own)
    wrong = 1 - np.searchsorted(ordered, bounds, "left") / len(ordered)
    precision = prevalence * recall / (prevalence * recall + (1 - prevalence) * wrong)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def calibration_error(attack: Scores, benign: Scores) -> float:
    """Expected calibration error over bins of equal width (Guo 2017)."""
    scores = np.clip(np.concatenate([attack, benign]), 0.0, 1.0)
    positive = np.arange(len(scores)) < len(attack)
    return expected_calibration_error(scores, positive)


def macro_f1(scores: Scores, truth: npt.NDArray[np.int64]) -> float:
    """Macro-F1 of telling N families and benign records apart.

    A record is benign where no head finds it above its threshold at FPR 1e-3 of the benign
    records; else it is of the head among whose scores it ranks highest.

    Args:
        scores: float64 [N, Q], of each family's head.
        truth: int64 [Q], the place of the family, -1 for benign.
    """
    benign = np.sort(scores[:, truth < 0], axis=1)
    bounds = benign[:, benign.shape[1] - 1 - int(1e-3 * benign.shape[1])]
    ranks = np.stack([np.searchsorted(np.sort(own), own, "left") for own in scores])
    ranks[scores <= bounds[:, None]] = -1
    named = np.where(ranks.max(axis=0) < 0, -1, ranks.argmax(axis=0))
    found = []
    for label in range(-1, len(scores)):
        right = int(((named == label) & (truth == label)).sum())
        both = int((named == label).sum() + (truth == label).sum())
        found.append(2 * right / max(both, 1))
    return float(np.mean(found))
