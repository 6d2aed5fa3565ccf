"""One alert at once, one when the window is over, and nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import Grouper
from enricher.alerts.live import LiveAlert, LiveGrouping
from enricher.alerts.suppress import Suppressions
from enricher.config import SuppressionSettings

Feed = Callable[..., list[LiveAlert]]
Live = Callable[..., LiveGrouping]

T = 1_700_000_040.0  # the beginning of a window of a minute
ONE = "10.0.0.1"


def row(ts: float, source: str = ONE, verdict: int = 0, **more: Any) -> dict[str, Any]:
    values = {"ts": ts, "id.orig_h": source, "id.resp_h": "10.1.0.1", "verdict": verdict}
    return {**values, **more}


def told(alerts: list[LiveAlert]) -> list[tuple[str, str, str, int]]:
    return [(a.alert.state, a.alert.source, a.alert.family, a.alert.count) for a in alerts]


def test_the_first_record_is_told_at_once_with_what_is_known_then(feed: Feed, live: Live) -> None:
    grouping = live()
    (found,) = feed(grouping, [row(T), row(T + 1, score=1.0), row(T + 2)])
    alert = found.alert
    assert (found.closing, alert.state, alert.count, alert.destinations) == (False, "opening", 1, 1)
    assert (alert.first_ts, alert.last_ts, alert.kinds) == (T, T, {"conn": 1})
    assert (alert.strongest.origin, alert.evidence) == ("conn.log:1", "line 1")
    assert feed(grouping, [row(T + 3)], first_line=4) == []


def test_when_the_window_is_over_all_of_it_is_told_under_the_same_id(
    feed: Feed, live: Live
) -> None:
    grouping = live(late_seconds=10)
    (opening,) = feed(grouping, [row(T), row(T + 1, score=1.0), row(T + 2, verdict=-1)])
    elsewhere: dict[str, Any] = {"id.resp_h": "10.1.0.2"}
    feed(grouping, [row(T + 59, **elsewhere)], kind="http", first_line=4)
    assert feed(grouping, [row(T + 69.9, verdict=-1)], first_line=5) == []
    (closing,) = feed(grouping, [row(T + 70, verdict=-1)], first_line=6)
    alert = closing.alert
    assert (closing.closing, alert.state) == (True, "closing")
    assert alert.alert_id == opening.alert.alert_id
    assert (alert.count, alert.kinds) == (3, {"conn": 2, "http": 1})
    assert (alert.first_ts, alert.last_ts, alert.destinations) == (T, T + 59, 2)
    assert (alert.strongest.origin, alert.evidence) == ("conn.log:2", "line 2")
    assert len(grouping) == 0


def test_a_window_of_one_record_needs_no_second_alert(feed: Feed, live: Live) -> None:
    alerts = feed(live(), [row(T), row(T + 1000, verdict=-1)])
    assert told(alerts) == [("opening", ONE, "scan", 1)]


def test_closing_alerts_can_be_switched_off(feed: Feed, live: Live) -> None:
    alerts = feed(live(closing=False), [row(T), row(T + 1), row(T + 1000, verdict=-1)])
    assert told(alerts) == [("opening", ONE, "scan", 1)]


def test_a_closing_alert_stands_before_the_record_that_ends_its_window(
    feed: Feed, live: Live
) -> None:
    rows = [row(T + n, f"10.0.0.{s}") for n in (0, 1) for s in (3, 2)]
    alerts = feed(live(), [*rows, row(T + 100, "10.0.0.9")])
    assert told(alerts) == [
        ("opening", "10.0.0.3", "scan", 1),
        ("opening", "10.0.0.2", "scan", 1),
        ("closing", "10.0.0.2", "scan", 2),
        ("closing", "10.0.0.3", "scan", 2),
        ("opening", "10.0.0.9", "scan", 1),
    ]


ROWS = st.lists(
    st.builds(
        row,
        ts=st.sampled_from([T + n for n in (0, 1, 30, 59, 61, 100, 119, 200)]),
        source=st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        verdict=st.sampled_from([-1, 0, 1]),
        score=st.sampled_from([0.5, 0.75, 1.0]),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=50)
@given(rows=ROWS)
def test_opening_and_closing_say_what_a_scan_of_the_whole_log_says(
    feed: Feed,
    live: Live,
    make_batch: Callable[..., Any],
    make_scores: Callable[..., Any],
    rows: list[Any],
) -> None:
    grouper = Grouper(60)
    verdicts = np.array([one["verdict"] for one in rows], np.int32)
    scores = make_scores(("scan", "tunnel"), [[one["score"]] * 2 for one in rows])
    assert grouper.add(make_batch(rows), scores, verdicts, ["conn.log"]) == []
    whole = {alert.alert_id: alert for alert in grouper.close_all()}

    grouping = live(late_seconds=3600)
    opening = feed(grouping, rows)
    closing = grouping.close_all()
    assert Counter(one.alert.alert_id for one in opening) == Counter(whole.keys())
    assert {one.alert.alert_id for one in closing} == {
        name for name, alert in whole.items() if alert.count > 1
    }
    for one in closing:
        alert, other = one.alert, whole[one.alert.alert_id]
        assert alert.strongest.origin == other.strongest.origin
        assert (alert.count, alert.kinds, alert.first_ts, alert.last_ts, alert.destinations) == (
            other.count, other.kinds, other.first_ts, other.last_ts, other.destinations
        )  # fmt: skip


def test_records_after_the_end_are_counted_and_raise_no_second_alert(
    feed: Feed, live: Live
) -> None:
    grouping = live()
    rows = [row(T), row(T + 1000, verdict=-1), row(T + 5), row(T + 6), row(T + 7, verdict=1)]
    assert told(feed(grouping, rows)) == [
        ("opening", ONE, "scan", 1),
        ("opening", ONE, "tunnel", 1),
    ]
    assert grouping.late == {"scan": 2}


def test_the_record_of_a_long_connection_opens_a_group_of_a_window_that_is_over(
    feed: Feed, live: Live
) -> None:
    grouping = live()
    rows = [row(T + 6000, verdict=-1), row(T), row(T + 1), row(T + 6001), row(T + 2)]
    alerts = feed(grouping, [*rows, row(T + 6070, verdict=-1)])
    assert told(alerts)[:2] == [("opening", ONE, "scan", 1)] * 2
    closing = {a.alert.window_start: a.alert.count for a in alerts if a.closing}
    assert closing == {T: 3}
    assert grouping.late == {}


def test_what_was_closed_long_ago_is_forgotten(feed: Feed, live: Live) -> None:
    grouping = live()
    feed(grouping, [row(T)])
    for minute in range(2, 40):
        feed(grouping, [row(T + 60 * minute, f"10.0.1.{minute}")])
    assert len(grouping.export()["over"]) <= 26
    assert told(feed(grouping, [row(T + 5)])) == [("opening", ONE, "scan", 1)]


def test_beyond_its_room_what_closes_first_is_closed_early_and_counted(
    feed: Feed, live: Live
) -> None:
    grouping = live(max_groups=10, late_seconds=3600)
    rows = [row(T + 60 * (n // 5), f"10.0.0.{n}") for n in range(10)]
    rows += [row(T + 61, "10.0.0.5"), row(T + 1, "10.0.0.1"), row(T + 130, "10.0.0.99")]
    alerts = feed(grouping, rows)
    assert [a.alert.source for a in alerts if a.closing] == ["10.0.0.1"]
    assert grouping.closed_early == 5
    assert len(grouping) <= 10


@settings(deadline=None, max_examples=30)
@given(sources=st.lists(st.integers(0, 200), min_size=1, max_size=200), room=st.integers(1, 8))
def test_memory_is_bounded(feed: Feed, live: Live, sources: list[int], room: int) -> None:
    grouping = live(max_groups=room)
    feed(grouping, [row(T + n, f"10.0.0.{s}") for n, s in enumerate(sources)])
    state = grouping.export()
    assert len(state["groups"]) + len(state["silent"]) <= room
    assert len(state["over"]) <= room


def test_a_suppressed_group_is_silent_and_uses_up_no_budget(feed: Feed, live: Live) -> None:
    rules = [SuppressionSettings(source=ONE, reason="ours")]
    grouping = live(per_day=1, suppressions=Suppressions.of(rules))
    rows = [row(T), row(T + 1), row(T + 2, "10.0.0.2"), row(T + 500, verdict=-1)]
    assert told(feed(grouping, rows)) == [("opening", "10.0.0.2", "scan", 1)]
    assert grouping.suppressed == {"source 10.0.0.1/32 (ours)": 1}
    assert grouping.held_back == {}


def test_a_suppression_ends_at_a_flow_time(feed: Feed, live: Live) -> None:
    until = datetime.fromtimestamp(T + 60, UTC)
    rules = [SuppressionSettings(source=ONE, reason="ours", until=until)]
    grouping = live(suppressions=Suppressions.of(rules))
    alerts = feed(grouping, [row(T + 30), row(T + 59), row(T + 60)])
    assert [a.alert.first_ts for a in alerts] == [T + 60]


def test_what_is_held_back_stays_silent_and_is_asked_once(feed: Feed, live: Live) -> None:
    grouping = live(per_day=1)
    rows = [row(T), *(row(T + 1 + n, "10.0.0.2") for n in range(5)), row(T + 500, verdict=-1)]
    assert told(feed(grouping, rows)) == [("opening", ONE, "scan", 1)]
    assert grouping.held_back == {"scan": 1}
    assert told(feed(grouping, [row(T + 86_400)], first_line=20)) == [("opening", ONE, "scan", 1)]


@pytest.mark.parametrize(
    "changes",
    [{"window_seconds": 0}, {"late_seconds": -1}, {"max_groups": 0}, {"per_day": -1}],
)
def test_settings_that_make_no_sense_are_refused(live: Live, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"0|-1"):
        live(**changes)


def test_an_empty_batch_changes_nothing(feed: Feed, live: Live) -> None:
    grouping = live()
    before = grouping.export()
    assert feed(grouping, []) == []
    assert grouping.export() == before


def test_a_flood_of_one_source_asks_for_the_evidence_of_one_or_two_records(
    make_batch: Callable[..., Any], make_scores: Callable[..., Any], live: Live
) -> None:
    asked: list[int] = []

    def evidence(places: Any) -> list[None]:
        asked.extend(places.tolist())
        return [None] * len(places)

    rows = [row(T + n / 100) for n in range(2000)]
    scores = make_scores(("scan",), [[0.5]] * 2000)
    grouping = live()
    for _ in range(3):
        grouping.take(make_batch(rows), scores, np.zeros(2000, np.int32), ["x.log"], evidence)
    assert set(asked) == {0}
