"""Lines reach a listener at least once, over restarts of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enricher.errors import OutputError
from enricher.sinks import UnixSocketSink

Listen = Callable[..., Any]


def test_a_listener_that_goes_away_gets_what_it_missed(listen: Listen) -> None:
    listener = listen(1_500, 40_000)
    lines = [b"%06d" % n + b"x" * 93 for n in range(5_000)]
    with UnixSocketSink(listener.path, backoff_seconds=0.01, queue_bytes=20_000) as sink:
        for line in lines:
            sink.write(line)
    assert len(listener.connections) == 3
    assert set(lines) <= set(listener.lines())


def test_without_a_listener_the_wait_doubles_and_then_it_is_told(tmp_path: Path) -> None:
    waits: list[float] = []
    with pytest.raises(OutputError, match="Start the program that listens"):
        UnixSocketSink(tmp_path / "none.sock", attempts=4, backoff_seconds=0.5, sleep=waits.append)
    assert waits == [0.5, 1.0, 2.0]


def test_a_listener_that_comes_late_is_waited_for(tmp_path: Path, listen: Listen) -> None:
    started: list[Any] = []

    def start_instead_of_sleeping(seconds: float) -> None:
        if not started:
            assert seconds > 0
            started.append(listen())

    path = tmp_path / "eve.sock"
    sink = UnixSocketSink(path, sleep=start_instead_of_sleeping)
    sink.write(b"one")
    sink.close()
    assert started


def test_a_listener_that_is_gone_for_good_is_told_and_closing_is_safe(listen: Listen) -> None:
    listener = listen(10)
    sink = UnixSocketSink(listener.path, attempts=2, backoff_seconds=0.0)
    sink.write(b"x" * 100)
    listener.stop()
    with pytest.raises(OutputError, match=r"eve\.sock"):
        sink.flush()
    sink.close()
    with pytest.raises(OutputError, match="closed"):
        sink.write(b"more")


def test_a_listener_that_never_reads_is_told(tmp_path: Path) -> None:
    path = tmp_path / "deaf.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        sink = UnixSocketSink(path, timeout_seconds=0.05)
        sink.write(b"one")
        with pytest.raises(OutputError, match="has not read"):
            sink.flush()
        sink.close()


def test_a_listener_that_goes_away_every_time_is_told(listen: Listen) -> None:
    listener = listen(10, 10, 10, 10)
    sink = UnixSocketSink(listener.path, attempts=3, backoff_seconds=0.0)
    sink.write(b"x" * 1_000_000)
    with pytest.raises(OutputError, match="goes away each time"):
        sink.flush()
    sink.close()


def test_a_file_that_is_no_socket_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(OutputError, match="can not connect"):
        UnixSocketSink(path, attempts=1)
