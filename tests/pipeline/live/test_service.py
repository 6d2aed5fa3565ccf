"""What ``enricher run`` promises whoever operates it."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from enricher.config import Settings, load_settings
from enricher.errors import ConfigError, StateError
from enricher.pipeline.adapting import AdaptRequest, adapt_from_logs
from enricher.pipeline.live.service import Service
from enricher.pipeline.live.status import read_status
from enricher.pipeline.live.stored import read_words
from enricher.report.progress import progress

Accounts = dict[str, dict[str, Any]]


class Deployment:
    """Live logs, a state directory and settings, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.state = folder / "logs", folder / "state"
        self.alerts_file = folder / "eve.json"
        self.logs.mkdir()
        self.changes: list[str] = []
        self.yaml = folder / "enricher.yaml"
        self.write()

    def write(self, *lines: str) -> None:
        """Write the settings file."""
        text = (
            f"inputs: [{{path: '{self.logs}'}}]\n"
            f"state: {self.state}\n"
            f"outputs: {{eve: {self.alerts_file}}}\n"
            "following: {poll_seconds: 0.05}\n"
        )
        self.yaml.write_text(text + "".join(f"{line}\n" for line in lines))

    def settings(self) -> Settings:
        return load_settings(self.yaml, {}, self.changes).settings

    def service(self) -> Service:
        return Service(self.settings)

    def run_once(self) -> None:
        self.service().run(once=True)

    def accounts(self) -> Accounts:
        words = read_words(self.state, ("accounting",)) or {}
        found = words.get("accounting")
        return {} if found is None else found["kinds"]

    def read(self) -> int:
        return sum(int(one["read"]) for one in self.accounts().values())

    def alerts(self) -> list[dict[str, Any]]:
        if not self.alerts_file.exists():
            return []
        return [orjson.loads(line) for line in self.alerts_file.read_bytes().splitlines()]

    def families(self) -> set[str]:
        return {one["alert"]["metadata"]["family"][0] for one in self.alerts()}

    @contextmanager
    def running(self) -> Iterator[Service]:
        """The service at work on a thread; it is stopped as one should."""
        service = self.service()
        thread = threading.Thread(target=service.run)
        thread.start()
        try:
            yield service
        finally:
            service.stop()
            thread.join(60)
            assert not thread.is_alive()


def wait_until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


def parts(log: Path, count: int) -> list[bytes]:
    """A log in so many parts of whole lines, the header in the first."""
    lines = log.read_bytes().splitlines(keepends=True)
    size = len(lines) // count + 1
    return [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]


def test_a_restart_goes_on_where_it_was_and_repeats_nothing(
    deployment: Deployment, site: Path
) -> None:
    first, second = parts(site / "http.log", 2)
    (deployment.logs / "http.log").write_bytes(first)
    deployment.run_once()
    before = deployment.alerts_file.read_bytes()
    assert before
    deployment.run_once()
    assert deployment.alerts_file.read_bytes() == before
    with (deployment.logs / "http.log").open("ab") as file:
        file.write(second)
    deployment.run_once()
    after = deployment.alerts_file.read_bytes()
    assert after.startswith(before)
    account = deployment.accounts()["http"]
    assert (
        account["read"]
        == account["scored"]
        == sum(line[:1] not in {b"#", b""} for line in (first + second).split(b"\n") if line)
    )


def test_a_second_service_on_the_same_state_is_refused(deployment: Deployment) -> None:
    with deployment.running(), pytest.raises(StateError, match=rf"process {os.getpid()}"):
        deployment.service()
    deployment.run_once()


def test_a_family_that_is_adapted_while_it_runs_is_found_within_seconds(
    deployment: Deployment, site: Path, tmp_path: Path
) -> None:
    lines = (site / "http.log").read_bytes().splitlines(keepends=True)
    head = [line for line in lines if line.startswith(b"#") and not line.startswith(b"#close")]
    benign = [line for line in lines if line.endswith(b"\tbenign\n")]
    # What the model takes for ordinary: requests to one host, by its name.
    host = Counter(line.split(b"\t")[8] for line in benign).most_common(1)[0][0]
    family = [line for line in benign if line.split(b"\t")[8] == host]
    ordinary = [line for line in benign if line.split(b"\t")[8] != host]
    assert len(family) > 20
    (deployment.logs / "http.log").write_bytes(b"".join(head + ordinary[:50]))
    (tmp_path / "support.log").write_bytes(b"".join(head + family[:10]))
    (tmp_path / "benign.log").write_bytes(b"".join(head + ordinary))
    with deployment.running():
        wait_until(lambda: deployment.read() == 50)
        adapt_from_logs(
            AdaptRequest(
                "our-own-name", [tmp_path / "support.log"], [tmp_path / "benign.log"], (), None
            ),
            deployment.settings(),
            lambda size, label: progress(size, label=label, quiet=True),
        )
        time.sleep(2.0)
        with (deployment.logs / "http.log").open("ab") as file:
            file.write(b"".join(family[10:]))
        wait_until(lambda: deployment.read() == 50 + len(family) - 10)
    assert "our-own-name" in deployment.accounts()["http"]["verdicts"]
    assert "our-own-name" in deployment.families()


