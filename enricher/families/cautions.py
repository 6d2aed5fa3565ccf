"""What the figures of an adapted family can not promise, in sentences for its user."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from enricher.detector.adaptation.adapting import Adapted
from enricher.detector.adaptation.points import Points
from enricher.detector.calibration import CONFIDENCE
from enricher.detector.scores import Scores
from enricher.detector.thresholds import Thresholds
from enricher.families.likeness import distinct, shared

_HALF = 0.5


def cautions(
    adapted: Adapted,
    support: Points,
    benign: Points,
    scores: Scores,
    thresholds: Thresholds,
    *,
    name: str,
    rate: float,
) -> Iterator[str]:
    """Give what there is to warn of in one kind of record.

    Args:
        adapted: The head and its figures.
        support: The support records.
        benign: The benign records.
        scores: What the detector, without this family, says of the support records.
        thresholds: Of the families it knows.
        name: Of the family.
        rate: The false-alarm rate that was asked for.
    """
    context = adapted.head.context
    yield from _few(support, context)
    yield from _untold(adapted, support)
    yield from _known(scores, thresholds, name)
    both = shared(support, benign, context)
    if both:
        yield (
            f"{both} of {len(support)} support records are among the benign records, feature for "
            "feature: look whether one of the two is labelled wrongly"
        )
    needed = certifying(rate)
    if len(benign) < needed:
        yield (
            f"{len(benign):,} benign records are too few to promise a false-alarm rate of {rate:g} "
            f"with {CONFIDENCE:.0%} confidence: that takes {needed:,}"
        )


def certifying(rate: float) -> int:
    """Fewest benign records of which none may be flagged for a rate to be promised."""
    return math.ceil(math.log(1.0 - CONFIDENCE) / math.log1p(-rate))


def _few(support: Points, context: bool) -> Iterator[str]:
    different = distinct(support, context)
    if len(support) == 1:
        yield (
            "there is one support record: if it is untypical of the family, no model can find "
            "the others; five are much better"
        )
    elif different < len(support):
        yield (
            f"only {different} of {len(support)} support records are different: the recall is "
            "one of near copies"
        )


def _untold(adapted: Adapted, support: Points) -> Iterator[str]:
    if len(support) == 1:
        if float(adapted.head.scores(support)[0]) < adapted.threshold.value:
            yield "not even the support record itself can be told from benign ones"
    elif adapted.recall < _HALF:
        yield (
            f"the family can not be told from benign records: {adapted.recall:.0%} of the support "
            "records are found when each is left out"
        )


def _known(scores: Scores, thresholds: Thresholds, name: str) -> Iterator[str]:
    claimed = (scores.family_scores >= thresholds.values).mean(axis=0)
    for place in np.argsort(-claimed, kind="stable"):
        family = scores.families[place]
        if claimed[place] >= _HALF and family != name:
            yield (
                f"{claimed[place]:.0%} of the support records are found as {family!a} already: "
                "it may be the same family"
            )
            return
