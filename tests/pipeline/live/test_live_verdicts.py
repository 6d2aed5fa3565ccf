"""What a service promises of the files that Zeek reads its verdicts from."""

from __future__ import annotations

import logging
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from enricher.config import Settings, load_settings
from enricher.pipeline.live.database import MAX_ALERTS, Round, ServiceDatabase
from enricher.pipeline.live.service import Service
from enricher.pipeline.live.stored import KeptAlert, read_words
from enricher.pipeline.live.verdicts import LiveVerdicts

FILES = ("verdicts.dat", "intel.dat")


class Site:
    """Live logs, a state directory, settings and the folder that Zeek reads."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.state, self.zeek = (
            folder / "logs",
            folder / "state",
            folder / "for" / "zeek",
        )
        self.eve, self.yaml = folder / "eve.json", folder / "enricher.yaml"
        self.logs.mkdir(parents=True)
        self.changes: list[str] = []
        self.yaml.write_text(
            f"inputs: [{{path: '{self.logs}'}}]\n"
            f"state: {self.state}\n"
            f"outputs: {{eve: {self.eve}, zeek: {self.zeek}}}\n"
            "verdicts: {score: 0.0}\n"
            "following: {poll_seconds: 0.05}\n"
            "service: {round_bytes: 65536}\n"
            "reading: {block_bytes: 65536}\n"
        )

    def settings(self) -> Settings:
        return load_settings(self.yaml, {}, self.changes).settings

    def service(self) -> Service:
        return Service(self.settings)

    def run_once(self) -> None:
        self.service().run(once=True)

    def process(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "enricher.cli.main", "run", "-c", str(self.yaml)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def files(self) -> dict[str, bytes]:
        return {name: (self.zeek / name).read_bytes() for name in FILES}

    def ids(self) -> set[str]:
        """Alerts in the table."""
        rows = (self.zeek / "verdicts.dat").read_text().splitlines()[1:]
        return {row.split("\t")[0] for row in rows}

    def opened(self) -> dict[str, float]:
        """Opening alerts that were written, with their times."""
        events = map(orjson.loads, self.eve.read_bytes().splitlines())
        return {
            event["alert"]["metadata"]["alert_id"][0]: datetime.fromisoformat(
                event["timestamp"]
            ).timestamp()
            for event in events
            if event["alert"]["metadata"]["state"] == ["opening"]
        }

    def read(self) -> int:
        words = read_words(self.state, ("accounting",)) or {}
        return sum(
            one["read"] for one in (words.get("accounting") or {"kinds": {}})["kinds"].values()
        )


@pytest.fixture
def zeek_site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def lines_of(log: Path) -> tuple[list[bytes], list[bytes]]:
    """Header and records of a log."""
    lines = [line for line in log.read_bytes().splitlines(keepends=True) if line[:6] != b"#close"]
    return [one for one in lines if one[:1] == b"#"], [one for one in lines if one[:1] != b"#"]


def later(record: bytes, seconds: float) -> bytes:
    """The record at another time."""
    ts, rest = record.split(b"\t", 1)
    return b"%.6f\t%b" % (float(ts) + seconds, rest)


def wait_until(done: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.02)


def test_every_alert_that_has_not_expired_is_there_for_everybody_to_read(
    zeek_site: Site, site: Path
) -> None:
    before = os.umask(0o027)
    try:
        (zeek_site.logs / "http.log").write_bytes((site / "http.log").read_bytes())
        zeek_site.run_once()
    finally:
        os.umask(before)
    opened = zeek_site.opened()
    words = read_words(zeek_site.state, ("status",))
    assert words is not None
    now = words["status"]["flow_time"] // 60 * 60
    assert zeek_site.ids() == {one for one, ts in opened.items() if ts + 3600 > now}
    assert zeek_site.ids()
    assert len(zeek_site.files()["intel.dat"].splitlines()) > 1
    for name in FILES:
        assert stat.S_IMODE((zeek_site.zeek / name).stat().st_mode) == 0o644
    for folder in (zeek_site.zeek, zeek_site.zeek.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {one.name for one in zeek_site.zeek.iterdir()} == set(FILES)


def test_the_files_are_there_before_there_is_an_alert(zeek_site: Site) -> None:
    zeek_site.run_once()
    assert [data.count(b"\n") for data in zeek_site.files().values()] == [1, 1]


def test_a_service_that_was_killed_writes_byte_for_byte_what_an_uninterrupted_one_does(
    site: Path, tmp_path: Path
) -> None:
    killed, whole = (Site(tmp_path / name) for name in ("killed", "whole"))
    for one in (killed, whole):
        (one.logs / "http.log").write_bytes((site / "http.log").read_bytes())
    process = killed.process()
    try:
        wait_until(lambda: killed.eve.exists() and killed.eve.stat().st_size > 0)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed.run_once()
    whole.run_once()
    assert killed.ids()
    assert killed.files() == whole.files()
    for name in FILES:
        (killed.zeek / name).unlink()
    killed.run_once()
    assert killed.files() == whole.files()


def test_a_kill_between_the_commit_and_the_files_leaves_nothing_out(
    zeek_site: Site, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zeek_site.logs / "http.log").write_bytes((site / "http.log").read_bytes())
    service = zeek_site.service()
    with monkeypatch.context() as patched:
        patched.setattr(LiveVerdicts, "update", _killed)
        with pytest.raises(KeyboardInterrupt):
            service.run(once=True)
    assert zeek_site.opened()
    assert not zeek_site.ids()
    zeek_site.service()._resources.close()
    assert zeek_site.ids()


def _killed(_live: LiveVerdicts, kept: list[KeptAlert], _clock: float | None) -> None:
    if kept:
        raise KeyboardInterrupt


def test_what_has_expired_by_flow_time_goes_although_no_alert_comes(
    zeek_site: Site, site: Path
) -> None:
    head, records = lines_of(site / "http.log")
    live = zeek_site.logs / "http.log"
    live.write_bytes(b"".join(head + records))
    zeek_site.run_once()
    assert zeek_site.ids()
    intel = zeek_site.files()["intel.dat"]
    benign = next(one for one in reversed(records) if one.endswith(b"\tbenign\n"))
    with live.open("ab") as file:
        file.write(later(benign, 2 * 3600))
    zeek_site.run_once()
    assert not zeek_site.ids() - {
        one for one, ts in zeek_site.opened().items() if ts > float(records[-1].split(b"\t")[0])
    }
    assert set(intel.splitlines()) <= set(zeek_site.files()["intel.dat"].splitlines())
    for hours in (10, 18, 26):
        with live.open("ab") as file:
            file.write(later(benign, hours * 3600))
    zeek_site.run_once()
    assert not set(intel.splitlines()[1:]) & set(zeek_site.files()["intel.dat"].splitlines())


def test_what_has_not_changed_is_not_written_again(zeek_site: Site, site: Path) -> None:
    (zeek_site.logs / "http.log").write_bytes((site / "http.log").read_bytes())
    zeek_site.run_once()
    before = [(zeek_site.zeek / name).stat() for name in FILES]
    zeek_site.run_once()
    after = [(zeek_site.zeek / name).stat() for name in FILES]
    assert [(one.st_ino, one.st_mtime_ns) for one in after] == [
        (one.st_ino, one.st_mtime_ns) for one in before
    ]


def test_a_folder_that_can_not_be_written_stops_no_alert_and_is_written_when_it_can(
    zeek_site: Site, site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    head, records = lines_of(site / "http.log")
    half = len(records) // 2
    live = zeek_site.logs / "http.log"
    live.write_bytes(b"".join(head + records[:half]))
    zeek_site.zeek.parent.write_bytes(b"a file where the folder should be")
    service = zeek_site.service()
    with caplog.at_level(logging.WARNING, "enricher"):
        while service._round():
            pass
        assert zeek_site.opened()
        with live.open("ab") as file:
            file.write(b"".join(records[half : half + 100]))
        while service._round():
            pass
    told = [one.getMessage() for one in caplog.records if "verdicts for Zeek" in one.getMessage()]
    assert len(told) == 1
    assert "Not a directory" in told[0]
    assert "give it to the user" in told[0]
    zeek_site.zeek.parent.unlink()
    with live.open("ab") as file:
        file.write(b"".join(records[half + 100 :]))
    while service._round():
        pass
    service._resources.close()
    assert zeek_site.ids()
    assert zeek_site.read() == len(records)


def test_sighup_takes_up_changed_settings(zeek_site: Site, site: Path, tmp_path: Path) -> None:
    (zeek_site.logs / "http.log").write_bytes((site / "http.log").read_bytes())
    service = zeek_site.service()
    while service._round():
        pass
    assert len(zeek_site.files()["intel.dat"].splitlines()) > 2
    zeek_site.changes = ["verdicts.most=1", f"outputs.zeek={tmp_path / 'elsewhere'}"]
    service.reload()
    service._between_rounds()
    service._resources.close()
    zeek_site.zeek = tmp_path / "elsewhere"
    assert [data.count(b"\n") for data in zeek_site.files().values()] == [2, 2]


def event_of(number: int, ts: float) -> KeptAlert:
    """An alert as the database has it."""
    alert_id = f"{number:016x}"
    event = {
        "timestamp": datetime.fromtimestamp(ts).astimezone().isoformat(),
        "event_type": "alert", "src_ip": "10.0.0.1", "dest_ip": "8.8.8.8", "proto": "TCP",
        "src_port": 1, "dest_port": 2,
        "alert": {
            "signature": "ENRICHER x", "severity": 1,
            "metadata": {
                "alert_id": [alert_id], "family": ["scan"], "score": ["0.99"], "p_value": ["0.1"],
            },
        },
    }  # fmt: skip
    return KeptAlert(alert_id, orjson.dumps(event).decode(), None)


def test_the_files_know_what_the_database_keeps_and_no_more(zeek_site: Site) -> None:
    kept = [event_of(number, 1_000_000.0) for number in range(MAX_ALERTS)]
    again_and_more = [*kept[:5], *(event_of(MAX_ALERTS + n, 1_000_000.0) for n in range(5))]
    with ServiceDatabase(zeek_site.state) as database:
        live = LiveVerdicts(database, zeek_site.settings(), ())
        for alerts in (kept, again_and_more):
            database.commit(Round(alerts=list(alerts)))
            live.update(alerts, 1_000_000.0)
        running = zeek_site.files()
        LiveVerdicts(database, zeek_site.settings(), ()).update((), 1_000_000.0)
        assert zeek_site.files() == running
    assert len(zeek_site.ids()) == MAX_ALERTS
    assert f"{4:016x}" not in zeek_site.ids()
    assert f"{MAX_ALERTS + 4:016x}" in zeek_site.ids()


def test_zeek_is_told_no_longer_of_what_an_analyst_has_called_false(zeek_site: Site) -> None:
    with ServiceDatabase(zeek_site.state) as database:
        alerts = [event_of(1, 1000.0), event_of(2, 1001.0)]
        database.commit(Round(alerts=alerts))
        live = LiveVerdicts(database, zeek_site.settings(), ())
        live.update((), 1002.0)
        assert zeek_site.ids() == {f"{1:016x}", f"{2:016x}"}
        live.take_up(zeek_site.settings(), {f"{2:016x}"})
        live.update((), 1002.0)
        assert zeek_site.ids() == {f"{1:016x}"}
        assert b"alert 0000000000000001\t" in zeek_site.files()["intel.dat"]


def test_zeek_can_tell_each_new_file_from_the_one_before(zeek_site: Site) -> None:
    """It looks at the inode and at whole seconds of the time of change."""
    with ServiceDatabase(zeek_site.state) as database:
        live = LiveVerdicts(database, zeek_site.settings(), ())
        seen = []
        for number in range(6):
            live.update([event_of(number, 1000.0 + number)], 1010.0)
            status = (zeek_site.zeek / "verdicts.dat").stat()
            seen.append((status.st_ino, int(status.st_mtime)))
    assert len(set(seen)) == len(seen)


def test_whatever_stands_in_the_place_of_a_file_is_replaced_and_no_link_followed(
    zeek_site: Site, tmp_path: Path
) -> None:
    zeek_site.zeek.mkdir(parents=True)
    (tmp_path / "precious").write_bytes(b"precious")
    (zeek_site.zeek / "verdicts.dat").symlink_to(tmp_path / "precious")
    os.mkfifo(zeek_site.zeek / "intel.dat")
    zeek_site.run_once()
    assert (tmp_path / "precious").read_bytes() == b"precious"
    for name in FILES:
        assert stat.S_ISREG((zeek_site.zeek / name).lstat().st_mode)
