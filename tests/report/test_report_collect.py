"""Gathering a summary counts everything, keeps the most severe, and stays small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.report.collect import ALERT_ROWS, SOURCE_ROWS, Collector
from enricher.report.parts import BundleInfo, CalibrationInfo, Drift
from enricher.report.rows import AlertRow
from enricher.report.summary import ScanSummary
from enricher.report.timeline import DISPLAY_BUCKETS, TimelineCounter

DAY = 86_400.0


def finish(collector: Collector) -> ScanSummary:
    return collector.summary(
        program_version="0",
        started=0.0,
        finished=2.0,
        device="cpu",
        bundle=BundleInfo("m", "1"),
        calibration=CalibrationInfo(),
        outputs={},
    )


def alert(
    number: int, severity: int = 2, family: str = "scan", source: str = "10.0.0.1"
) -> AlertRow:
    return AlertRow(
        alert_id=str(number),
        time=float(number),
        last_time=None,
        source=source,
        family=family,
        title="A scan",
        severity=severity,
        count=3,
        destinations=1,
        score=0.9,
        p_value=0.01,
    )


@given(
    st.lists(
        st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30),
        max_size=8,
    )
)
def test_every_record_is_in_a_bucket_or_counted_outside(batches: list[list[float]]) -> None:
    counter = TimelineCounter()
    for batch in batches:
        counter.add_records(np.asarray(batch, dtype=np.float64))
    finite = [time for batch in batches for time in batch if np.isfinite(time)]
    line = counter.timeline()
    assert sum(line.records) + line.outside == len(finite)
    assert len(line.records) <= DISPLAY_BUCKETS
    assert counter.earliest == (min(finite) if finite else None)


@given(st.lists(st.floats(0, 10 * DAY), min_size=1, max_size=200), st.integers(1, 50))
def test_the_timeline_does_not_depend_on_the_batch_size(times: list[float], size: int) -> None:
    whole, parts = TimelineCounter(), TimelineCounter()
    array = np.asarray(times, dtype=np.float64)
    whole.add_records(array)
    for start in range(0, len(array), size):
        parts.add_records(array[start : start + size])
    assert whole.timeline() == parts.timeline()


@pytest.mark.parametrize("days", [0.0001, 0.1, 1, 30, 400, 40_000])
def test_any_span_fits_in_memory_and_on_the_page(days: float) -> None:
    counter = TimelineCounter()
    times = np.linspace(1.7e9, 1.7e9 + days * DAY, 20_000)
    for part in np.split(times, 10):
        counter.add_records(part)
    counter.add_alert(float(times[100]), "scan")
    line = counter.timeline()
    assert len(counter._records) <= 4096
    assert 1 <= len(line.records) <= DISPLAY_BUCKETS
    assert sum(line.records) == 20_000
    assert sum(line.alerts["scan"]) == 1
    assert line.start <= times[0] < line.start + line.width
    assert line.start + line.width * len(line.records) > times[-1]


def test_a_few_stray_times_do_not_flatten_the_rest() -> None:
    counter = TimelineCounter()
    counter.add_records(np.linspace(1.7e9, 1.7e9 + DAY, 10_000))
    counter.add_records(np.asarray([0.0, -1e300, 1e300]))
    line = counter.timeline()
    assert line.outside == 3
    assert line.width < DAY
    assert sum(line.records) == 10_000


def test_the_most_severe_alerts_are_kept_in_order() -> None:
    collector = Collector()
    for number in range(1000):
        collector.add_alert(alert(number, severity=3))
    for number in range(5):
        collector.add_alert(alert(number, severity=1, family="bot", source=f"10.0.1.{number}"))
    summary = finish(collector)
    assert summary.alerts.written == {"scan": 1000, "bot": 5}
    assert len(summary.alert_rows) == ALERT_ROWS
    assert [row.severity for row in summary.alert_rows[:6]] == [1, 1, 1, 1, 1, 3]
    assert [row.time for row in summary.alert_rows[5:8]] == [0.0, 1.0, 2.0]
    assert summary.alerts.sources == 6
    assert summary.sources[0].severity == 1


def test_spoofed_sources_and_families_do_not_fill_the_memory() -> None:
    collector = Collector()
    for number in range(50_000):
        collector.add_alert(alert(number, source=f"s{number}", family=f"f{number}"))
    assert len(collector._sources) <= 20_000
    summary = finish(collector)
    assert len(summary.sources) == SOURCE_ROWS
    assert summary.alerts.written_total == 50_000
    assert len(summary.alerts.written) <= 101
    assert len(summary.timeline.alerts) <= 51


def test_scored_records_are_counted_by_verdict_and_score() -> None:
    collector = Collector()
    score = np.asarray([0.0, 0.04, 0.96, 1.0, np.nan], dtype=np.float32)
    collector.add_scored(
        "conn", np.arange(5, dtype=np.float64), score, {"benign": 3, "unknown": 1, "mirai": 1}
    )
    collector.account("conn").read = 5
    summary = finish(collector)
    account = summary.kinds["conn"]
    assert (account.benign, account.unknown, account.families) == (3, 1, {"mirai": 1})
    assert account.score_histogram[0] == 2
    assert account.score_histogram[-1] == 2
    assert (summary.flow_start, summary.flow_end) == (0.0, 4.0)
    assert summary.rate == 2.5
    assert summary.balance() == []


def test_a_note_is_given_once() -> None:
    collector = Collector()
    for _ in range(3):
        collector.note("look here", warning=True)
    collector.note("look here")
    assert [note.level for note in collector.notes] == ["warning", "info"]


def test_the_demo_adds_up(make_collector: Callable[..., Collector]) -> None:
    summary = finish(make_collector())
    assert summary.balance() == []
    assert sum(summary.timeline.records) == summary.totals.scored
    assert sum(map(sum, summary.timeline.alerts.values())) == summary.alerts.written_total


def test_drift_is_a_warning_that_says_since_when_and_survives_in_the_summary() -> None:
    collector = Collector()
    collector.add_drift("conn", Drift(900, 1.5))
    collector.add_drift("dns", Drift(800, 7.25, since=1_767_225_600.0))
    collector.alerts.within_chance = 3
    summary = finish(collector)
    (note,) = summary.notes
    assert note.level == "warning"
    assert "traffic of dns no longer looks like" in note.text
    assert "since 2026-01-01 00:00:00 UTC; its false-alarm promise is suspended" in note.text
    read = ScanSummary.from_dict(summary.to_dict())
    assert read.drift == summary.drift
    assert read.alerts.within_chance == 3
