"""A site whose logs are written, rotated and archived while its service is killed.

By hand, for as long as one likes:

    python tests/bench/torture.py FOLDER --source LOGS --kills 200 --rotations 100 --seconds 600
"""

from __future__ import annotations

import argparse
import gzip
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from enricher.pipeline.live.stored import read_words

ROTATIONS = ("rename", "rename_and_compress", "move_away", "copy_and_truncate")
"""How a log is rotated; copytruncate is for logs without a header."""


@dataclass
class Torture:
    """One site.

    Args:
        folder: Everything is below it.
        source: A directory of whole logs that are written anew.
        seed: Of everything that is random.
        kills: So often the service is killed.
        rotations: So often logs are rotated, spread over the writing.
        names: Which of the logs are written.
        snapshot_bytes: How often the service takes a snapshot.
    """

    folder: Path
    source: Path
    seed: int = 0
    kills: int = 5
    rotations: int = 8
    names: tuple[str, ...] = ("conn.log",)
    snapshot_bytes: int = 1 << 20
    written: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - chance, no secret
        self.logs = self.folder / "logs"
        self.archive = self.folder / "archive"
        self.elsewhere = self.folder / "elsewhere"
        for place in (self.logs, self.archive, self.elsewhere):
            place.mkdir(parents=True)
        for name in self.names:
            (self.logs / name).write_bytes(_header((self.source / name).read_bytes()))
        self._moment = 1_767_225_600

    def settings(self, name: str) -> Path:
        """A settings file; its state and its alerts are named after it."""
        path = self.folder / f"{name}.yaml"
        path.write_text(
            f"inputs: [{{path: {self.logs}, archive: {self.archive}}}]\n"
            f"state: {self.folder / name}\n"
            f"outputs: {{eve: {self.folder / name}.json}}\n"
            "alerts: {per_day: 1000}\n"
            "following: {poll_seconds: 0.2, rotated_seconds: 1, archive_seconds: 1}\n"
            "reading: {block_bytes: 65536}\n"
            f"service: {{round_bytes: 262144, snapshot_bytes: {self.snapshot_bytes}}}\n"
        )
        return path

    def start(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        """Start the service."""
        command = [sys.executable, "-m", "enricher.cli.main", "run", "-c", str(self.settings(name))]
        with (self.folder / f"{name}.log").open("ab") as messages:
            return subprocess.Popen([*command, *more], stderr=messages, stdout=messages)

    def alerts(self, name: str) -> list[bytes]:
        """The lines that it wrote."""
        return (self.folder / f"{name}.json").read_bytes().splitlines()

    def write_all(self, seconds: float) -> None:
        """Write every log in pieces of any size, in about so many seconds, with rotations."""
        content = {name: (self.source / name).read_bytes() for name in self.names}
        heads = {name: _header(data) for name, data in content.items()}
        done = {name: len(head) for name, head in heads.items()}
        total = sum(map(len, content.values()))
        rotate_at = sorted(self.random.uniform(0, total) for _ in range(self.rotations))
        began, wrote = time.monotonic(), 0
        while any(done[name] < len(data) for name, data in content.items()):
            name = self.random.choice([n for n, data in content.items() if done[n] < len(data)])
            size = self.random.choice((1, 50, 3_000, 20_000, 100_000))
            piece = content[name][done[name] : done[name] + size]
            with (self.logs / name).open("ab") as file:
                file.write(piece)
            done[name] += len(piece)
            wrote += len(piece)
            while rotate_at and wrote >= rotate_at[0]:
                rotate_at.pop(0)
                self._rotate(self.random.choice(self.names), content, done, heads)
            ahead = began + seconds * wrote / total - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)

    def _rotate(
        self,
        name: str,
        content: dict[str, bytes],
        done: dict[str, int],
        heads: dict[str, bytes],
    ) -> None:
        """Finish the line, put the file away in some way, begin a new one."""
        live, data = self.logs / name, content[name]
        end = data.find(b"\n", max(done[name] - 1, 0)) + 1 or len(data)
        with live.open("ab") as file:
            file.write(data[done[name] : end])
        done[name] = end
        self._moment += 3600
        stamp = datetime.fromtimestamp(self._moment, UTC).strftime("%Y-%m-%d-%H-%M-%S")
        rotated = self.logs / f"{live.stem}.{stamp}.log"
        how = self.random.choice(ROTATIONS if not heads[name] else ROTATIONS[:3])
        if how == "copy_and_truncate":
            shutil.copyfile(live, rotated)
            with live.open("r+b") as file:
                file.truncate(0)
        else:
            live.rename(rotated)
            if how == "rename_and_compress":
                later = threading.Timer(
                    self.random.uniform(0, 1.0), _compress, [rotated, self.archive]
                )
                later.start()
            elif how == "move_away":
                shutil.copyfile(rotated, self.archive / rotated.name)
                rotated.unlink()
            live.write_bytes(heads[name])

    def kill_often(self, name: str, writing: threading.Thread) -> int:
        """Start the service and kill it at any moment, again and again; how often it was."""
        killed = 0
        while killed < self.kills:
            before = self._followed(name)
            service = self.start(name)
            if self.random.random() < 0.8:
                wait_until(partial(self._follows, name, before), 60.0, service)
            time.sleep(self.random.uniform(0, 2))
            service.send_signal(signal.SIGKILL)
            service.wait()
            killed += 1
        writing.join()
        return killed

    def _followed(self, name: str) -> int:
        """How often the service has begun to read."""
        return (self.folder / f"{name}.log").read_bytes().count(b"following")

    def _follows(self, name: str, before: int) -> bool:
        return self._followed(name) > before

    def finish(self, name: str) -> None:
        """Let the service read the rest, and stop it as one should."""
        before = self._followed(name)
        service = self.start(name)
        try:
            wait_until(partial(self._follows, name, before), 60.0, service)
            wait_until(lambda: self._read_all(name), 120.0, service)
        finally:
            service.send_signal(signal.SIGTERM)
            status = service.wait(60)
        assert status == 0, (self.folder / f"{name}.log").read_text()[-2000:]

    def _read_all(self, name: str) -> bool:
        expected = sum(records_of(self.source / log) for log in self.names)
        account = self.accounting(name)
        return bool(sum(kind["read"] for kind in account.values()) >= expected)

    def knows(self, name: str) -> bool:
        """Whether the service has begun to follow the logs."""
        words = read_words(self.folder / name, ("since",))
        return words is not None and words["since"] is not None

    def accounting(self, name: str) -> dict[str, dict[str, Any]]:
        """Counts by kind, as ``enricher status`` has them."""
        words = read_words(self.folder / name, ("accounting",))
        return {} if not words or not words["accounting"] else words["accounting"]["kinds"]

    def uninterrupted(self, name: str) -> None:
        """Another service, with a state of its own, reads the same logs at rest."""
        for path in sorted(self.archive.iterdir()):
            plain = self.logs / path.name.removesuffix(".gz")
            data = path.read_bytes()
            plain.write_bytes(gzip.decompress(data) if path.suffix == ".gz" else data)
            path.unlink()
        assert self.start(name, "--once", "--set", "following.rotated_seconds=0").wait(300) == 0


