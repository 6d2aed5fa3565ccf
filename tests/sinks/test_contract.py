"""What every output promises; a new one is added to ``OUTPUTS``."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.errors import OutputError
from enricher.sinks import FileSink, Sink, StreamSink, UnixSocketSink

OUTPUTS = ("atomic file", "appended file", "named pipe", "stream", "socket")


@dataclass
class Output:
    """A fresh sink, and what has come out of it."""

    sink: Sink
    received: Callable[[], bytes]
    flush_shows: bool = True


@pytest.fixture(params=OUTPUTS)
def output(
    request: pytest.FixtureRequest, tmp_path: Path, listen: Callable[..., Any]
) -> Iterator[Output]:
    path = tmp_path / "eve.json"
    if request.param == "atomic file":
        sink = FileSink(path)
        yield Output(sink, lambda: path.read_bytes() if path.exists() else b"", flush_shows=False)
    elif request.param == "appended file":
        yield Output(FileSink(path, atomic=False), path.read_bytes)
    elif request.param == "named pipe":
        os.mkfifo(path)
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        got = bytearray()

        def drain() -> bytes:
            while data := _read(reading):
                got.extend(data)
            return bytes(got)

        yield Output(FileSink(path), drain)
        os.close(reading)
    elif request.param == "stream":
        stream = io.BytesIO()
        yield Output(StreamSink(stream), stream.getvalue)
    else:
        listener = listen()
        yield Output(UnixSocketSink(listener.path), lambda: b"".join(listener.connections))


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65_536)
    except BlockingIOError:
        return b""


def settled(output: Output, expected: bytes) -> bool:
    """Whether what came out is as expected; a listener may still be copying what it read."""
    for _ in range(2_000):
        if output.received() == expected:
            return True
        os.sched_yield()
    return False


def test_lines_come_out_whole_and_in_order(output: Output) -> None:
    lines = [b'{"n":%d}' % n for n in range(1000)]
    for line in lines:
        output.sink.write(line)
    output.sink.close()
    assert settled(output, b"".join(line + b"\n" for line in lines))


def test_after_a_flush_the_lines_are_there(output: Output) -> None:
    output.sink.write(b"one")
    output.sink.flush()
    if output.flush_shows:
        assert settled(output, b"one\n")
    output.sink.write(b"two")
    output.sink.flush()
    output.sink.flush()
    output.sink.close()
    assert settled(output, b"one\ntwo\n")


def test_closing_twice_is_closing_once(output: Output) -> None:
    output.sink.write(b"one")
    output.sink.close()
    output.sink.close()
    assert settled(output, b"one\n")


def test_flushing_what_is_closed_does_nothing(output: Output) -> None:
    output.sink.close()
    output.sink.flush()
    assert output.received() == b""


def test_writing_to_what_is_closed_is_an_error(output: Output) -> None:
    output.sink.close()
    with pytest.raises(OutputError, match="closed"):
        output.sink.write(b"late")
    assert output.received() == b""


def test_no_lines_are_an_empty_output(output: Output) -> None:
    with output.sink:
        pass
    assert output.received() == b""


def test_leaving_the_context_brings_the_lines_out(output: Output) -> None:
    with output.sink as sink:
        assert sink is output.sink
        sink.write(b"one")
    assert settled(output, b"one\n")


def test_a_line_break_inside_a_line_is_refused(output: Output) -> None:
    with pytest.raises(OutputError, match="line break"):
        output.sink.write(b"one\ntwo")
    output.sink.close()
    assert output.received() == b""


def test_a_line_larger_than_the_buffer_comes_out(output: Output, tmp_path: Path) -> None:
    size = 50_000 if (tmp_path / "eve.json").is_fifo() else 3_000_000  # a pipe holds 64 KiB
    output.sink.write(b"x" * size)
    output.sink.close()
    assert settled(output, b"x" * size + b"\n")


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30),
    flushes=st.sets(st.integers(0, 29)),
    limit=st.integers(1, 200),
)
def test_buffers_of_any_size_change_nothing(
    tmp_path: Path, lines: list[bytes], flushes: set[int], limit: int
) -> None:
    path, stream = tmp_path / "any.json", io.BytesIO()
    path.unlink(missing_ok=True)
    sinks: list[Sink] = [
        FileSink(path, buffer_bytes=limit),
        StreamSink(stream, buffer_bytes=limit),
    ]
    for sink in sinks:
        for number, line in enumerate(lines):
            sink.write(line)
            if number in flushes:
                sink.flush()
        sink.close()
    assert path.read_bytes() == stream.getvalue() == b"".join(line + b"\n" for line in lines)
