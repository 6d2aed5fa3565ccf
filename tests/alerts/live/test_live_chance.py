"""An unknown record is told only where it stands out from the records before it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts.live import LiveAlert, LiveGrouping
from enricher.alerts.live.chance import AROUND, CausalChance
from enricher.detector.false_discovery import LEVELS, level_of, rejection_bound

Feed = Callable[..., list[LiveAlert]]
Live = Callable[..., LiveGrouping]

T = 1_700_000_040.0
RECORDS = st.lists(
    st.tuples(
        st.integers(0, 2),  # window
        st.sampled_from([-2, -1, 0]),
        st.sampled_from([1e-6, 1e-4, 1e-3, 0.01, 0.05]),
    ),
    min_size=1,
    max_size=80,
)


def take(chance: CausalChance, records: list[tuple[int, int, float]]) -> list[bool]:
    windows, verdicts, p_values = zip(*records, strict=True)
    found = chance.take(
        "conn",
        np.array(windows, np.int64),
        np.zeros(len(records), np.int64),
        np.array(verdicts, np.int32),
        np.array(p_values, np.float32),
    )
    return [bool(one) for one in found]


@settings(deadline=None)
@given(records=RECORDS, typical=st.sampled_from([0.0, 30.0, 1000.0]))
def test_each_record_is_judged_by_the_procedure_on_what_came_until_then(
    records: list[tuple[int, int, float]], typical: float
) -> None:
    found = take(CausalChance(0.1, {"conn": typical}), records)
    for place, (window, verdict, p_value) in enumerate(records):
        before = [one for one in records[: place + 1] if one[0] == window and one[1] < 0]
        rare = [np.float32(p) for _, code, p in before if code == -2]
        counts = np.bincount(level_of(rare), minlength=len(LEVELS)) if rare else 0 * LEVELS
        total = int(max(len(before), typical))
        bound = rejection_bound(LEVELS, counts, total, 0.1)
        assert found[place] == (verdict == -2 and np.float32(p_value) <= bound)


@settings(deadline=None)
@given(records=RECORDS, cuts=st.lists(st.integers(1, 79), max_size=5))
def test_batches_and_restarts_never_show(
    records: list[tuple[int, int, float]], cuts: list[int]
) -> None:
    found: list[bool] = []
    before = CausalChance(0.1, {"conn": 20.0})
    for start, end in pairwise(sorted({0, len(records), *(c for c in cuts if c < len(records))})):
        chance = CausalChance(0.1, {"conn": 20.0})
        chance.restore(*before.export())
        found += take(chance, records[start:end])
        before = chance
    assert found == take(CausalChance(0.1, {"conn": 20.0}), records)


def test_the_first_records_of_a_window_are_not_judged_mildly() -> None:
    record = [(0, -2, 0.001)]
    assert take(CausalChance(0.1, {}), record) == [True]
    assert take(CausalChance(0.1, {"conn": 1000.0}), record) == [False]
    assert take(CausalChance(0.1, {"conn": 1000.0}), record * 11)[-1] is True


def test_times_that_a_log_makes_up_fill_no_memory() -> None:
    chance = CausalChance(0.1, {})
    windows = np.random.default_rng(0).integers(0, 10**9, 5000)
    for now in (500, 600):
        chance.take(
            "conn", windows, np.full(5000, now), np.full(5000, -2, np.int32),
            np.full(5000, 0.001, np.float32),
        )  # fmt: skip
    assert len(chance.export()[0]) <= 2 * AROUND + 1


def test_an_open_group_has_all_unknown_records_that_follow(feed: Feed, live: Live) -> None:
    grouping = live(typical={"conn": 100.0})
    rows: list[dict[str, Any]] = [
        {"ts": T + n, "id.orig_h": "10.0.0.1", "verdict": -2, "p": p}
        for n, p in enumerate([0.01, 0.0001, 0.01, 0.009])
    ]
    alerts = feed(grouping, [*rows, {"ts": T + 500, "verdict": -1}])
    assert [(a.alert.state, a.alert.count, a.alert.first_ts) for a in alerts] == [
        ("opening", 1, T + 1),
        ("closing", 3, T + 1),
    ]
    assert alerts[0].alert.family == "unknown"
    assert grouping.within_chance == 1
