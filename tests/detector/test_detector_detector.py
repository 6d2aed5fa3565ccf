"""The run-time detector: scores, bounds and reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.detector.bundle import Bundle
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.detector import Detector
from enricher.detector.explain import attributions
from enricher.detector.inputs import Inputs
from enricher.detector.site import SiteCalibration
from enricher.errors import BundleError, StateError
from enricher.features.tensors import Features, TextColumn

MakeFeatures = Callable[..., Features]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def detector(bundle: Bundle) -> Detector:
    return Detector(bundle)


def calibrated(digest: str) -> SiteCalibration:
    return SiteCalibration(
        kind="http",
        bundle=digest,
        thresholds={"injection": 0.75},
        novelty_alpha=0.002,
        conformal=ConformalCalibration([-1e9]),
        records=1,
        days=1.0,
        false_alarm_rate=0.0,
        false_alarm_bound=1.0,
        confidence=0.95,
        alerts_per_day=50.0,
        expected_alerts_per_day=0.0,
    )


def test_the_learned_family_is_told_from_benign(
    detector: Detector, make_features: MakeFeatures
) -> None:
    benign = detector.score(make_features(500, seed=11))
    attack = detector.score(make_features(200, seed=12, attack=True))
    assert (benign.score < 0.5).mean() > 0.98
    assert (attack.score > 0.9).mean() > 0.9
    assert {benign.families[i] for i in attack.nearest} == {"injection"}
    assert np.median(attack.novelty) > np.quantile(benign.novelty, 0.99)
    assert np.median(attack.p_value) < 0.02


def test_scores_have_the_promised_shapes_types_and_ranges(
    detector: Detector, make_features: MakeFeatures
) -> None:
    scores = detector.score(make_features(30))
    assert scores.family_scores.shape == (30, 2)
    assert scores.embedding.shape == (30, 16)
    assert {a.dtype for a in (scores.family_scores, scores.novelty, scores.p_value)} == {
        np.dtype(np.float32)
    }
    assert ((scores.family_scores >= 0) & (scores.family_scores <= 1)).all()
    assert ((scores.p_value > 0) & (scores.p_value <= 1)).all()
    assert not scores.family_scores[:, 1].any()


EXTREMES = st.sampled_from([np.nan, np.inf, -np.inf, 1e38, -1e38, 3.4e38, 1e-45, 0.0, -0.0])


@settings(max_examples=30, deadline=None)
@given(st.lists(EXTREMES, min_size=12, max_size=12), st.binary(max_size=2000))
def test_hostile_values_give_scores_all_the_same(
    detector: Detector, numbers: list[float], text: bytes
) -> None:
    column = TextColumn(
        data=np.frombuffer(text, dtype=np.uint8),
        offsets=np.array([0, len(text)], dtype=np.int64),
        codes=np.array([0], dtype=np.int32),
    )
    features = Features(
        kind="http",
        spec_version=7,
        numeric=np.array([numbers], dtype=np.float32),
        categorical=np.array([[0, 1]], dtype=np.int32),
        text={"uri": column, "user_agent": column},
    )
    scores = detector.score(features)
    for values in (scores.family_scores, scores.novelty, scores.p_value, scores.embedding):
        assert np.isfinite(values).all()
    for family in ("injection", None):
        for reason in detector.explain(features, np.array([0]), family)[0]:
            assert np.isfinite(reason.weight)
            assert reason.words.isprintable()
            assert len(reason.words) < 200


def neutralised(features: Features, model_baseline: object, fields: list[int]) -> Features:
    """The first record with some of its fields as in an ordinary benign record."""
    numeric, categorical = features.numeric.copy(), features.categorical.copy()
    text = dict(features.text)
    for field in fields:
        if field < numeric.shape[1]:
            numeric[0, field] = model_baseline.numeric[field]  # type: ignore[attr-defined]
        elif field < numeric.shape[1] + categorical.shape[1]:
            place = field - numeric.shape[1]
            categorical[0, place] = model_baseline.categorical[place]  # type: ignore[attr-defined]
        else:
            name = list(text)[field - numeric.shape[1] - categorical.shape[1]]
            codes = text[name].codes.copy()
            codes[0] = -1
            text[name] = replace(text[name], codes=codes)
    return replace(features, numeric=numeric, categorical=categorical, text=text)


def test_taking_the_named_fields_away_moves_the_score_more_than_taking_others(
    detector: Detector, make_features: MakeFeatures
) -> None:
    model, rng = detector.bundle.model, np.random.default_rng(0)
    names = [
        *detector.bundle.specs["http"].numeric_names,
        *detector.bundle.specs["http"].categorical_names,
        *detector.bundle.specs["http"].text_names,
    ]

    def logit(features: Features) -> float:
        embedding = model.encoder.encode(Inputs.of(features, CPU))
        return float(model.heads.logits(embedding)[0, 0])

    named_moves, random_moves = [], []
    for seed in range(20):
        record = make_features(1, seed=100 + seed, attack=True)
        reasons = detector.explain(record, np.array([0]), "injection")[0]
        named = [names.index(reason.feature) for reason in reasons]
        others = rng.choice(len(names), size=len(named), replace=False).tolist()
        before = logit(record)
        baseline = model.baseline("http")
        named_moves.append(before - logit(neutralised(record, baseline, named)))
        random_moves.append(before - logit(neutralised(record, baseline, others)))
    assert np.mean(named_moves) > 2.0 * abs(np.mean(random_moves))


def test_attributions_add_up_to_the_difference_from_an_ordinary_record(
    bundle: Bundle, make_features: MakeFeatures
) -> None:
    model = bundle.model
    inputs = Inputs.of(make_features(10, seed=3, attack=True), CPU)
    found = attributions(
        model, inputs, lambda embedding: model.heads.calibrated_logits(embedding, "http")[:, 0]
    ).sum(1)
    embedding = model.encoder.trunk(model.ordinary("http"))
    ordinary = model.heads.calibrated_logits(embedding, "http")[0, 0]
    own = model.heads.calibrated_logits(model.encoder.encode(inputs), "http")[:, 0]
    assert torch.allclose(found, own - ordinary, rtol=0.05, atol=0.2)


def test_reasons_are_ordered_words_with_what_is_usual(
    detector: Detector, make_features: MakeFeatures
) -> None:
    features = make_features(40, seed=21, attack=True)
    rows = np.array([30, 2])
    explained = detector.explain(features, rows, "injection")
    assert len(explained) == 2
    for reasons in explained:
        weights = [reason.weight for reason in reasons]
        assert 1 <= len(reasons) <= 5
        assert weights == sorted(weights, reverse=True)
        assert sum(weights) <= 1.0 + 1e-5
    words = " | ".join(reason.words for reasons in explained for reason in reasons)
    assert "things of sort 3 (benign: " in words
    alone = detector.explain(make_features(40, seed=21, attack=True), rows[1:], "injection")[0]
    assert [r.feature for r in alone] == [r.feature for r in explained[1]]


def test_records_of_several_families_are_explained_together_as_they_are_alone(
    detector: Detector, make_features: MakeFeatures
) -> None:
    features = make_features(4, seed=21, attack=True)
    together = detector.explain(features, np.arange(4), ["injection", "other"] * 2)
    for row, family in enumerate(["injection", "other"] * 2):
        (alone,) = detector.explain(features, np.array([row]), family)
        assert [r.words for r in alone] == [r.words for r in together[row]]
    assert together[0] != together[1]


def test_novelty_is_explained_too(detector: Detector, make_features: MakeFeatures) -> None:
    features = make_features(1, seed=1)
    features.numeric[0, 5] = 60.0
    reasons = detector.explain(features, np.array([0]), None)[0]
    assert "number_5" in [reason.feature for reason in reasons]


def test_no_rows_have_no_reasons(detector: Detector, make_features: MakeFeatures) -> None:
    assert detector.explain(make_features(3), np.zeros(0, dtype=np.int64), "injection") == []


def test_without_a_site_the_bounds_are_the_bundles(detector: Detector) -> None:
    bounds = detector.thresholds("http")
    assert bounds.families == ("injection", "other")
    assert bounds.values.tolist() == pytest.approx([0.9, 2.0])
    assert bounds.alpha == 0.01


def test_the_sites_bounds_and_p_values_take_precedence(
    bundle: Bundle, saved: Path, make_features: MakeFeatures
) -> None:
    detector = Detector.load(saved, "cpu", {"http": calibrated(bundle.digest)}, bundle.specs)
    assert detector.thresholds("http").values.tolist() == pytest.approx([0.75, 2.0])
    assert detector.thresholds("http").alpha == 0.002
    assert set(detector.score(make_features(5)).p_value.tolist()) == {0.5}


def test_a_bundle_for_other_features_than_this_version_computes_is_not_loaded(saved: Path) -> None:
    with pytest.raises(BundleError, match="other http features"):
        Detector.load(saved, "cpu")


def test_a_calibration_of_another_model_is_refused(bundle: Bundle) -> None:
    with pytest.raises(StateError, match="enricher calibrate"):
        Detector(bundle, site={"http": calibrated("of another")})


def test_features_of_another_version_or_shape_are_refused(
    detector: Detector, make_features: MakeFeatures
) -> None:
    features = make_features(2)
    with pytest.raises(BundleError, match="version 7 of the http features"):
        detector.score(replace(features, spec_version=8))
    with pytest.raises(BundleError, match="enricher train"):
        detector.score(replace(features, numeric=features.numeric[:, 1:]))


def test_a_kind_that_was_not_trained_is_refused(
    detector: Detector, make_features: MakeFeatures
) -> None:
    with pytest.raises(BundleError, match="does not know dns records"):
        detector.score(replace(make_features(2), kind="dns"))
