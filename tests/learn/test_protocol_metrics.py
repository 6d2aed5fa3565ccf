"""Figures are those that are worked out by hand and those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from enricher.learn.protocol.intervals import over_families
from enricher.learn.protocol.metrics import (
    auroc,
    average_precision,
    calibration_error,
    macro_f1,
    measure,
    threshold_at,
)

FEW = st.lists(st.integers(0, 6), min_size=1, max_size=40)


@given(attack=FEW, benign=FEW)
def test_areas_are_those_of_scikit_learn_with_ties(attack: list[int], benign: list[int]) -> None:
    own, other = np.array(attack, float), np.sort(np.array(benign, float))
    labels = np.r_[np.ones(len(own)), np.zeros(len(other))]
    scores = np.r_[own, other]
    assert auroc(own, other) == pytest.approx(roc_auc_score(labels, scores))
    weights = np.r_[np.full(len(own), 0.01 / len(own)), np.full(len(other), 0.99 / len(other))]
    expected = average_precision_score(labels, scores, sample_weight=weights)
    assert average_precision(own, other, 0.01) == pytest.approx(expected)


def test_the_rate_counts_what_is_above_all_but_one_in_a_thousand() -> None:
    benign = np.arange(2000, dtype=float)
    assert threshold_at(benign, 1e-3) == 1997.0
    figures = measure(np.array([1997.0, 1998.0, 1e4, 1e4]), benign)
    assert figures.tpr == 0.75
    assert figures.tpr_fine is None
    assert measure(np.ones(3), np.zeros(199)).tpr is None
    many = measure(np.array([99_980.0, 99_995.0]), np.arange(100_000, dtype=float))
    assert many.tpr_fine == 0.5


def test_precision_at_a_recall_of_nine_tenths_is_the_published_one() -> None:
    attack = np.r_[np.full(9, 2.0), -1.0]
    benign = np.r_[np.full(100, 2.0), np.zeros(99_900)]
    figures = measure(attack, benign)
    assert figures.precision == pytest.approx(0.0826, abs=1e-3)
    assert figures.alerts == pytest.approx(1e6 * (1e-4 * 0.9 + 0.9999e-3))
    assert measure(attack, np.r_[2.0, np.zeros(99_999)]).precision == pytest.approx(0.9, abs=1e-3)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    assert calibration_error(np.array([0.8] * 8), np.array([0.8] * 2)) == pytest.approx(0.0)
    assert calibration_error(np.array([0.6]), np.array([0.1, 0.1])) == pytest.approx(0.2)


def test_macro_f1_of_a_perfect_and_of_a_blind_method() -> None:
    truth = np.repeat([-1, 0, 1], [2000, 50, 50])
    perfect = np.stack([(truth == 0) * 1.0, (truth == 1) * 1.0])
    assert macro_f1(perfect, truth) == 1.0
    blind = np.zeros((2, len(truth)))
    assert macro_f1(blind, truth) == pytest.approx(2 * 2000 / (2000 + 2100) / 3)
    swapped = perfect[::-1]
    assert macro_f1(swapped, truth) == pytest.approx(1 / 3)


def test_intervals_come_from_families_alone() -> None:
    assert over_families(np.full(9, 0.4)).low == pytest.approx(0.4)
    found = over_families(np.array([0.0, 1.0] * 8))
    # The standard error of a mean of 16 coins is 1/8.
    assert found.mean == 0.5
    assert found.high - found.low == pytest.approx(2 * 1.96 / 8, abs=0.06)
    wide = over_families(np.array([0.0, 1.0] * 2))
    assert wide.high - wide.low > found.high - found.low
