"""The terminal summary reads well, everywhere, and nothing of a log acts in it."""

from __future__ import annotations

import io
import os
import pty
import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from enricher.report.advice import next_steps
from enricher.report.collect import Collector
from enricher.report.console import make_console
from enricher.report.parts import CalibrationInfo, Drift, Inputs
from enricher.report.summary import ScanSummary
from enricher.report.terminal import print_summary

MakeSummary = Callable[..., ScanSummary]
# What our own colours are made of: select graphic rendition, nothing else.
OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def printed(summary: ScanSummary, width: int | None = None, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    print_summary(summary, make_console(stream, width))
    return raw.getvalue().decode(encoding)


def printed_on_terminal(summary: ScanSummary) -> str:
    """What reaches a terminal of 80 columns."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        console = make_console(stream, width=80)
        with console.capture() as capture:
            print_summary(summary, console)
    os.close(master)
    return capture.get()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def assert_harmless(text: str) -> None:
    assert all(char.isprintable() or char == "\n" for char in text), "a control character got out"


def test_the_most_severe_alert_comes_first(make_summary: MakeSummary) -> None:
    text = printed(make_summary())
    lines = text.splitlines()
    assert lines[0] == "42 alerts from 24 sources in 1,271,183 scored records."
    levels = [line.split()[0] for line in lines if re.match(r"(high|medium|low) ", line)]
    assert levels == sorted(levels, key=["high", "medium", "low"].index)
    assert len(levels) == 15
    assert "and 27 further alerts in the report" in text


def test_the_accounting_is_printed(make_summary: MakeSummary) -> None:
    text = printed(make_summary())
    assert re.search(r"conn +812,004 +811,967 +37 +270 +808,945 +2,932 +90", text)
    assert "read = scored + dropped" in text
    assert "event:stats 1,290" in text


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(make_summary: MakeSummary, width: int) -> None:
    lines = printed(make_summary(), width).splitlines()
    wide = [line for line in lines if cell_len(line.rstrip()) > max(width, 78)]
    assert wide == []


def test_a_pipe_gets_eighty_columns_unless_it_says_otherwise(
    make_summary: MakeSummary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    narrow = printed(make_summary())
    assert max(cell_len(line.rstrip()) for line in narrow.splitlines()) <= 80
    monkeypatch.setenv("COLUMNS", "140")
    assert len(printed(make_summary()).splitlines()) < len(narrow.splitlines())


def test_a_pipe_gets_no_escape_codes(make_hostile_summary: MakeSummary) -> None:
    assert_harmless(printed(make_hostile_summary()))


def test_a_terminal_gets_our_colours_and_no_other_codes(make_hostile_summary: MakeSummary) -> None:
    text = printed_on_terminal(make_hostile_summary())
    assert OUR_COLOURS.search(text)
    assert_harmless(OUR_COLOURS.sub("", text))


def test_no_color_is_respected(make_summary: MakeSummary, monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
    assert coloured.search(printed_on_terminal(make_summary()))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured.search(printed_on_terminal(make_summary()))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(st.characters(), max_size=120), min_size=1, max_size=8))
def test_whatever_stands_in_a_log_is_only_text(
    make_hostile_summary: MakeSummary, texts: list[str]
) -> None:
    assert_harmless(printed(make_hostile_summary(texts, alerts=3)))


def test_markup_in_a_log_stays_text(make_hostile_summary: MakeSummary) -> None:
    text = printed(make_hostile_summary(["[bold]x[/bold] [/nothing] :smile:"]), width=200)
    assert "[bold]x[/bold] [/nothing] :smile:" in text


def test_a_stream_that_knows_only_ascii_still_gets_everything(
    make_hostile_summary: MakeSummary,
) -> None:
    assert_harmless(printed(make_hostile_summary(), encoding="ascii"))


def test_an_empty_scan_says_what_to_check(make_summary: MakeSummary) -> None:
    summary = make_summary()
    summary.kinds, summary.alert_rows, summary.inputs = {}, [], Inputs()
    summary.alerts.written = {}
    text = printed(summary)
    assert "No records were read." in text
    assert "enricher doctor PATH" in text


def test_a_quiet_calibrated_scan_asks_for_nothing(make_summary: MakeSummary) -> None:
    summary = make_summary(alerts=0)
    summary.calibration = CalibrationInfo("site")
    summary.inputs.failed_total = 0
    summary.alerts.held_back = {}
    for account in summary.kinds.values():
        account.scored += account.dropped_total
        account.benign += account.dropped_total
        account.dropped = {}
    assert summary.balance() == []
    assert next_steps(summary) == []
    assert "No alerts in 1,272,641 scored records." in printed(summary)


def test_an_account_that_does_not_add_up_is_said_aloud(make_summary: MakeSummary) -> None:
    summary = make_summary()
    summary.kinds["conn"].read += 1
    text = printed(summary, width=200)
    assert "does not add up" in text
    assert "812005 records were read" in text
    assert "read = scored + dropped" not in text


def test_drift_and_what_is_put_down_to_chance_are_said(
    make_collector: Callable[..., Collector], make_summary: MakeSummary
) -> None:
    collector = make_collector()
    collector.add_drift("dns", Drift(800, 7.25, since=1_767_225_600.0))
    summary = make_summary()
    summary.notes = collector.notes
    summary.alerts.within_chance = 1
    text = " ".join(printed(summary, width=100).split())
    assert "warning: drift: the benign traffic of dns no longer looks like" in text
    assert "1 group of unknown records made no alert" in text
