"""Discoveries are those of Benjamini and Hochberg, and few of them are false."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control  # type: ignore[import-untyped]

from enricher.detector.conformal import ConformalCalibration
from enricher.detector.false_discovery import LEVELS, level_of, rejection_bound

P_VALUES = st.lists(st.integers(1, 1000).map(lambda rank: rank / 1000), min_size=1, max_size=60)
RATES = st.sampled_from([0.03, 0.11, 0.37])


def exact_bound(p_values: list[float], rate: float) -> float:
    values, counts = np.unique(p_values, return_counts=True)
    return rejection_bound(values, counts, len(p_values), rate)


@given(P_VALUES, RATES)
def test_the_bound_is_that_of_the_definition(p_values: list[float], rate: float) -> None:
    ordered = sorted(p_values)
    passing = [p for k, p in enumerate(ordered, 1) if p * len(ordered) <= rate * k]
    assert exact_bound(p_values, rate) == max(passing, default=0.0)


@given(P_VALUES, RATES)
def test_discoveries_are_those_of_scipy(p_values: list[float], rate: float) -> None:
    adjusted = false_discovery_control(p_values, method="bh")
    clear = np.abs(adjusted - rate) > 1e-9
    found = np.asarray(p_values) <= exact_bound(p_values, rate)
    assert np.array_equal(found[clear], (adjusted <= rate)[clear])


@given(P_VALUES, RATES)
def test_counting_on_levels_finds_no_more_than_the_exact_procedure(
    p_values: list[float], rate: float
) -> None:
    counts = np.bincount(level_of(p_values), minlength=len(LEVELS))
    bound = rejection_bound(LEVELS, counts, len(p_values), rate)
    exact = exact_bound(p_values, rate)
    assert {p for p in p_values if p <= bound} <= {p for p in p_values if p <= exact}
    # It finds all that the exact procedure finds at a rate that is a step smaller.
    smaller = exact_bound(p_values, rate * 2 ** (-1 / 16) * (1 - 1e-9))
    assert {p for p in p_values if p <= smaller} <= {p for p in p_values if p <= bound}


@given(P_VALUES, RATES)
def test_p_values_that_are_too_large_may_be_left_out(p_values: list[float], rate: float) -> None:
    values, counts = np.unique(p_values, return_counts=True)
    kept = values <= rate
    assert rejection_bound(values[kept], counts[kept], len(p_values), rate) == exact_bound(
        p_values, rate
    )


@given(st.lists(st.floats(1e-5, 1.0), max_size=50))
def test_a_level_is_never_below_the_p_value_and_hardly_above(p_values: list[float]) -> None:
    values, levels = np.asarray(p_values), LEVELS[level_of(p_values)]
    assert (levels >= values).all()
    assert (levels <= values * 2 ** (1 / 16) * (1 + 1e-12)).all()


@pytest.mark.parametrize("attacks", [0, 20, 200])
def test_the_share_of_false_discoveries_is_kept(attacks: int) -> None:
    rng = np.random.default_rng(0)
    rate, shares, found = 0.2, [], 0
    for _ in range(300):
        calibration = ConformalCalibration(rng.normal(size=2000))
        scores = np.concatenate([rng.normal(size=1000), rng.normal(5.0, 1.0, size=attacks)])
        p_values = calibration.p_values(scores)
        counts = np.bincount(level_of(p_values), minlength=len(LEVELS))
        discovered = p_values <= rejection_bound(LEVELS, counts, len(scores), rate)
        shares.append(discovered[:1000].sum() / max(1, discovered.sum()))
        found += int(discovered[1000:].sum())
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) <= rate + 3 * error
    assert found >= 0.5 * attacks * 300
