"""From labelled records of several kinds to a family with heads, figures and warnings."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from enricher.detector.adaptation.adapting import Adapted, AdaptOptions, adapt
from enricher.detector.adaptation.family_head import FamilyHead
from enricher.detector.adaptation.points import Points
from enricher.detector.calibration import CONFIDENCE
from enricher.detector.detector import Detector
from enricher.detector.learners.forest import Forest
from enricher.detector.learners.forest_settings import ForestSettings
from enricher.errors import InputError
from enricher.families.cautions import cautions
from enricher.families.family import KindFigures
from enricher.families.likeness import distinct
from enricher.families.support import SupportSet
from enricher.logs import Kind

CONTEXT_FROM = 40
"""So many records that were cut out of their log show by themselves how a family behaves: with
fewer, their context misleads (compared at 1, 5, 10 and 50)."""


@dataclass(frozen=True, slots=True)
class AdaptedFamily:
    """What came of adapting.

    Attributes:
        heads: A head for each kind.
        figures: What each promises.
        warnings: Sentences for the user: what the figures can not promise.
        milliseconds: What the work took, from features to heads.
    """

    heads: dict[Kind, FamilyHead] = field(default_factory=dict)
    figures: dict[Kind, KindFigures] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    milliseconds: float = 0.0


def adapt_family(
    name: str,
    support: Mapping[Kind, SupportSet],
    banks: Mapping[Kind, Points],
    detector: Detector,
    *,
    context: bool | None,
    options: AdaptOptions,
) -> AdaptedFamily:
    """Fit a head for each kind in which there are support records.

    Args:
        name: Of the family.
        support: The labelled records by kind; other kinds than the detector's are warned of.
        banks: Benign records by kind.
        detector: The site's detector, with its other families.
        context: Whether the context of the support records is that of the network. None: it was
            cut out of its log, and its context counts from :data:`CONTEXT_FROM` records on.
        options: How heads are fitted.

    Raises:
        InputError: If there are no benign records of a kind, or no kind can be adapted.
    """
    _load_kernels()
    begin = time.perf_counter()
    result = AdaptedFamily()
    for kind, records in support.items():
        if kind not in detector.kinds:
            result.warnings.append(
                f"{kind}: the model does not score these records; {len(records)} are left out"
            )
            continue
        bank = _bank(kind, banks, detector, result.warnings)
        points = detector.represent(records.features)
        adapted = adapt(
            points,
            bank,
            bundle=detector.bundle.digest,
            context=len(points) >= CONTEXT_FROM if context is None else context,
            shares=detector.bundle.shares,
            options=options,
        )
        result.heads[kind] = adapted.head
        result.figures[kind] = _figures(adapted, points)
        scores = detector.score(records.features)
        thresholds = detector.thresholds(kind)
        result.warnings.extend(
            f"{kind}: {sentence}"
            for sentence in cautions(
                adapted, points, bank, scores, thresholds, name=name, rate=options.rate
            )
        )
    if not result.heads:
        raise InputError("the model scores no record of the support logs; name others")
    milliseconds = 1000.0 * (time.perf_counter() - begin)
    return AdaptedFamily(result.heads, result.figures, result.warnings, milliseconds)


def _load_kernels() -> None:
    """Load compiled code (compile it, the very first time), which is no work on this family."""
    rows = np.eye(4, dtype=np.float32)
    settings = ForestSettings(trees=1)
    Forest.fit(rows[:2], rows[2:], settings=settings, seed=0).scores(rows)


def _bank(
    kind: Kind, banks: Mapping[Kind, Points], detector: Detector, warnings: list[str]
) -> Points:
    """The site's benign records, or else those of the bundle, with a warning."""
    if kind in banks:
        return banks[kind]
    shipped = detector.bundle.bank.get(kind)
    if shipped is None or not len(shipped):
        raise InputError(
            f"there are no benign {kind} records to tell the family from: run 'enricher "
            "calibrate' on this site's ordinary logs, or name some with --benign"
        )
    warnings.append(
        f"{kind}: told from benign records of simulated sites, not of this one: thresholds and "
        "bounds are a guess until 'enricher calibrate' has seen this site's ordinary logs, or "
        "--benign names some"
    )
    return shipped


def _figures(adapted: Adapted, points: Points) -> KindFigures:
    threshold = adapted.threshold
    return KindFigures(
        shots=len(points),
        distinct=distinct(points, adapted.head.context),
        benign=threshold.records,
        context=adapted.head.context,
        recall=None if math.isnan(adapted.recall) else adapted.recall,
        threshold=threshold.value,
        rate=threshold.rate,
        bound=threshold.bound,
        confidence=CONFIDENCE,
    )
