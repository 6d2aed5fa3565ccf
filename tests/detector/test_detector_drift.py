"""The martingale keeps quiet while traffic is as it was, and speaks up when it is not."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest
from crepes.martingales import (  # type: ignore[import-untyped]
    BettingFunction,
    SimpleJumper,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.detector.conformal import ConformalCalibration
from enricher.detector.drift import DriftMonitor, reference_counts
from enricher.detector.false_discovery import LEVELS, level_of

Floats = npt.NDArray[np.float64]


def play(
    calibration: Floats, stream: Floats, delta: float = 1e-3, cuts: tuple[int, ...] = ()
) -> DriftMonitor:
    conformal = ConformalCalibration(calibration)
    monitor = DriftMonitor(reference_counts(conformal.p_values(calibration)), delta)
    times = np.arange(len(stream), dtype=np.float64)
    p_values = conformal.p_values(stream)
    for part in np.split(np.arange(len(stream)), sorted(cuts)):
        monitor.take(p_values[part], times[part])
    return monitor


class OneSided(BettingFunction):  # type: ignore[misc]
    def apply(self, p_values: Floats) -> Floats:
        return np.stack([np.ones(len(p_values)), 1.5 - p_values, 0.5 * p_values**-0.5], axis=1)


def test_the_capital_is_that_of_the_simple_jumper_over_ranks() -> None:
    rng = np.random.default_rng(0)
    calibration, stream = rng.normal(size=300), rng.normal(0.3, 1.0, size=400)
    conformal = ConformalCalibration(calibration)
    before = level_of(conformal.p_values(calibration)).tolist()
    before.append(min(before))
    levels = level_of(conformal.p_values(stream)).tolist()
    monitor = DriftMonitor(reference_counts(conformal.p_values(calibration)))
    expected, capital = [], []
    for number, level in enumerate(levels):
        seen = np.array(before)
        uniform = uniform_of(number)
        equal = (seen == level).sum() + 1
        expected.append(((seen < level).sum() + uniform * equal) / (len(seen) + 1))
        before.append(level)
        monitor.take(conformal.p_values(stream[number : number + 1]), np.zeros(1))
        capital.append(monitor.ln_capital)
    oracle = SimpleJumper(J=0.01, bf=OneSided()).apply(np.array(expected))
    np.testing.assert_allclose(capital, np.log(oracle), rtol=1e-9, atol=1e-9)


def uniform_of(number: int) -> float:
    """splitmix64 in Python's own numbers."""
    mask = 2**64 - 1
    mixed = (number + 1) * 0x9E3779B97F4A7C15 & mask
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & mask
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
    mixed ^= mixed >> 31
    return ((mixed >> 12) + 0.5) / 2**52


@pytest.mark.parametrize("calibrated", [20, 1000])
@pytest.mark.parametrize("ties", [False, True])
def test_traffic_that_has_not_changed_seldom_raises_an_alarm(calibrated: int, ties: bool) -> None:
    # The stream is far longer than the calibration: its being a sample must not look like drift.
    rng = np.random.default_rng(1)
    runs, delta, alarms = 300, 0.05, 0
    for _ in range(runs):
        scores = rng.normal(size=calibrated + 5000)
        if ties:
            scores = np.round(scores)
        monitor = play(scores[:calibrated], scores[calibrated:], delta)
        alarms += monitor.since is not None
    assert alarms <= runs * delta + 3 * np.sqrt(runs * delta)


def test_records_that_are_less_unusual_break_no_promise() -> None:
    rng = np.random.default_rng(2)
    monitor = play(rng.normal(size=1000), rng.normal(-1.0, 0.5, size=5000))
    assert monitor.since is None
    assert monitor.ln_capital < 1.0


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.0, 2.0)])
def test_traffic_that_becomes_more_unusual_raises_an_alarm_soon_after(
    shift: float, scale: float
) -> None:
    rng = np.random.default_rng(3)
    stream = np.concatenate([rng.normal(size=3000), rng.normal(shift, scale, size=1000)])
    monitor = play(rng.normal(size=1000), stream)
    assert monitor.since is not None
    assert 3000 <= monitor.since < 3300


def test_traffic_that_is_other_from_the_start_raises_an_alarm() -> None:
    rng = np.random.default_rng(4)
    monitor = play(rng.normal(size=500), rng.normal(1.0, 1.0, size=300))
    assert monitor.since is not None


@settings(deadline=None)
@given(st.lists(st.integers(0, 600), max_size=5))
def test_batches_change_nothing(cuts: list[int]) -> None:
    rng = np.random.default_rng(5)
    calibration, stream = rng.normal(size=200), rng.normal(0.7, 1.0, size=600)
    whole = play(calibration, stream)
    assert whole.since is not None
    assert play(calibration, stream, cuts=tuple(cuts)).export() == whole.export()


@given(st.integers(0, 600))
def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(cut: int) -> None:
    rng = np.random.default_rng(6)
    calibration, stream = rng.normal(size=200), rng.normal(0.7, 1.0, size=600)
    p_values = ConformalCalibration(calibration).p_values(stream)
    times = np.arange(600.0)
    before = play(calibration, stream[:cut])
    after = DriftMonitor.restore(json.loads(json.dumps(before.export())))
    after.take(p_values[cut:], times[cut:])
    assert after.export() == play(calibration, stream).export()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("counts", [1, 2]),
        ("counts", [-1] * len(LEVELS)),
        ("shares", [0.5, 0.5, 0.5]),
        ("shares", [1.0]),
        ("ln_capital", "nan"),
        ("records", -1),
    ],
)
def test_a_damaged_state_is_refused(name: str, value: object) -> None:
    state = DriftMonitor(np.ones(len(LEVELS), dtype=np.int64)).export() | {name: value}
    with pytest.raises(ValueError, match=r"reference|capital|range"):
        DriftMonitor.restore(state)
