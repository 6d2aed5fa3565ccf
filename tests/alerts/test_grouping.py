"""Alerts are the same however the log is cut into batches, and memory is bounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import UNKNOWN, UNKNOWN_FAMILY, Alert, DailyBudget, Grouper, detections, single
from enricher.alerts.contenders import Contenders
from enricher.detector.scores import Scores
from enricher.logs import LogBatch

FAMILIES = ("scan", "tunnel")
MakeScores = Callable[..., Scores]
MakeBatch = Callable[..., LogBatch]
MakeAlert = Callable[..., Alert]

ROWS = st.lists(
    st.fixed_dictionaries({
        "ts": st.sampled_from([10.0, 20.5, 3599.9, 3600.0, 7300.25]),
        "id.orig_h": st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3", None]),
        "id.resp_h": st.sampled_from(["10.1.0.1", "10.1.0.2", "10.1.0.3", None]),
        "score": st.sampled_from([0.5, 0.75, 1.0]),
        "p": st.sampled_from([0.01, 0.5]),
        "verdict": st.sampled_from([-2, -1, 0, 1]),
    }),
    min_size=1,
    max_size=40,
)  # fmt: skip


def cut(
    batch: LogBatch, scores: Scores, verdicts: Any, start: int, end: int
) -> tuple[LogBatch, Scores, Any]:
    part = Scores(
        scores.kind,
        scores.families,
        scores.family_scores[start:end],
        scores.novelty[start:end],
        scores.p_value[start:end],
        scores.embedding[start:end],
        scores.attack[start:end],
    )
    return LogBatch(batch.kind, batch.frame[start:end]), part, verdicts[start:end]


def grouped(rows: list[Any], cuts: list[int], make: Any, **settings: Any) -> list[Any]:
    """Alerts of ``rows`` that come in batches which end at ``cuts``; as plain values."""
    make_batch, make_scores = make
    batch = make_batch(rows)
    scores = make_scores(FAMILIES, [[r["score"]] * 2 for r in rows], [r["p"] for r in rows])
    verdicts = np.array([r["verdict"] for r in rows], np.int32)
    grouper = Grouper(**settings)
    alerts: list[Alert] = []
    edges = sorted({0, len(rows), *(c for c in cuts if 0 < c < len(rows))})
    for start, end in pairwise(edges):
        alerts += grouper.add(*cut(batch, scores, verdicts, start, end), ["conn.log"])
    alerts += grouper.close_all()
    return [
        (a.alert_id, a.source, a.family, a.window_start, a.count, a.first_ts, a.last_ts, a.kinds,
         a.destinations, a.strongest.origin, a.strongest.score, a.strongest.p_value)
        for a in alerts
    ]  # fmt: skip


@settings(deadline=None)
@given(rows=ROWS, cuts=st.lists(st.integers(1, 39), max_size=6))
def test_batching_never_changes_an_alert(
    make_batch: MakeBatch, make_scores: MakeScores, rows: list[Any], cuts: list[int]
) -> None:
    make = (make_batch, make_scores)
    assert grouped(rows, cuts, make) == grouped(rows, [], make)


@settings(deadline=None, max_examples=25)
@given(rows=ROWS, cuts=st.lists(st.integers(1, 39), max_size=6), room=st.integers(1, 4))
def test_batching_never_changes_an_alert_when_room_runs_out(
    make_batch: MakeBatch, make_scores: MakeScores, rows: list[Any], cuts: list[int], room: int
) -> None:
    make = (make_batch, make_scores)
    assert grouped(rows, cuts, make, max_groups=room) == grouped(rows, [], make, max_groups=room)


@settings(deadline=None)
@given(rows=ROWS, room=st.integers(1, 50))
def test_every_flagged_record_is_counted_in_one_alert(
    make_batch: MakeBatch, make_scores: MakeScores, rows: list[Any], room: int
) -> None:
    alerts = grouped(rows, [7, 20], (make_batch, make_scores), max_groups=room)
    assert sum(alert[4] for alert in alerts) == sum(row["verdict"] != -1 for row in rows)


@settings(deadline=None)
@given(rows=ROWS)
def test_groups_are_what_a_plain_loop_makes_of_them(
    make_batch: MakeBatch, make_scores: MakeScores, rows: list[Any]
) -> None:
    expected: dict[Any, list[tuple[Any, ...]]] = {}
    for line, row in enumerate(rows, 1):
        if row["verdict"] == -1:
            continue
        family = "unknown" if row["verdict"] == UNKNOWN else FAMILIES[row["verdict"]]
        window = 3600.0 * math.floor(row["ts"] / 3600)
        key = (window, row["id.orig_h"] or "", family)
        place = (-row["score"], np.float32(row["p"]), row["ts"], line, row["id.resp_h"])
        expected.setdefault(key, []).append(place)
    alerts = grouped(rows, [], (make_batch, make_scores))
    assert len(alerts) == len(expected)
    for key, alert in zip(sorted(expected), alerts, strict=True):
        members = expected[key]
        best = min(members)
        assert (alert[3], alert[1], alert[2]) == key
        assert alert[4] == len(members)
        assert alert[5] == min(m[2] for m in members)
        assert alert[6] == max(m[2] for m in members)
        assert alert[8] == len({m[4] for m in members} - {None})
        assert alert[9] == f"conn.log:{best[3]}"


def one(
    make_batch: MakeBatch, make_scores: MakeScores, row: dict[str, Any], kind: str = "conn"
) -> tuple[LogBatch, Scores, Any, list[str]]:
    batch = make_batch([row], kind)
    return batch, make_scores(("scan",), [[0.9]], kind=kind), np.array([0], np.int32), ["x.log"]


def test_kinds_are_merged_into_one_alert(make_batch: MakeBatch, make_scores: MakeScores) -> None:
    grouper = Grouper()
    for kind in ("conn", "http", "http"):
        grouper.add(*one(make_batch, make_scores, {"ts": 1.0, "id.orig_h": "10.0.0.1"}, kind))
    (alert,) = grouper.close_all()
    assert alert.kinds == {"conn": 1, "http": 2}
    assert alert.count == 3


def test_windows_close_when_flow_time_has_passed_them(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    grouper = Grouper(window_seconds=60)
    for ts in (30.0, 90.0):
        grouper.add(*one(make_batch, make_scores, {"ts": ts, "id.orig_h": "10.0.0.1"}))
    assert grouper.close_before(59.9) == []
    assert [a.window_start for a in grouper.close_before(60.0)] == [0.0]
    assert [a.window_start for a in grouper.close_all()] == [60.0]
    assert grouper.close_all() == []


def test_the_same_source_family_and_window_always_have_the_same_id(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    def run(window: float, source: str, ts: float) -> str:
        grouper = Grouper(window_seconds=window)
        grouper.add(*one(make_batch, make_scores, {"ts": ts, "id.orig_h": source}))
        return grouper.close_all()[0].alert_id

    assert run(3600, "10.0.0.1", 7205.0) == run(3600, "10.0.0.1", 7999.0) == "872f47e9d7343e3f"
    others = {run(3600, "10.0.0.2", 7205.0), run(60, "10.0.0.1", 7205.0), run(3600, "10.0.0.1", 1)}
    assert len(others | {run(3600, "10.0.0.1", 7205.0)}) == 4


def test_beyond_its_room_the_oldest_window_is_closed_early_and_counted(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    grouper = Grouper(window_seconds=60, max_groups=2)
    assert grouper.add(*one(make_batch, make_scores, {"ts": 90.0, "id.orig_h": "10.0.0.1"})) == []
    assert grouper.add(*one(make_batch, make_scores, {"ts": 30.0, "id.orig_h": "10.0.0.1"})) == []
    early = grouper.add(*one(make_batch, make_scores, {"ts": 150.0, "id.orig_h": "10.0.0.1"}))
    assert [a.window_start for a in early] == [0.0]
    assert grouper.closed_early == 1
    assert len(grouper) == 2


def test_destinations_are_counted_exactly_up_to_a_thousand(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    for count, shown in ((1000, 1000), (1001, 1001), (5000, 1001)):
        rows = [
            {"ts": 1.0, "id.orig_h": "10.0.0.1", "id.resp_h": f"10.1.{n >> 8}.{n & 255}"}
            for n in range(count)
        ]
        grouper = Grouper()
        scores = make_scores(("scan",), [[0.5]] * count)
        grouper.add(make_batch(rows), scores, np.zeros(count, np.int32), ["x.log"])
        assert grouper.close_all()[0].destinations == shown


def test_evidence_is_kept_of_the_strongest_record_alone(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    asked: list[int] = []

    def evidence(rows: Any) -> list[str]:
        asked.extend(rows.tolist())
        return [f"row {row}" for row in rows]

    grouper = Grouper()
    rows = [{"ts": float(n), "id.orig_h": "10.0.0.1"} for n in range(5)]
    scores = make_scores(("scan",), [[0.1], [0.2], [0.9], [0.9], [0.3]])
    verdicts = np.array([-1, 0, 0, 0, 0], np.int32)
    grouper.add(make_batch(rows), scores, verdicts, ["x.log"], evidence)
    assert asked == [2]
    (alert,) = grouper.close_all()
    assert alert.evidence == "row 2"
    assert alert.count == 4


def test_times_that_are_none_do_not_stop_the_run(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    rows = [{"ts": ts} for ts in (None, math.nan, math.inf, -math.inf, -5.0, 1e300)]
    grouper = Grouper()
    scores = make_scores(("scan",), [[0.5]] * len(rows))
    grouper.add(make_batch(rows), scores, np.zeros(len(rows), np.int32), ["x.log"])
    assert sum(alert.count for alert in grouper.close_all()) == len(rows)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        Grouper(window_seconds=0)
    with pytest.raises(ValueError, match="max_groups"):
        Grouper(max_groups=0)


def test_an_alert_on_every_record_has_the_id_of_its_record(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    def ids(rows: list[dict[str, Any]], name: str) -> list[str]:
        scores = make_scores(("scan",), [[0.5]] * len(rows))
        found = detections(make_batch(rows), scores, np.zeros(len(rows), np.int32), [name])
        return [single(detection).alert_id for detection in found]

    known = [{"ts": 1.0, "uid": "C1"}, {"ts": 1.0, "uid": "C2"}]
    assert ids(known, "conn.log") == ids(known, "2026-01-01/conn.log.gz")
    assert len(set(ids(known, "conn.log"))) == 2
    nameless = [{"ts": 1.0}, {"ts": 1.0}]
    assert len(set(ids(nameless, "conn.log"))) == 2


def test_a_flood_of_one_source_costs_no_object_for_each_record(
    make_batch: MakeBatch, make_scores: MakeScores, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[int] = []
    rows_of = pl.DataFrame.rows

    def counting(frame: pl.DataFrame) -> Any:
        built.append(frame.height)
        return rows_of(frame)

    monkeypatch.setattr(pl.DataFrame, "rows", counting)
    rows = [{"ts": 1.0 + n, "id.orig_h": "10.0.0.1"} for n in range(2000)]
    grouper = Grouper()
    scores = make_scores(("scan",), [[0.5]] * len(rows))
    for _ in range(3):
        grouper.add(make_batch(rows), scores, np.zeros(len(rows), np.int32), ["x.log"])
    assert sum(built) == 1
    assert grouper.close_all()[0].count == 6000


@settings(deadline=None)
@given(
    rows=ROWS,
    cuts=st.lists(st.integers(1, 39), max_size=6),
    per_day=st.integers(0, 3),
    room=st.sampled_from([2, 5, 100]),
)
def test_what_the_budget_is_sure_to_hold_back_is_counted_and_changes_no_alert(
    make_batch: MakeBatch,
    make_scores: MakeScores,
    rows: list[Any],
    cuts: list[int],
    per_day: int,
    room: int,
) -> None:
    batch = make_batch(rows)
    scores = make_scores(FAMILIES, [[r["score"]] * 2 for r in rows], [r["p"] for r in rows])
    verdicts = np.array([r["verdict"] for r in rows], np.int32)
    edges = sorted({0, len(rows), *(c for c in cuts if 0 < c < len(rows))})

    def kept(contenders: Contenders | None) -> Any:
        grouper = Grouper(600.0, room, contenders)
        budget = DailyBudget(per_day, len)
        for start, end in pairwise(edges):
            budget.add(grouper.add(*cut(batch, scores, verdicts, start, end), ["conn.log"]))
        budget.add(grouper.close_all())
        budget.hold_back(grouper.held_back)
        return *budget.take(), grouper.closed_early

    assert kept(Contenders(per_day, 600.0, {UNKNOWN_FAMILY})) == kept(None)
    assert kept(Contenders(per_day, 600.0, set())) == kept(None)


def test_of_a_flood_only_what_may_be_shown_is_kept(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    rows = [{"ts": 1.0, "id.orig_h": f"10.0.0.{n}", "score": 1 - n / 1000} for n in range(250)]
    scores = make_scores(FAMILIES, [[r["score"], 0.0] for r in rows], [0.5] * len(rows))
    grouper = Grouper(contenders=Contenders(10, 3600.0, set()))
    asked: list[int] = []

    def evidence(places: Any) -> list[None]:
        asked.append(len(places))
        return [None] * len(places)

    verdicts = np.zeros(len(rows), np.int32)
    grouper.add(make_batch(rows), scores, verdicts, ["conn.log"], evidence)
    assert asked == [10]
    assert len(grouper.close_all()) == 10
    assert grouper.held_back == {"scan": 240}
