"""The real fever takes our lines over its socket and passes them on unchanged."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from enricher.alerts import Alert, EventOptions, family_label, render, to_event
from enricher.logs import Kind
from enricher.sinks import UnixSocketSink

MakeAlert = Callable[..., Alert]
PATIENCE_SECONDS = 30.0


@dataclass
class Fever:
    """A running fever: where it listens, what it forwards, what it says."""

    path: Path
    forwarded: socket.socket
    log: Path


@pytest.fixture
def fever(tmp_path: Path) -> Iterator[Fever]:
    program = shutil.which("fever")
    if program is None:
        pytest.skip("fever is not installed (Debian package 'fever')")
    outgoing, log = tmp_path / "out.sock", tmp_path / "fever.log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(outgoing))
        server.listen()
        server.settimeout(PATIENCE_SECONDS)
        command: list[str | Path] = [
            program, "run", "--in-socket", tmp_path / "in.sock", "--out-socket", outgoing,
            "--mgmt-socket", tmp_path / "mgmt.sock", "--logfile", log, "--verbose", "--dummy",
            "--flushtime", "1s", "--in-buffer-drop=false", "--config", tmp_path / "none.yaml",
        ]  # fmt: skip
        with (
            (tmp_path / "console").open("wb") as console,
            subprocess.Popen(command, stdout=console, stderr=console, cwd=tmp_path) as process,
        ):
            try:
                connection, _ = server.accept()
                connection.settimeout(PATIENCE_SECONDS)
                with connection:
                    yield Fever(tmp_path / "in.sock", connection, log)
            finally:
                process.terminate()


def lines_of(make_alert: MakeAlert) -> list[bytes]:
    ends = {"id.orig_h": "10.0.0.1", "id.resp_h": "10.0.0.2", "id.orig_p": 5, "id.resp_p": 6}
    hard = "</script>\n\r\x1b[2J\x9b\u2028'\"\\ %s é \0"
    records: dict[Kind, dict[str, Any]] = {
        "conn": {**ends, "proto": "tcp", "service": "ssl", "orig_pkts": 3},
        "http": {**ends, "uri": hard * 500, "host": hard, "status_code": 200, "method": "GET"},
        "dns": {**ends, "query": hard, "answers": [hard], "proto": "udp", "trans_id": 7},
        "ssl": {"id.orig_h": "fe80::1", "id.resp_h": "-", "server_name": hard},
    }
    return [
        render(to_event(make_alert(record, kind), family_label(family), EventOptions(version)))
        for kind, record in records.items()
        for family in ("dns-tunnel-x", "unknown")
        for version in (7, 8)
    ]


def forwarded(connection: socket.socket, line: bytes, send: Callable[[], None]) -> bool:
    """Whether fever passes the line on.

    Its forwarder drops what comes while it is busy, by design, so the line is sent again then.
    """
    data, end = b"", time.monotonic() + PATIENCE_SECONDS
    connection.settimeout(0.3)
    while time.monotonic() < end:
        send()
        try:
            while not data.endswith(b"\n"):
                data += connection.recv(65_536)
        except TimeoutError:
            continue
        # An earlier line that was sent twice may come first.
        if json.loads(data.splitlines()[-1]) == json.loads(line):
            return True
        data = b""
    return False


def wait_for(log: Path, text: str) -> str:
    end = time.monotonic() + PATIENCE_SECONDS
    while text not in log.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    return log.read_text()


def test_fever_takes_and_forwards_every_alert(fever: Fever, make_alert: MakeAlert) -> None:
    with UnixSocketSink(fever.path, attempts=8) as sink:
        for line in lines_of(make_alert):

            def send(line: bytes = line) -> None:
                sink.write(line)
                sink.flush()

            assert forwarded(fever.forwarded, line, send)


def test_fever_takes_a_file_in_one_go_without_complaint(
    fever: Fever, make_alert: MakeAlert
) -> None:
    lines = lines_of(make_alert) * 50
    with UnixSocketSink(fever.path, attempts=8) as sink:
        for line in lines:
            sink.write(line)
    said = wait_for(fever.log, "connection handled")
    assert f"size={sum(len(line) for line in lines)}" in said
    for word in ("level=error", "level=warning", "panic"):
        assert word not in said


def test_fever_does_complain_of_what_is_no_event(fever: Fever) -> None:
    """So that the silence in the other test means something."""
    with UnixSocketSink(fever.path, attempts=8) as sink:
        sink.write(b'{"timestamp":"yesterday","event_type":"alert","src_port":"x"}')
    assert "level=warning" in wait_for(fever.log, "level=warning")
