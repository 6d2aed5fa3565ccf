"""Outputs are named as the user names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enricher.errors import OutputError
from enricher.sinks import FileSink, StreamSink, UnixSocketSink, open_sink


def test_a_path_is_a_file_that_gets_its_name_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    sink = open_sink(str(path))
    assert isinstance(sink, FileSink)
    assert not path.exists()
    sink.close()
    assert path.exists()


def test_a_path_can_be_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_bytes(b"one\n")
    with open_sink(str(path), append=True) as sink:
        sink.write(b"two")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_dash_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with open_sink("-") as sink:
        assert isinstance(sink, StreamSink)
        sink.write(b"one")
    assert capfdbinary.readouterr().out == b"one\n"


@pytest.mark.parametrize("form", ["unix:{}", "unix://{}"])
def test_unix_is_a_socket(listen: Callable[..., Any], form: str) -> None:
    listener = listen()
    with open_sink(form.format(listener.path)) as sink:
        assert isinstance(sink, UnixSocketSink)
        sink.write(b"one")
    assert listener.lines() == [b"one"]


@pytest.mark.parametrize("target", ["", "unix:", "unix://"])
def test_a_target_that_says_nothing_is_refused(target: str) -> None:
    with pytest.raises(OutputError, match="path"):
        open_sink(target)