def _compress(path: Path, archive: Path) -> None:
    """As an archiver does it: a file that is whole when it has its name."""
    part = archive / f".{path.name}.part"
    with gzip.open(part, "wb", compresslevel=1) as out:
        out.write(path.read_bytes())
    part.rename(archive / f"{path.name}.gz")
    path.unlink()


def _header(data: bytes) -> bytes:
    return b"".join(
        line for line in data[:65536].splitlines(keepends=True) if line.startswith(b"#")
    ).split(b"#close")[0]


def records_of(path: Path) -> int:
    """Records of a log, by nothing but its lines."""
    return sum(bool(line) and not line.startswith(b"#") for line in path.read_bytes().split(b"\n"))


def wait_until(
    done: Callable[[], bool], seconds: float, service: subprocess.Popen[bytes] | None = None
) -> None:
    """Wait for something; fail if it does not come, or the service ends."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come in time"
        assert service is None or service.poll() is None, "the service has ended"
        time.sleep(0.05)


def run(torture: Torture, seconds: float) -> dict[str, int]:
    """Torture, then compare; gives figures.

    Raises:
        AssertionError: If anything was lost, or is there twice, or otherwise than uninterrupted.
    """
    # What is rotated away before the very first start is history that nobody asked for.
    first = torture.start("killed")
    wait_until(lambda: torture.knows("killed"), 60.0, first)
    first.kill()
    first.wait()
    writing = threading.Thread(target=torture.write_all, args=(seconds,))
    writing.start()
    killed = torture.kill_often("killed", writing)
    time.sleep(1.2)  # what is compressed last
    torture.finish("killed")
    torture.uninterrupted("whole")
    killed_account, whole_account = torture.accounting("killed"), torture.accounting("whole")
    for kind, one in killed_account.items():
        assert one["read"] == one["scored"] + sum(one["dropped"].values()), kind
        assert one["verdicts"] == whole_account[kind]["verdicts"], kind
        assert one["read"] == whole_account[kind]["read"], kind
    own, other = torture.alerts("killed"), torture.alerts("whole")
    if len(torture.names) == 1:
        assert own == other
    else:
        ids = [
            tuple(orjson.loads(line)["alert"]["metadata"][n][0] for n in ("alert_id", "state"))
            for line in own
        ]
        assert len(ids) == len(set(ids)), "an alert is there twice"
    return {
        "kills": killed,
        "records": sum(int(one["read"]) for one in killed_account.values()),
        "alerts": len(own),
    }


def main() -> None:
    """Torture by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", type=Path, required=True, help="directory of whole logs")
    parser.add_argument("--names", default="conn.log")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rotations", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torture = Torture(
        given.folder,
        given.source,
        given.seed,
        given.kills,
        given.rotations,
        tuple(given.names.split(",")),
    )
    print(orjson.dumps(run(torture, given.seconds)).decode())


if __name__ == "__main__":
    main()
