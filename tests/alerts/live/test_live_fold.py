"""Live alerts are a fold over records: neither batches nor restarts ever show."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts.live import LiveAlert, LiveGrouping, clock

Feed = Callable[..., list[LiveAlert]]
Live = Callable[..., LiveGrouping]
Plain = Callable[[LiveAlert], tuple[Any, ...]]

DAY = 86_400.0
FEW = 3
"""The clock believes so few records here: it shall be set to and fro."""


@pytest.fixture(scope="module", autouse=True)
def restless() -> Iterator[None]:
    with mock.patch.object(clock, "BELIEVED", FEW):
        yield


BASE = 20_000 * DAY
TIMES = [
    *(BASE + step for step in (0.0, 1.0, 30.5, 59.0, 61.0, 75.0, 130.0, 4000.0, DAY, -200.0)),
    BASE + 40 * DAY, BASE - 40 * DAY, 2e11, None, math.nan, math.inf, -1.0,
]  # fmt: skip

RECORDS = st.lists(
    st.fixed_dictionaries({
        "ts": st.sampled_from(TIMES),
        "id.orig_h": st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3", None]),
        "id.resp_h": st.sampled_from(["10.1.0.1", "10.1.0.2", None]),
        "duration": st.sampled_from([None, 1.5, math.inf]),
        "score": st.sampled_from([0.5, 0.75, 1.0]),
        "p": st.sampled_from([0.0001, 0.001, 0.01, 0.5]),
        "verdict": st.sampled_from([-2, -2, -1, -1, 0, 1]),
    }),
    min_size=1,
    max_size=60,
)  # fmt: skip
CUTS = st.lists(st.integers(1, 59), max_size=8)
CHANGES = st.fixed_dictionaries({
    "max_groups": st.sampled_from([1, 2, 3, 1000]),
    "per_day": st.sampled_from([0, 1, 3, 50]),
    "late_seconds": st.sampled_from([0, 10, 3600]),
    "typical": st.sampled_from([{}, {"conn": 50.0}]),
})  # fmt: skip


def counts(grouping: LiveGrouping) -> Any:
    return (
        grouping.held_back, grouping.late, grouping.within_chance, grouping.closed_early,
        len(grouping), grouping.clock.now,
    )  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(rows=RECORDS, cuts=CUTS, changes=CHANGES)
def test_batching_never_changes_an_alert_nor_their_order(
    feed: Feed, live: Live, plain: Plain, rows: list[Any], cuts: list[int], changes: Any
) -> None:
    one, many, each = live(**changes), live(**changes), live(**changes)
    expected = [plain(found) for found in feed(one, rows)]
    assert [plain(found) for found in feed(many, rows, cuts)] == expected
    assert [plain(found) for found in feed(each, rows, range(60))] == expected
    assert counts(one) == counts(many) == counts(each)


@settings(deadline=None, max_examples=100)
@given(rows=RECORDS, at=st.integers(1, 59), changes=CHANGES)
def test_a_restart_never_changes_what_follows(
    feed: Feed, live: Live, plain: Plain, rows: list[Any], at: int, changes: Any
) -> None:
    at = min(at, len(rows))
    whole, before, after = live(**changes), live(**changes), live(**changes)
    feed(whole, rows[:at])
    feed(before, rows[:at])
    state = orjson.loads(orjson.dumps(before.export(str)))
    after.restore(state, str)
    left = [plain(found) for found in feed(after, rows[at:], first_line=at + 1)]
    assert left == [plain(found) for found in feed(whole, rows[at:], first_line=at + 1)]
    assert counts(after) == counts(whole)
    assert list(map(plain, after.close_all())) == list(map(plain, whole.close_all()))
