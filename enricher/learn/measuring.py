"""What a trained model finds, misses and raises in vain on one capture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from enricher.detector.conformal import ConformalCalibration
from enricher.detector.scores import Scores
from enricher.detector.scoring import score_features
from enricher.features.rows import take
from enricher.learn.dataset import Dataset
from enricher.learn.labels import BENIGN_LABEL, DOUBTFUL
from enricher.learn.run import Trained
from enricher.logs import Kind

UNKNOWN = -2
NOTHING = -1
RATE = 1e-3
"""The false-positive rate at which detection is compared."""

_FEWEST_BENIGN = 200
_PASS = 65_536

Verdicts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """How one family fared in one capture and kind.

    Attributes:
        records: Its records.
        groups: Its (source, hour) pairs.
        own: Records found under its own name or that of a family of its group.
        other: Records found under the name of another family.
        unknown: Records that were called new.
        groups_found: Pairs with at least one record found or called new.
        tpr: Share of records above the score that :data:`RATE` of the benign records of the same
            capture reach; None where there are too few.
        baseline_tpr: The same of the random forest.
        baseline_flagged: Records that the random forest flags.
        trained: Whether another capture has taught the family, or its group, in this kind.
    """

    records: int
    groups: int
    own: int
    other: int
    unknown: int
    groups_found: int
    tpr: float | None
    trained: bool
    baseline_tpr: float | None = None
    baseline_flagged: int | None = None


@dataclass(frozen=True, slots=True)
class CaptureResult:
    """One capture and kind, scored by a model that has not seen it.

    Attributes:
        capture: Its name.
        kind: Kind of its records.
        benign: Benign records.
        false_family: Benign records found as a family.
        false_unknown: Benign records called new.
        alarms_a_day: (source, family, hour) groups of both, a day of the log.
        families: Result of each family that it has.
        false_names: Benign records by the family they were taken for.
        baseline_false: Benign records that the random forest flags.
        doubtful: Records labelled benign that are not believed to be.
        doubtful_flagged: Those that are flagged.
    """

    capture: str
    kind: Kind
    benign: int
    false_family: int
    false_unknown: int
    alarms_a_day: float
    families: dict[str, FamilyResult] = field(default_factory=dict)
    false_names: dict[str, int] = field(default_factory=dict)
    baseline_false: int | None = None
    doubtful: int = 0
    doubtful_flagged: int = 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """Scores of the comparison model for the same rows, and its threshold."""

    scores: npt.NDArray[np.float64]
    threshold: float


def score(trained: Trained, dataset: Dataset, device: torch.device) -> Scores:
    """Scores of all records of a data set, in order."""
    model = trained.model.to(device)
    parts = [
        score_features(
            model,
            take(dataset.features, np.arange(start, min(start + _PASS, len(dataset)))),
            conformal(trained),
        )
        for start in range(0, len(dataset), _PASS)
    ]
    return Scores(
        kind=dataset.kind,
        families=parts[0].families,
        family_scores=np.concatenate([part.family_scores for part in parts]),
        novelty=np.concatenate([part.novelty for part in parts]),
        p_value=np.concatenate([part.p_value for part in parts]),
        embedding=np.concatenate([part.embedding for part in parts]),
        attack=np.concatenate([part.attack for part in parts]),
    )


def conformal(trained: Trained) -> dict[Kind, ConformalCalibration]:
    """The calibrations that can call anything new at all."""
    return {kind: own for kind, own in trained.conformal.items() if len(own)}


def verdicts(trained: Trained, scores: Scores) -> Verdicts:
    """For each record the family's column, or :data:`UNKNOWN`, or :data:`NOTHING`."""
    values = np.array([t.value for t in trained.thresholds[scores.kind]], dtype=np.float32)
    passed = scores.family_scores >= values
    best = np.where(passed, scores.family_scores, np.float32(-1)).argmax(axis=1)
    new = scores.p_value <= trained.alphas[scores.kind]
    return np.where(passed.any(axis=1), best, np.where(new, UNKNOWN, NOTHING)).astype(np.int64)


def measure(
    trained: Trained, dataset: Dataset, device: torch.device, baseline: Baseline | None = None
) -> CaptureResult:
    """Measure one capture.

    Args:
        trained: A model that has not seen the capture.
        dataset: The records of the capture only, of one kind.
        device: Where to compute.
        baseline: The comparison model's scores of the same records.
    """
    scores = score(trained, dataset, device)
    found = verdicts(trained, scores)
    benign = dataset.benign()
    alarms = benign[found[benign] != NOTHING]
    raised = dataset.groups(alarms) * (len(scores.families) + 2) + found[alarms] + 2
    doubtful = np.flatnonzero(dataset.labels == DOUBTFUL)
    names, counts = np.unique(found[alarms], return_counts=True)
    return CaptureResult(
        capture=dataset.captures[int(dataset.capture[0])],
        kind=dataset.kind,
        benign=len(benign),
        false_family=int((found[benign] >= 0).sum()),
        false_unknown=int((found[benign] == UNKNOWN).sum()),
        alarms_a_day=len(np.unique(raised)) / dataset.days(),
        families={
            dataset.space.name(number): _family(trained, dataset, scores, found, number, baseline)
            for number in sorted(set(dataset.labels[dataset.labels > BENIGN_LABEL].tolist()))
        },
        false_names={
            scores.families[int(name)] if name >= 0 else "unknown": int(count)
            for name, count in zip(names, counts, strict=True)
        },
        doubtful=len(doubtful),
        doubtful_flagged=int((found[doubtful] != NOTHING).sum()),
        baseline_false=None
        if baseline is None
        else int((baseline.scores[benign] >= baseline.threshold).sum()),
    )


def _family(
    trained: Trained,
    dataset: Dataset,
    scores: Scores,
    found: Verdicts,
    number: int,
    baseline: Baseline | None,
) -> FamilyResult:
    rows = np.flatnonzero(dataset.labels == number)
    space = dataset.space
    mates = np.flatnonzero(space.mates()[number - 1])
    heads = trained.model.heads
    applicable = heads.applicable[heads.kinds.index(scores.kind)].cpu().numpy()
    groups = dataset.groups(rows)
    own = np.isin(found[rows], mates)
    return FamilyResult(
        records=len(rows),
        groups=len(np.unique(groups)),
        own=int(own.sum()),
        other=int(((found[rows] >= 0) & ~own).sum()),
        unknown=int((found[rows] == UNKNOWN).sum()),
        groups_found=len(np.unique(groups[found[rows] != NOTHING])),
        tpr=rate_at(scores.score[rows], scores.score[dataset.benign()]),
        trained=bool(applicable[mates].any()),
        baseline_tpr=None
        if baseline is None
        else rate_at(baseline.scores[rows], baseline.scores[dataset.benign()]),
        baseline_flagged=None
        if baseline is None
        else int((baseline.scores[rows] >= baseline.threshold).sum()),
    )


def rate_at(
    attack: npt.NDArray[np.floating[Any]], benign: npt.NDArray[np.floating[Any]]
) -> float | None:
    """Share of attack scores above what :data:`RATE` of the benign ones reach.

    None where there are fewer than 200 benign records. With fewer than 1,000 it is the share
    above all of them.
    """
    if len(benign) < _FEWEST_BENIGN:
        return None
    allowed = int(RATE * len(benign))
    bound = np.sort(benign)[::-1][allowed]
    return float((attack > bound).mean())
