"""The summary is whole, bounded, adds up, and survives being written and read."""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.alerts.alert import Alert, Detection
from enricher.detector.scores import Reason
from enricher.errors import InputError, OutputError
from enricher.report.bounds import COUNTED_NAMES, add_counts, bounded, bounded_record, top
from enricher.report.parts import Inputs, KindAccount
from enricher.report.rows import AlertRow
from enricher.report.summary import ScanSummary

MakeSummary = Callable[..., ScanSummary]
NAMES = st.text(st.characters(), max_size=100)


def test_what_was_written_can_be_read_back(make_summary: MakeSummary) -> None:
    summary = make_summary()
    again = ScanSummary.from_dict(json.loads(summary.to_json()))
    assert again == summary
    assert again.to_dict() == summary.to_dict()


def test_a_hostile_summary_is_strict_json(make_hostile_summary: MakeSummary) -> None:
    data = make_hostile_summary().to_json()
    assert len(data) < 2_000_000
    assert all(32 <= byte < 127 or byte == 10 for byte in data)
    first = orjson.loads(data)
    assert ScanSummary.from_dict(first).to_dict() == first


def test_totals_are_in_the_file(make_summary: MakeSummary) -> None:
    data = make_summary().to_dict()
    totals = data["totals"]
    assert totals["read"] == totals["scored"] + totals["dropped"]
    assert totals["dropped"] == sum(totals["dropped_by_reason"].values())
    assert totals["scored"] == (
        totals["benign"] + totals["unknown"] + sum(totals["families"].values())
    )
    assert totals["alerts_written"] == 42
    assert totals["alerts_held_back"] == 7
    assert data["duration"] == pytest.approx(8.43)
    assert data["started"] == "2026-01-03T00:00:00.000000+00:00"


def test_a_lost_record_is_noticed(make_summary: MakeSummary) -> None:
    summary = make_summary()
    assert summary.balance() == []
    summary.kinds["conn"].read += 1
    summary.kinds["dns"].benign -= 2
    problems = summary.balance()
    assert len(problems) == 2
    assert "conn: 812005 records were read" in problems[0]
    assert "dns: 301940 records were scored" in problems[1]


@given(st.lists(st.tuples(NAMES, st.integers(0, 10**6)), max_size=300))
def test_folding_many_names_loses_no_count(pairs: list[tuple[str, int]]) -> None:
    account = KindAccount()
    for name, number in pairs:
        account.add_dropped({name: number})
    assert account.dropped_total == sum(number for _, number in pairs)
    assert len(account.dropped) <= COUNTED_NAMES + 2


def test_event_names_beyond_the_bound_stay_events() -> None:
    counts: dict[str, int] = {}
    add_counts(counts, {f"event:{number}": 1 for number in range(1000)})
    assert counts["event:other"] == 1000 - COUNTED_NAMES
    assert KindAccount(dropped=counts).passed_total == 1000


def test_file_lists_are_bounded_and_totals_are_not() -> None:
    inputs = Inputs()
    for number in range(2000):
        inputs.add_skipped(f"{number}.txt", "no log")
        inputs.add_failed(f"{number}.gz", "damaged")
    assert len(inputs.skipped) == len(inputs.failed) == 500
    assert inputs.skipped_total == inputs.failed_total == 2000


def test_top_gives_the_largest_and_the_rest() -> None:
    assert top({"a": 1, "b": 5, "c": 5, "d": 2}, 2) == ([("b", 5), ("c", 5)], 3)


@given(st.text(st.characters(), max_size=200), st.integers(1, 60))
def test_bounded_text_can_be_encoded(text: str, limit: int) -> None:
    shown = bounded(text, limit)
    shown.encode("utf-8")
    assert len(shown) <= limit
    assert bounded(shown, limit) == shown


def test_a_record_keeps_what_is_present_and_no_more() -> None:
    record: dict[str, Any] = {
        "ts": 1.5,
        "absent": None,
        "_file": 3,
        "nan": math.nan,
        "big": 2**70,
        "flag": True,
        "list": ["x"] * 1000,
        "long": "y" * 1_000_000,
    }
    row = bounded_record(record)
    assert row["ts"] == 1.5
    assert row["flag"] is True
    assert row["nan"] is None
    assert row["big"] == hex(2**70)
    assert "absent" not in row
    assert "_file" not in row
    assert isinstance(row["list"], list)
    assert row["list"][-1] == "… 950 more"
    assert len(str(row["long"])) == 2000
    assert len(bounded_record({str(number): number for number in range(5000)})) == 101


def test_a_row_is_made_of_an_alert() -> None:
    detection = Detection(
        kind="conn",
        record={"ts": 12.5, "uid": "C1", "id.resp_h": None},
        origin="conn.log:9",
        verdict="family",
        family="mirai",
        nearest="mirai",
        score=0.97,
        novelty=3.0,
        p_value=math.nan,
    )
    alert = Alert(
        alert_id="ab12",
        source="10.0.0.1",
        family="mirai",
        window_start=0.0,
        window_seconds=600.0,
        strongest=detection,
        count=7,
        first_ts=12.5,
        last_ts=80.0,
        destinations=5,
        reasons=(Reason("fan_out", "412 hosts", 0.7),),
    )
    row = AlertRow.from_alert(alert, "Mirai bot activity", 1)
    assert (row.time, row.last_time, row.count, row.destinations) == (12.5, 80.0, 7, 5)
    assert row.record == {"ts": 12.5, "uid": "C1"}
    assert row.reasons == ["412 hosts"]
    assert row.p_value is None
    assert row.score == 0.97


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"summary_version": 99},
        {"summary_version": "\x1b[31m" * 1000},
        {"summary_version": 1},
        {"summary_version": 1, "started": "never", "finished": "never"},
    ],
)
def test_what_is_no_summary_is_refused_with_a_clear_error(data: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no scan summary") as caught:
        ScanSummary.from_dict(data)
    assert str(caught.value).isprintable()


def test_the_file_is_written_whole_or_not_at_all(make_summary: MakeSummary, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    make_summary().write(path)
    before = path.read_bytes()
    changed = dataclasses.replace(make_summary(), device="cuda")
    (tmp_path / "directory").mkdir()
    with pytest.raises(OutputError, match="could not be written"):
        changed.write(tmp_path / "directory")
    with pytest.raises(OutputError, match="could not be written"):
        changed.write(tmp_path / "missing" / "summary.json")
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["directory", "summary.json"]


def test_a_full_disk_is_reported_and_leaves_nothing(
    make_summary: MakeSummary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        make_summary().write(tmp_path / "summary.json")
    assert list(tmp_path.iterdir()) == []
