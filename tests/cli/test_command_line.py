"""The command line as its user meets it: help, exit status, messages, kills, full disks."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from enricher.cli.main import COMMANDS
from enricher.simulate import generate

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "enricher.cli.main"]


def enricher(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "logs"
    generate(folder, seed=5, hours=1, hosts=6)
    return folder


def test_help_lists_every_command() -> None:
    done = enricher("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    done = enricher(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


@pytest.mark.parametrize("name", ["scan", "run", "calibrate", "adapt", "families", "rules"])
def test_a_command_explains_itself_without_what_it_works_with(name: str) -> None:
    code = (
        "import sys; from enricher.cli.main import group; "
        "group(sys.argv[1:], standalone_mode=False); "
        "heavy = ('torch', 'numba', 'polars', 'numpy', 'matplotlib', 'pydantic', 'yaml'); "
        "print([x for x in heavy if x in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name, "--help"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [("no-such-command",), ("scan",), ("scan", "x", "--calibrate-first", "120%", "--out", "y")],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...]) -> None:
    done = enricher(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_scan_ends_with_status_0_and_says_what_it_found(logs: Path, tmp_path: Path) -> None:
    done = enricher("scan", logs, "--out", tmp_path / "out", "--state", tmp_path / "state")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "eve.json" in done.stdout
    summary = json.loads((tmp_path / "out" / "summary.json").read_bytes())
    read = summary["totals"]["read"]
    assert read == summary["totals"]["scored"] + summary["totals"]["dropped"]
    assert f"{read:,}" in done.stdout


def test_json_for_programs_is_the_summary(logs: Path, tmp_path: Path) -> None:
    done = enricher(
        "scan", logs, "--out", tmp_path / "out", "--state", tmp_path / "state", "--json"
    )
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert done.stderr == ""


def test_alerts_can_go_to_standard_output(logs: Path, tmp_path: Path) -> None:
    done = enricher(
        "scan", logs, "--out", tmp_path / "out", "--state", tmp_path / "state",
        "--set", "outputs.eve=-",
    )  # fmt: skip
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines
    assert all(json.loads(line)["event_type"] == "alert" for line in lines)
    assert "scored records" in done.stderr


def test_alerts_can_go_to_a_socket(logs: Path, tmp_path: Path) -> None:
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "eve.sock"))
        listener.listen()

        def receive() -> None:
            with listener.accept()[0] as peer:
                while piece := peer.recv(65_536):
                    received.append(piece)

        thread = threading.Thread(target=receive)
        thread.start()
        done = enricher(
            "scan", logs, "--out", tmp_path / "out", "--state", tmp_path / "state",
            "--set", f"outputs.eve=unix:{tmp_path / 'eve.sock'}",
        )  # fmt: skip
        thread.join(timeout=30)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in b"".join(received).splitlines()]
    summary = json.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert len(events) == summary["totals"]["alerts_written"] > 0


def test_a_missing_log_is_status_1_and_one_line(tmp_path: Path) -> None:
    done = enricher("scan", tmp_path / "no\x1b[2J", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith("enricher: ")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_a_broken_archive_is_status_1_but_the_rest_is_there(logs: Path, tmp_path: Path) -> None:
    broken = tmp_path / "logs"
    broken.mkdir()
    (broken / "conn.log").write_bytes((logs / "conn.log").read_bytes())
    whole = gzip.compress((logs / "dns.log").read_bytes())
    (broken / "dns.log.gz").write_bytes(whole[:-200])
    done = enricher("scan", broken, "--out", tmp_path / "out", "--state", tmp_path / "state")
    assert done.returncode == 1
    # A long path is folded where the line ends.
    assert "dns.log.gz" in "".join(done.stdout.split())
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "out" / "summary.json").read_bytes())["totals"]["scored"] > 0


def test_cuda_where_there_is_none_is_a_clear_error(logs: Path, tmp_path: Path) -> None:
    done = enricher(
        "scan", logs, "--out", tmp_path, "--device", "cuda",
        environment={"CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 1
    assert "--device auto" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_scan_leaves_nothing_that_looks_whole(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    big = tmp_path / "conn.log"
    text = (logs / "conn.log").read_bytes()
    big.write_bytes(text * max(1, 60_000_000 // len(text)))
    child = subprocess.Popen(
        [*COMMAND, "scan", str(big), "--out", str(out), "--state", str(tmp_path / "state")],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(out.glob(".eve.json.*")):
        assert time.monotonic() < deadline, "the scan never began to write"
        assert child.poll() is None, "the scan ended before it could be killed"
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert [path.name for path in out.iterdir() if not path.name.startswith(".")] == []


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half_written(
    logs: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        done = enricher(
            "scan", logs, "--out", disk / "out", "--state", tmp_path / "state", "--scores"
        )
        left = [path.name for path in (disk / "out").iterdir()]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert done.returncode == 1
    assert "room" in done.stderr
    assert "Traceback" not in done.stderr
    assert "scores.parquet" not in left
    assert not any(name.startswith(".") for name in left), left


def test_a_line_of_100_mb_is_rejected_in_bounded_memory(logs: Path, tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    content = (logs / "conn.log").read_bytes()
    with path.open("wb") as out:
        out.write(content)
        for _ in range(100):
            out.write(b"y" * 1_000_000)
        out.write(b"\n")
    code = (
        "import resource, sys; from enricher.cli.main import main\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    peaks = []
    for log in (logs / "conn.log", path):
        done = subprocess.run(
            [sys.executable, "-c", code, "scan", str(log), "--out", str(tmp_path / "out"),
             "--state", str(tmp_path / "state"), "--quiet"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks.append(int(done.stderr.split()[-1]))
    rows = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    assert [json.loads(row)["reason"] for row in rows] == ["line_too_long"]
    assert peaks[1] - peaks[0] < 80_000  # KiB; the line alone has 97,656


def test_a_scan_leaves_the_alert_file_of_the_service_alone(logs: Path, tmp_path: Path) -> None:
    alerts, config = tmp_path / "alerts.json", tmp_path / "enricher.yaml"
    alerts.write_bytes(b"what the service wrote\n")
    config.write_text(f"state: {tmp_path / 'state'}\noutputs: {{eve: {alerts}}}\n")
    done = enricher("scan", logs, "--out", tmp_path / "out", "-c", config)
    assert done.returncode == 0, done.stderr
    assert alerts.read_bytes() == b"what the service wrote\n"
    assert (tmp_path / "out" / "eve.json").read_bytes()


def test_settings_that_cannot_be_used_are_wrong_usage(tmp_path: Path) -> None:
    config = tmp_path / "enricher.yaml"
    config.write_text("alertz: {}\n")
    assert enricher("run", "-c", config).returncode == 2
    config.write_text(f"inputs: [{{path: {tmp_path}}}]\nstate: {tmp_path / 'state'}\n")
    done = enricher("run", "-c", config)
    assert done.returncode == 2
    assert "outputs.eve" in done.stderr
