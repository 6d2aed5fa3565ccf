"""Whatever a status says, what is shown of it is bounded and does nothing to the terminal."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.report.console import make_console
from enricher.report.status import print_status, status_json
from enricher.report.status_parts import (
    FileLag,
    KindCounts,
    KindDrift,
    Said,
    ServiceStatus,
    Totals,
)

texts = st.text(max_size=30)
numbers = st.integers(0, 2**53)
seconds = st.floats(-1e12, 1e12)
counts = st.dictionaries(texts, numbers, max_size=12)


@st.composite
def statuses(draw: st.DrawFn) -> ServiceStatus:
    lags = st.builds(FileLag, path=texts, kind=texts, bytes=numbers)
    drift = st.builds(KindDrift, records=numbers, ln_capital=st.none(), since=seconds | st.none())
    kinds = st.builds(KindCounts, read=numbers, scored=numbers, dropped=counts, repaired=counts)
    said = Said(
        pid=draw(st.integers(1, 2**31 - 1)),
        started=draw(seconds),
        updated=draw(seconds),
        records_per_second=draw(st.dictionaries(texts, st.floats(0, 1e9), max_size=3)),
        lags=draw(st.lists(lags, max_size=30)),
        lag_bytes=draw(st.none() | numbers),
        flow_time=draw(st.none() | seconds),
        drift=draw(st.dictionaries(texts, drift, max_size=20)),
        waiting_for=draw(st.none() | texts),
        families=draw(st.lists(texts, max_size=20)),
        model=draw(texts),
        stopped=draw(st.booleans()),
    )
    totals = Totals(
        kinds=draw(st.dictionaries(texts, kinds, max_size=20)),
        alerts=draw(counts), held_back=draw(counts), suppressed=draw(counts), late=draw(counts),
        within_chance=draw(numbers), closed_early=draw(numbers),
    )  # fmt: skip
    return ServiceStatus(
        said=said, totals=totals, running=draw(st.booleans()), age=draw(st.floats(0, 1e9))
    )


@settings(max_examples=50, deadline=None)
@given(statuses(), seconds)
def test_what_is_shown_is_bounded_and_harmless(status: ServiceStatus, now: float) -> None:
    stream = io.StringIO()
    print_status(Path("/state"), status, now, make_console(stream, 80))
    shown = stream.getvalue()
    assert not {c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs"}} - {"\n"}
    assert shown.count("\n") < 200
    for trouble in status.troubles[:1]:
        assert trouble[:9] in shown


@settings(max_examples=50, deadline=None)
@given(statuses())
def test_programs_get_all_of_it(status: ServiceStatus) -> None:
    plain = json.loads(status_json(Path("/state"), status))
    assert plain["healthy"] == (not status.troubles)
    assert plain["lag_bytes"] >= sum(lag.bytes for lag in status.said.lags)
    for kind, one in status.totals.kinds.items():
        assert plain["accounting"]["kinds"][kind]["balance"] == one.balance