def test_sighup_takes_up_suppressions_and_a_rotated_output_without_losing_a_record(
    deployment: Deployment, site: Path, tmp_path: Path
) -> None:
    first, second = parts(site / "http.log", 2)
    live = deployment.logs / "http.log"
    live.write_bytes(first)
    with deployment.running() as service:
        wait_until(lambda: bool(deployment.alerts()))
        seen = deployment.families()
        rotated = tmp_path / "eve.json.1"
        deployment.alerts_file.rename(rotated)
        deployment.write("suppressions: [{source: 0.0.0.0/0, reason: a test of the sensor}]")
        service.reload()
        wait_until(deployment.alerts_file.exists)
        before = deployment.read()
        with live.open("ab") as file:
            file.write(second)
        wait_until(lambda: deployment.read() > before)
    opened = [
        one for one in deployment.alerts() if one["alert"]["metadata"]["state"] == ["opening"]
    ]
    assert not opened
    assert seen
    words = read_words(deployment.state, ("accounting",))
    assert words is not None
    assert sum(words["accounting"]["suppressed"].values()) > 0
    assert deployment.read() == sum(
        bool(line) and line[:1] != b"#" for line in (first + second).split(b"\n")
    )


def test_a_full_disk_is_waited_for_and_said_and_nothing_is_lost(
    deployment: Deployment, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(site / "http.log", deployment.logs)
    write, full = os.write, [True]

    def limited(fd: int, data: bytes | memoryview) -> int:
        if full[0] and Path(f"/proc/self/fd/{fd}").readlink() == deployment.alerts_file:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr(os, "write", limited)
    with deployment.running():

        def waiting() -> bool:
            words = read_words(deployment.state, ("status",)) or {}
            return "Make room" in str((words.get("status") or {}).get("waiting_for"))

        wait_until(waiting)
        assert not deployment.alerts()
        full[0] = False
        wait_until(lambda: bool(deployment.alerts()))
    account = deployment.accounts()["http"]
    assert account["read"] == account["scored"] > 0


def test_settings_that_make_the_old_state_useless_lose_no_record(
    deployment: Deployment, site: Path
) -> None:
    first, second = parts(site / "conn.log", 2)
    (deployment.logs / "conn.log").write_bytes(first)
    deployment.run_once()
    deployment.changes = ["context.sources=1024", "alerts.window_seconds=600"]
    with (deployment.logs / "conn.log").open("ab") as file:
        file.write(second)
    deployment.run_once()
    account = deployment.accounts()["conn"]
    lines = (first + second).split(b"\n")
    assert (
        account["read"]
        == account["scored"]
        == sum(bool(line) and line[:1] != b"#" for line in lines)
    )


def test_a_log_that_is_gone_before_it_could_be_read_again_stops_nothing(
    deployment: Deployment, site: Path
) -> None:
    shutil.copy(site / "dns.log", deployment.logs)
    service = deployment.service()
    service._round()  # committed, without the snapshot of an orderly end
    service._resources.close()
    (deployment.logs / "dns.log").unlink()
    shutil.copy(site / "http.log", deployment.logs)
    deployment.run_once()
    assert deployment.accounts()["dns"]["scored"] > 0
    assert deployment.accounts()["http"]["scored"] > 0


def test_names_that_are_no_text_are_followed_too(deployment: Deployment, site: Path) -> None:
    name = os.fsdecode(b"conn.\xff\xfe.log")
    shutil.copy(site / "conn.log", deployment.logs / name)
    deployment.run_once()
    assert deployment.accounts()["conn"]["scored"] > 0
    assert deployment.alerts()
    deployment.run_once()


def test_a_damaged_snapshot_or_database_is_said_with_a_remedy(
    deployment: Deployment, site: Path
) -> None:
    shutil.copy(site / "dns.log", deployment.logs)
    deployment.run_once()
    (snapshot,) = (deployment.state / "service").glob("snapshot-*")
    snapshot.write_bytes(snapshot.read_bytes()[:1000])
    with pytest.raises(StateError, match="move the folder 'service'"):
        deployment.service()
    (deployment.state / "service" / "service.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StateError, match="move the folder 'service'"):
        deployment.service()


def test_nothing_to_follow_or_to_write_is_said_at_the_start(tmp_path: Path) -> None:
    def settings(*changes: str) -> Callable[[], Settings]:
        return lambda: load_settings(None, {}, [f"state={tmp_path / 'state'}", *changes]).settings

    with pytest.raises(ConfigError, match=r"outputs\.eve"):
        Service(settings(f"inputs=[{{path: {tmp_path}}}]"))
    with pytest.raises(ConfigError, match="inputs"):
        Service(settings(f"outputs.eve={tmp_path / 'eve.json'}"))


def test_a_replayed_day_gives_the_same_alerts(deployment: Deployment, site: Path) -> None:
    for kind in ("conn", "dns", "http", "ssl"):
        shutil.copy(site / f"{kind}.log", deployment.logs)
    deployment.run_once()
    first = deployment.alerts_file.read_bytes()
    shutil.rmtree(deployment.state)
    deployment.alerts_file.unlink()
    deployment.run_once()
    assert deployment.alerts_file.read_bytes() == first


def test_lines_of_a_socket_survive_a_kill_before_they_were_scored(
    deployment: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "eve.sock"

    def service() -> Service:
        text = f"inputs=[{{path: 'unix:{path}'}}]"
        return Service(lambda: load_settings(deployment.yaml, {}, [text]).settings)

    def events(first: int, end: int) -> bytes:
        return b"".join(
            b'{"timestamp":"2026-01-01T00:00:%02d.000000+0000","event_type":"dns","src_ip":'
            b'"10.0.0.1","dest_ip":"10.0.0.2","proto":"UDP","flow_id":%d,'
            b'"dns":{"type":"query","rrname":"a%d.example.org","rrtype":"A"}}\n' % (n, n, n)
            for n in range(first, end)
        )

    def spooled() -> int:
        return sum(
            file.read_bytes().count(b"\n")
            for file in (deployment.state / "service" / "spool").rglob("*.json")
        )

    killed = service()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sender:
        sender.connect(str(path))
        sender.sendall(events(0, 20))
        wait_until(lambda: spooled() == 20)
        killed._round()
        sender.sendall(events(20, 40))
        wait_until(lambda: spooled() == 40)
    killed._resources.close()  # no orderly end: what came last was not read
    assert deployment.accounts()["dns"]["scored"] == 20
    second = service()
    second.run(once=True)
    assert deployment.accounts()["dns"]["scored"] == 40
    assert deployment.accounts()["dns"]["read"] == 40


def test_an_alert_file_that_is_renamed_without_a_word_is_begun_anew_with_the_next_alert(
    deployment: Deployment, site: Path, tmp_path: Path
) -> None:
    first, second = parts(site / "http.log", 2)
    live = deployment.logs / "http.log"
    live.write_bytes(first)
    with deployment.running():
        wait_until(lambda: bool(deployment.alerts()))
        deployment.alerts_file.rename(tmp_path / "taken")
        with live.open("ab") as file:
            file.write(second)
        wait_until(deployment.alerts_file.exists)
        wait_until(lambda: bool(deployment.alerts()))
    taken = (tmp_path / "taken").read_bytes().splitlines()
    both = taken + deployment.alerts_file.read_bytes().splitlines()
    assert len(set(both)) == len(both)


def test_an_input_that_cannot_be_read_is_told_by_the_status(deployment: Deployment) -> None:
    deployment.logs.rmdir()
    with deployment.running():

        def told() -> list[str]:
            words = read_words(deployment.state, ("status",)) or {}
            return list((words.get("status") or {}).get("unreadable", []))

        wait_until(lambda: bool(told()))
        assert str(deployment.logs) in told()[0]
        status = read_status(deployment.state)
        assert status is not None
        assert any(str(deployment.logs) in trouble for trouble in status.troubles)
        deployment.logs.mkdir()
        wait_until(lambda: not told())
