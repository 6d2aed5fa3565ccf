"""Progress shows how far the work is and never gets in the way of it."""

from __future__ import annotations

import io

import pytest

from enricher.report.progress import progress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_pipe_gets_a_line_every_tenth_of_the_way() -> None:
    stream, clock = io.StringIO(), Clock()
    with progress(1_000_000, stream=stream, clock=clock) as work:
        for _ in range(100):
            clock.now += 0.5
            work.advance(10_000, 50)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == (
        "scan: 100.0 kB of 1.0 MB (10%), 500 records, 100 records/s, about 45 s left"
    )


def test_slow_work_gets_a_line_every_ten_seconds() -> None:
    stream, clock = io.StringIO(), Clock()
    with progress(10**12, stream=stream, clock=clock) as work:
        for _ in range(35):
            clock.now += 1.0
            work.advance(10, 1)
    assert len(stream.getvalue().splitlines()) == 3


def test_fast_work_does_not_flood_the_pipe() -> None:
    stream, clock = io.StringIO(), Clock()
    with progress(100, stream=stream, clock=clock) as work:
        for _ in range(100):
            clock.now += 0.001
            work.advance(1, 1)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("total", [None, 0])
def test_an_unknown_total_is_no_obstacle(total: int | None) -> None:
    stream, clock = io.StringIO(), Clock()
    with progress(total, stream=stream, clock=clock) as work:
        clock.now += 20.0
        work.advance(5_000_000, 40)
    assert stream.getvalue() == "scan: 5.0 MB, 40 records, 2 records/s\n"


def test_messages_from_logs_are_made_safe() -> None:
    stream = io.StringIO()
    with progress(10, stream=stream) as work:
        work.say("bad \x1b]0;x\x07 [bold]line[/bold]")
    assert stream.getvalue() == "scan: bad \\x1b]0;x\\x07 [bold]line[/bold]\n"


def test_quiet_shows_nothing() -> None:
    stream = io.StringIO()
    with progress(10, quiet=True, stream=stream) as work:
        work.advance(10, 10)
        work.say("hello")
    assert stream.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress(100, stream=stream) as work:
        work.advance(60, 1000)
        work.say("\x1b]0;x\x07red")
        work.advance(40, 1000)
    shown = stream.getvalue()
    assert "━" in shown
    assert "100%" in shown
    assert "\\x1b]0;x\\x07red" in shown
    assert "\x1b]" not in shown
    assert shown.endswith("\x1b[2K"), "the bar's line is erased"


def test_an_error_of_the_work_passes_through() -> None:
    def work() -> None:
        with progress(10, stream=io.StringIO()) as shown:
            shown.advance(1)
            raise KeyError("broken")

    with pytest.raises(KeyError):
        work()
