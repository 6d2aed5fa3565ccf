"""p-values are conformal: never too small for what is exchangeable with benign."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.detector.conformal import MAX_RECORDS, ConformalCalibration

FLOATS = st.floats(-100, 100, width=32)


@given(st.lists(FLOATS, max_size=50), st.lists(FLOATS, max_size=20))
def test_the_p_values_are_those_of_the_definition(seen: list[float], come: list[float]) -> None:
    expected = [(1 + sum(c >= s for c in seen)) / (len(seen) + 1) for s in come]
    found = ConformalCalibration(seen).p_values(come)
    assert found.dtype == np.float32
    assert np.allclose(found, expected)


@given(st.lists(FLOATS, min_size=2, max_size=40))
def test_exchangeable_scores_are_flagged_no_more_often_than_promised(scores: list[float]) -> None:
    # Each score in turn is the new one: all orders being equally likely, this is the whole
    # distribution of the p-value.
    p = [
        float(ConformalCalibration(scores[:i] + scores[i + 1 :]).p_values([scores[i]])[0])
        for i in range(len(scores))
    ]
    for alpha in sorted(set(p)):
        assert np.mean(np.array(p) <= alpha) <= alpha + 1e-6


def test_p_values_of_new_benign_records_are_uniform() -> None:
    rng = np.random.default_rng(0)
    p = ConformalCalibration(rng.normal(size=5000)).p_values(rng.normal(size=5000))
    for alpha in (0.01, 0.1, 0.5, 0.9):
        assert np.mean(p <= alpha) == pytest.approx(alpha, abs=0.03)


def test_too_many_records_are_thinned_to_the_same_ones_each_time() -> None:
    scores = np.random.default_rng(0).normal(size=MAX_RECORDS + 10)
    first, second = ConformalCalibration(scores), ConformalCalibration(scores)
    assert len(first) == MAX_RECORDS
    assert np.array_equal(first.scores, second.scores)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        ConformalCalibration([1.0, bad])
