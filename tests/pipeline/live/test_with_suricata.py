"""Beside a real Suricata: over its socket, and over its file while logrotate is at work."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from enricher.pipeline.live.stored import read_words

CAPTURE = "pcap/tunnel_dnscat2-cname_dnscat2-cname_00001_20230903170247.pcap.gz"
SCORED = {"flow", "http", "dns", "tls"}

pytestmark = pytest.mark.skipif(
    shutil.which("suricata") is None, reason="suricata is not installed (.ci/install-programs)"
)


@pytest.fixture(scope="module")
def capture(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    plain = tmp_path_factory.mktemp("capture") / "capture.pcap"
    with gzip.open(shared_data / CAPTURE) as packed:
        plain.write_bytes(packed.read())
    return plain


def replay(capture: Path, folder: Path, filetype: str, target: Path) -> None:
    """Let Suricata read a capture and write EVE to a file or a socket."""
    folder.mkdir()
    config = folder / "suricata.yaml"
    config.write_text(
        "%YAML 1.1\n---\n"
        "vars: {address-groups: {HOME_NET: any, EXTERNAL_NET: any}}\n"
        "outputs:\n"
        "  - eve-log:\n"
        "      enabled: yes\n"
        f"      filetype: {filetype}\n"
        f"      filename: {target}\n"
        "      community-id: true\n"
        "      types: [alert, {dns: {version: 2}}, http, tls, flow]\n"
    )
    rules = folder / "our.rules"
    rules.write_text(
        'alert dns any any -> any any (msg:"a long name"; dns.query; bsize:>60; sid:1;)\n'
    )
    subprocess.run(
        ["suricata", "-c", config, "-S", rules, "-r", capture, "-l", folder, "-k", "none"],
        check=True,
        capture_output=True,
        timeout=120,
    )


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the service; it is stopped as one should, and has to end well."""
    running: list[subprocess.Popen[bytes]] = []

    def start(place: str) -> subprocess.Popen[bytes]:
        config = tmp_path / "enricher.yaml"
        config.write_text(
            f"inputs: [{{path: '{place}'}}]\n"
            f"state: {tmp_path / 'state'}\n"
            f"outputs: {{eve: {tmp_path / 'alerts.json'},"
            f" enriched: {tmp_path / 'enriched.json'}}}\n"
            "following: {poll_seconds: 0.2, rotated_seconds: 2}\n"
        )
        with (tmp_path / "messages").open("ab") as messages:
            process = subprocess.Popen(
                [sys.executable, "-m", "enricher.cli.main", "run", "-c", config], stderr=messages
            )
        running.append(process)
        return process

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, (tmp_path / "messages").read_text()


def wait_until(done: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)


def read_and_scored(state: Path) -> tuple[int, int]:
    words = read_words(state, ("accounting",)) or {}
    kinds = (words.get("accounting") or {"kinds": {}})["kinds"].values()
    return sum(one["read"] for one in kinds), sum(one["scored"] for one in kinds)


def events(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def families(tmp_path: Path) -> set[str]:
    found = events(tmp_path / "alerts.json")
    return {one["alert"]["metadata"]["family"][0] for one in found}


def test_suricatas_socket_loses_no_event_and_our_alerts_come_out_beside_it(
    tmp_path: Path, capture: Path, service: Callable[..., subprocess.Popen[bytes]]
) -> None:
    socket = tmp_path / "eve.sock"
    service(f"unix:{socket}")
    wait_until(socket.exists)
    replay(capture, tmp_path / "over-socket", "unix_stream", socket)
    replay(capture, tmp_path / "to-file", "regular", tmp_path / "to-file" / "eve.json")
    written = events(tmp_path / "to-file" / "eve.json")
    state = tmp_path / "state"
    wait_until(lambda: read_and_scored(state)[0] >= len(written))
    wanted = sum(one["event_type"] in SCORED for one in written)
    assert read_and_scored(state) == (len(written), wanted)
    wait_until(lambda: "dns-tunnel-dnscat2" in families(tmp_path))


def test_suricatas_own_alerts_come_back_with_the_detectors_view_of_their_flow(
    tmp_path: Path, capture: Path, service: Callable[..., subprocess.Popen[bytes]]
) -> None:
    replay(capture, tmp_path / "to-file", "regular", tmp_path / "to-file" / "eve.json")
    written = events(tmp_path / "to-file" / "eve.json")
    service(str(tmp_path / "to-file" / "eve.json"))
    wait_until(lambda: read_and_scored(tmp_path / "state")[0] == len(written))
    back = events(tmp_path / "enriched.json")
    alerts = [one for one in back if one["event_type"] == "alert"]
    assert len(alerts) == sum(one["event_type"] == "alert" for one in written) > 0
    verdicts = {one["alert"]["metadata"]["enricher_verdict"][0] for one in alerts}
    assert "dns-tunnel-dnscat2" in verdicts
    records = [one for one in back if one["event_type"] in SCORED]
    assert len(records) == sum(one["event_type"] in SCORED for one in written)
    for one in records:
        view = one.pop("enricher")
        assert set(view) == {"verdict", "nearest_family", "score", "p_value"}
    assert records == [one for one in written if one["event_type"] in SCORED]


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed")
@pytest.mark.parametrize("how", ["create", "copytruncate"])
def test_a_file_under_logrotate_loses_no_event(
    tmp_path: Path, capture: Path, service: Callable[..., subprocess.Popen[bytes]], how: str
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    live, state = logs / "eve.json", tmp_path / "state"
    config = tmp_path / "logrotate.conf"
    config.write_text(f"{live} {{\n  rotate 5\n  {how}\n  nocompress\n  missingok\n}}\n")
    config.chmod(0o600)
    service(str(logs))
    total = 0
    for turn in range(3):
        replay(capture, tmp_path / f"run-{turn}", "regular", live)
        total += len(live.read_bytes().splitlines())
        wait_until(lambda: read_and_scored(state)[0] > 0)
        subprocess.run(
            ["logrotate", "-f", "-s", tmp_path / "logrotate.state", config],
            check=True,
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"},
        )
    wait_until(lambda: read_and_scored(state)[0] >= total)
    time.sleep(1.0)
    assert read_and_scored(state)[0] == total
