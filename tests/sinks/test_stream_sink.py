"""Standard output: a reader that goes away is told once, without a traceback at exit."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from enricher.errors import OutputError
from enricher.sinks import StreamSink


def test_a_reader_that_went_away_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stream:
        sink = StreamSink(stream, "the pipe")
        sink.write(b"one")
        with pytest.raises(OutputError, match="the pipe: the program that read it has gone away"):
            sink.flush()
        sink.close()
        with pytest.raises(OutputError, match="closed"):
            sink.write(b"two")


def test_the_stream_stays_open_for_its_owner() -> None:
    stream = BytesIO()
    StreamSink(stream).close()
    stream.write(b"more")
    assert stream.getvalue() == b"more"


def test_a_full_device_is_told() -> None:
    with Path("/dev/full").open("wb", buffering=0) as stream:
        sink = StreamSink(stream)
        sink.write(b"one")
        with pytest.raises(OutputError, match="Write to a file"):
            sink.close()


PROGRAM = """
import sys
from enricher.errors import OutputError
from enricher.sinks import open_sink
sink = open_sink("-")
try:
    for number in range(100_000):
        sink.write(b"line %d" % number)
    sink.close()
except OutputError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


def test_head_on_our_output_ends_the_program_cleanly(project_root: Path) -> None:
    command = f"'{sys.executable}' -c '{PROGRAM}' | head -n 2"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        check=False, capture_output=True, env={**os.environ, "PYTHONPATH": str(project_root)},
        timeout=60,
    )  # fmt: skip
    assert done.stdout == b"line 0\nline 1\n"
    assert done.returncode == 1
    assert b"has gone away" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
