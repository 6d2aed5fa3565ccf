"""Unknown records are alerts only where there are more of them than chance gives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import UNKNOWN, Alert
from enricher.alerts.chance import WINDOWS, ChanceFilter
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.false_discovery import LEVELS, level_of, rejection_bound
from enricher.detector.scores import Scores
from enricher.logs import LogBatch

HOUR = 3600.0
ALPHA = 0.01
MakeScores = Callable[..., Scores]
MakeBatch = Callable[..., LogBatch]
MakeAlert = Callable[..., Alert]
Make = tuple[MakeBatch, MakeScores]


@pytest.fixture(scope="module")
def make(make_batch: MakeBatch, make_scores: MakeScores) -> Make:
    return make_batch, make_scores


def add(
    chance: ChanceFilter, make: Make, times: list[float], p_values: list[float], **scored: Any
) -> None:
    """Records that no family claims, or that the family ``codes`` claims."""
    make_batch, make_scores = make
    batch = make_batch([{"ts": ts, "id.orig_h": "10.0.0.1"} for ts in times])
    scores = make_scores(("scan",), [[0.0]] * len(times), p_values)
    verdicts = np.where(np.asarray(p_values) <= ALPHA, np.int32(UNKNOWN), np.int32(-1))
    chance.add(batch, scores, scored.get("verdicts", verdicts.astype(np.int32)))


def test_a_rare_record_among_few_is_kept_and_among_many_is_chance(
    make: Make, make_alert: MakeAlert
) -> None:
    chance = ChanceFilter(HOUR, 0.1)
    add(chance, make, [10.0] * 50, [0.001] + [0.5] * 49)
    add(chance, make, [HOUR + 10.0] * 500, [0.001] + [0.5] * 499)
    alerts = [
        make_alert(family="unknown", window_start=start, lowest_p={"conn": 0.001})
        for start in (0.0, HOUR)
    ]
    kept, left_out = chance.keep(alerts)
    assert (kept, left_out) == (alerts[:1], 1)


def test_several_rare_records_stand_out_together(make: Make) -> None:
    chance = ChanceFilter(HOUR, 0.1)
    add(chance, make, [10.0] * 500, [0.001] * 6 + [0.5] * 494)
    assert chance.bound("conn", 0) >= 0.001
    assert chance.bound("dns", 0) == 0.0


def test_alerts_of_families_are_never_left_out(make_alert: MakeAlert) -> None:
    alert = make_alert(family="port-scan", lowest_p={"conn": 1.0})
    assert ChanceFilter(HOUR, 0.1).keep([alert]) == ([alert], 0)


def test_an_alert_of_several_kinds_is_kept_for_any_of_them(
    make: Make, make_alert: MakeAlert
) -> None:
    chance = ChanceFilter(HOUR, 0.1)
    add(chance, make, [10.0] * 10, [0.001] + [0.5] * 9)
    alert = make_alert(family="unknown", window_start=0.0, lowest_p={"dns": 0.0001, "conn": 0.001})
    assert chance.keep([alert]) == ([alert], 0)


def test_records_that_a_family_claims_do_not_count(make: Make) -> None:
    chance = ChanceFilter(HOUR, 0.1)
    add(chance, make, [10.0] * 50, [0.001] + [0.5] * 49)
    bound = chance.bound("conn", 0)
    claimed = np.zeros(5000, dtype=np.int32)
    add(chance, make, [10.0] * 5000, [0.5] * 5000, verdicts=claimed)
    assert chance.bound("conn", 0) == bound > 0.0


RECORDS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 10.0, HOUR, 5 * HOUR + 1, -5.0, 1e12, float("nan")]),
        st.sampled_from([1e-5, 0.001, 0.003, 0.01, 0.2, 1.0]),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(records=RECORDS, cuts=st.lists(st.integers(1, 39), max_size=5))
def test_the_bound_is_that_of_all_records_of_the_window_however_they_come(
    make: Make, records: list[tuple[float, float]], cuts: list[int]
) -> None:
    chance = ChanceFilter(HOUR, 0.1)
    edges = sorted({0, len(records), *(c for c in cuts if c < len(records))})
    for start, end in pairwise(edges):
        add(chance, make, *map(list, zip(*records[start:end], strict=True)))
    for window in (0, 1, 5):
        own = np.array([p for ts, p in records if np.nan_to_num(max(ts, 0.0)) // HOUR == window])
        counts = np.bincount(level_of(own[own <= ALPHA]), minlength=len(LEVELS))
        assert chance.bound("conn", window) == rejection_bound(LEVELS, counts, len(own), 0.1)


def test_times_that_a_log_makes_up_fill_no_memory(make: Make) -> None:
    chance = ChanceFilter(1.0, 0.1)
    for start in range(0, 4 * WINDOWS, 1024):
        times = np.arange(start, start + 1024) * 100_000.0
        add(chance, make, times.tolist(), [0.001] * 1024)
    assert len(chance._rare) <= WINDOWS


def test_benign_windows_have_a_false_alert_no_more_often_than_the_rate(make: Make) -> None:
    rng = np.random.default_rng(0)
    rate, windows, false = 0.2, 200, 0
    for _ in range(windows):
        conformal = ConformalCalibration(rng.normal(size=1000))
        chance = ChanceFilter(HOUR, rate)
        add(chance, make, [10.0] * 300, conformal.p_values(rng.normal(size=300)).tolist())
        false += chance.bound("conn", 0) > 0.0
    assert false <= windows * rate + 3 * np.sqrt(windows * rate)
