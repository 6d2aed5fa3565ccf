"""What adapting tells its user: figures, and warnings where they promise too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from enricher.detector.adaptation.adapting import AdaptOptions
from enricher.detector.detector import Detector
from enricher.errors import InputError
from enricher.families.adapting import AdaptedFamily, adapt_family
from enricher.families.cautions import certifying
from enricher.families.support import SupportSet
from enricher.features.rows import take
from enricher.features.tensors import Features

Adapt = Callable[..., AdaptedFamily]
MakeFeatures = Callable[..., Features]
MakeSupport = Callable[..., SupportSet]


def warned(adapted: AdaptedFamily) -> str:
    return "\n".join(adapted.warnings)


def part(support: SupportSet, rows: list[int]) -> SupportSet:
    return SupportSet(
        take(support.features, np.array(rows)),
        tuple(support.origins[row] for row in rows),
        tuple(support.uids[row] for row in rows),
        support.times[rows],
    )


def test_a_family_that_stands_out_is_found_when_left_out(
    adapt_to: Adapt, make_support: MakeSupport
) -> None:
    adapted = adapt_to(make_support(40))
    figures = adapted.figures["http"]
    assert figures.recall is not None
    assert figures.recall >= 0.7
    assert figures.rate <= 1e-3
    assert figures.rate < figures.bound < 5e-3
    assert (figures.shots, figures.distinct, figures.benign) == (40, 40, 3000)
    assert adapted.milliseconds > 0.0
    assert adapted.warnings == []


def test_other_records_of_the_family_are_found_and_benign_ones_are_not(
    adapt_to: Adapt, make_support: MakeSupport, make_features: MakeFeatures, detector: Detector
) -> None:
    heads = adapt_to(make_support(40)).heads
    active = Detector(detector.bundle, families={"probe": heads})
    threshold = heads["http"].threshold
    column = active.score(make_features(1, 0)).families.index("probe")
    attack = active.score(make_features(200, 50, attack=True)).family_scores[:, column]
    benign = active.score(make_features(2000, 51)).family_scores[:, column]
    assert (attack >= threshold).mean() > 0.7
    assert (benign >= threshold).mean() < 0.01


def test_one_record_alone_is_warned_of_and_promises_no_recall(
    adapt_to: Adapt, make_support: MakeSupport
) -> None:
    adapted = adapt_to(make_support(1))
    assert adapted.figures["http"].recall is None
    assert "one support record" in warned(adapted)


def test_copies_are_counted_once(adapt_to: Adapt, make_support: MakeSupport) -> None:
    adapted = adapt_to(part(make_support(2), [0, 0, 0, 1]))
    assert adapted.figures["http"].shots == 4
    assert adapted.figures["http"].distinct == 2
    assert "only 2 of 4" in warned(adapted)


def test_a_family_that_is_ordinary_traffic_is_warned_of(
    adapt_to: Adapt, make_support: MakeSupport, make_features: MakeFeatures
) -> None:
    ordinary = replace(make_support(10), features=make_features(10, 123))
    assert "can not be told from benign" in warned(adapt_to(ordinary))


def test_records_that_are_among_the_benign_ones_are_warned_of(
    adapt_to: Adapt, make_support: MakeSupport, make_features: MakeFeatures
) -> None:
    both = replace(make_support(3), features=take(make_features(3000, 99), np.array([5, 6, 7])))
    assert "3 of 3 support records are among the benign" in warned(adapt_to(both, context=True))


def test_a_family_that_is_known_already_is_named(
    adapt_to: Adapt, make_support: MakeSupport, detector: Detector, make_features: MakeFeatures
) -> None:
    site = {"same thing": adapt_to(make_support(20)).heads}
    known = Detector(detector.bundle, families=site)
    adapted = adapt_family(
        "probe",
        {"http": make_support(10, seed=8)},
        {"http": detector.represent(make_features(3000, 99))},
        known,
        context=False,
        options=AdaptOptions(trees=8),
    )
    assert "are found as 'same thing' already" in warned(adapted)


def test_too_few_benign_records_are_warned_of(adapt_to: Adapt, make_support: MakeSupport) -> None:
    assert certifying(1e-3) == 2995
    adapted = adapt_to(make_support(5), rate=1e-4)
    assert "3,000 benign records are too few" in warned(adapted)
    assert f"{certifying(1e-4):,}" in warned(adapted)


def test_without_benign_records_it_says_what_to_run(
    make_support: MakeSupport, detector: Detector
) -> None:
    with pytest.raises(InputError, match=r"enricher calibrate.*--benign"):
        adapt_family(
            "probe", {"http": make_support(3)}, {}, detector, context=False, options=AdaptOptions()
        )


def test_the_context_of_a_log_that_was_cut_out_is_not_looked_at(
    adapt_to: Adapt, make_support: MakeSupport, detector: Detector
) -> None:
    """Other context features, the same scores: whatever they are."""
    support = make_support(8)
    head = adapt_to(support, context=False).heads["http"]
    spec = detector.bundle.specs["http"]
    context = [place for place, one in enumerate(spec.numeric) if one.group == "context"]
    assert context
    changed = support.features.numeric.copy()
    changed[:, context] += 17.0
    other = detector.represent(replace(support.features, numeric=changed))
    own = detector.represent(support.features)
    np.testing.assert_array_equal(head.scores(other), head.scores(own))
