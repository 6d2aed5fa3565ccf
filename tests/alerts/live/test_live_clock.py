"""Flow time moves with the records and can not be led astray by a few of them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.alerts.live.clock import BELIEVED, FAR, FlowClock

T = 1_700_000_000.0
YEAR_9999 = 253_402_300_799.0
TIMES = st.one_of(
    st.just(0.0),
    st.floats(T - 3 * FAR, T + 3 * FAR),
    st.sampled_from([1.0, T + 30 * FAR, T - 30 * FAR, YEAR_9999]),
)
RUNS = st.lists(st.tuples(TIMES, st.sampled_from([1, 2, BELIEVED - 1, BELIEVED])), max_size=8)


def at(*times: float) -> FlowClock:
    clock = FlowClock()
    clock.take(np.array(times))
    return clock


def test_it_is_the_largest_time_so_far() -> None:
    clocks = FlowClock().take(np.array([T, T + 5, T + 3, 0.0, T + 6]))
    assert clocks.tolist() == [T, T + 5, T + 5, T + 5, T + 6]


def test_a_silence_of_less_than_a_day_is_nothing_special() -> None:
    assert at(T, T + FAR).now == T + FAR


@pytest.mark.parametrize("wild", [YEAR_9999, T + 2 * FAR, T - 2 * FAR, 1.0])
def test_a_few_wild_times_move_nothing(wild: float) -> None:
    assert at(T, *[wild] * (BELIEVED - 1)).now == T
    mixed = [T, *[wild, T + 1] * BELIEVED]
    assert at(*mixed).now == T + 1


def test_after_a_long_silence_it_goes_on_at_the_smallest_of_the_new_times() -> None:
    new = [T + 10 * FAR + n for n in range(BELIEVED)]
    assert at(T, YEAR_9999, *new[1:]).now == new[1]
    assert at(T, *new[:-1]).now == T


def test_a_first_record_from_the_future_is_put_right() -> None:
    times = [YEAR_9999, *(T + n for n in range(BELIEVED))]
    assert at(*times).now == T + BELIEVED - 1


def test_records_without_a_time_do_not_start_it() -> None:
    assert at(0.0, 0.0).now == -math.inf
    assert at(0.0, T).now == T


def flat(runs: list[Any]) -> np.ndarray[Any, Any]:
    return np.array([ts for ts, count in runs for _ in range(count)], dtype=np.float64)


@given(runs=RUNS, cuts=st.lists(st.integers(0, 800), max_size=6))
def test_batches_and_restarts_never_show(runs: list[Any], cuts: list[int]) -> None:
    times = flat(runs)
    whole = FlowClock().take(times)
    parts, state = [], FlowClock().export()
    for start, end in pairwise(sorted({0, len(times), *(min(c, len(times)) for c in cuts)})):
        clock = FlowClock()
        clock.restore(state)
        parts.append(clock.take(times[start:end]))
        state = clock.export()
    assert np.array_equal(np.concatenate([np.empty(0), *parts]), whole)


@given(runs=RUNS)
def test_one_record_moves_it_by_a_day_at_most_unless_many_agree(runs: list[Any]) -> None:
    times = flat(runs)
    clocks = FlowClock().take(times)
    for place in range(1, len(times)):
        before = clocks[place - 1]
        if np.isfinite(before) and abs(clocks[place] - before) > FAR:
            agreeing = times[: place + 1]
            agreeing = agreeing[agreeing > 0][-BELIEVED:]
            assert len(agreeing) == BELIEVED
            assert (np.abs(agreeing - before) > FAR).all()
            assert clocks[place] in agreeing


@pytest.mark.parametrize("state", [[T], [T, 0.5, T], [T, 100.0, T], [math.nan, 0, T], [T, 1, 1, 1]])
def test_a_damaged_state_is_refused(state: list[float]) -> None:
    with pytest.raises(ValueError, match=r"damaged|unpack"):
        FlowClock().restore(state)
