"""Scores mean what they say; bounds are those of the statistics books."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.detector.calibration import (
    Platt,
    expected_calibration_error,
    false_positive_bound,
    fit_platt,
    threshold_at,
)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-z)))


def test_platt_finds_the_sigmoid_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=50_000) * 2.0
    positive = rng.random(50_000) < sigmoid(1.7 * logits - 2.0)
    fitted = fit_platt(logits, positive)
    assert fitted.scale == pytest.approx(1.7, abs=0.06)
    assert fitted.offset == pytest.approx(-2.0, abs=0.06)
    scores = sigmoid(fitted.scale * logits + fitted.offset)
    assert expected_calibration_error(scores, positive) < 0.01


def test_separable_classes_give_a_finite_slope_and_scores_near_the_truth() -> None:
    logits = np.array([-3.0] * 50 + [3.0] * 50)
    fitted = fit_platt(logits, logits > 0)
    assert 0.0 < fitted.scale < 10.0
    scores = sigmoid(fitted.scale * logits + fitted.offset)
    assert scores[-1] == pytest.approx(51 / 52, abs=1e-3)


def test_a_weight_counts_like_a_repetition() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=200)
    positive = rng.random(200) < sigmoid(logits)
    weight = rng.integers(1, 4, size=200)
    by_weight = fit_platt(logits, positive, weight.astype(float))
    by_repetition = fit_platt(np.repeat(logits, weight), np.repeat(positive, weight))
    assert by_weight.scale == pytest.approx(by_repetition.scale, abs=1e-4)
    assert by_weight.offset == pytest.approx(by_repetition.offset, abs=1e-4)


def test_the_order_of_records_is_never_turned_round() -> None:
    logits = np.linspace(-2, 2, 100)
    assert fit_platt(logits, logits < 0).scale > 0


@pytest.mark.parametrize("positive", [True, False])
def test_one_class_alone_gives_a_finite_fit(positive: bool) -> None:
    fitted = fit_platt(np.linspace(-1, 1, 20), np.full(20, positive))
    assert np.isfinite([fitted.scale, fitted.offset]).all()


def test_no_records_are_refused() -> None:
    with pytest.raises(ValueError, match="no records"):
        fit_platt(np.zeros(0), np.zeros(0, dtype=bool))


def test_the_identity_is_the_default() -> None:
    assert Platt() == Platt(1.0, 0.0)


def test_calibration_error_of_known_cases() -> None:
    truth = np.array([True, False, True, False])
    assert expected_calibration_error(np.full(4, 0.5), truth) == pytest.approx(0.0)
    assert expected_calibration_error(np.ones(4), truth) == pytest.approx(0.5)
    assert expected_calibration_error(truth.astype(float), truth) == pytest.approx(0.0)
    assert expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) == 0.0


@given(
    st.lists(st.floats(0, 1, width=32), max_size=200),
    st.floats(0, 1),
)
def test_a_threshold_keeps_to_its_rate_and_is_the_lowest_that_does(
    scores: list[float], rate: float
) -> None:
    benign = np.array(scores, dtype=np.float32)
    found = threshold_at(benign, rate)
    assert found.records == len(scores)
    assert found.exceeding == int((benign >= np.float32(found.value)).sum())
    assert found.exceeding <= rate * len(scores)
    lower = benign[benign < np.float32(found.value)]
    if len(lower):
        assert int((benign >= lower.max()).sum()) > np.floor(rate * len(scores))


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    stats = pytest.importorskip("scipy.stats")
    for hits, records in [(0, 10), (0, 2995), (1, 100), (7, 300), (50, 1000), (900, 1_000_000)]:
        expected = stats.beta.ppf(0.95, hits + 1, records - hits)
        assert false_positive_bound(hits, records) == pytest.approx(expected, rel=1e-6)


def test_bounds_of_the_rule_of_three() -> None:
    assert false_positive_bound(0, 2995) <= 1e-3 < false_positive_bound(0, 2993)
    assert false_positive_bound(0, 29_956) <= 1e-4
    assert false_positive_bound(0, 0) == 1.0
    assert false_positive_bound(5, 5) == 1.0
