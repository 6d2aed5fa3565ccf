"""Writing, rotating, archiving, reading and killing in any order: every line once, in order."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from enricher.config import FollowingSettings
from enricher.logs import Block
from enricher.sources.following import FollowedInput, Follower, LogState, Piece

HEADER = b"""#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#fields\tts\tuid\tproto\tconn_state\torig_bytes
#types\ttime\tstring\tenum\tstring\tcount
"""


class Sensor(RuleBasedStateMachine):
    """A sensor that writes one log, and a service that is killed at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="following-"))
        self.live = self.root / "current"
        self.archive = self.root / "archive"
        self.log = self.live / "conn.log"
        self.written = 0
        self.rotations = 0
        self.rest = b""
        self.states: dict[int, LogState] = {}
        self.read: list[int] = []
        self.follower: Follower | None = None

    @initialize(tsv=st.booleans(), rotated_seconds=st.sampled_from([0.0, 60.0]))
    def begin(self, tsv: bool, rotated_seconds: float) -> None:
        self.tsv = tsv
        self.settings = FollowingSettings(rotated_seconds=rotated_seconds)
        self.live.mkdir()
        (self.archive / "2026-01-01").mkdir(parents=True)
        self.create()
        self.start()
        # On the very first start the archive is not read: only then is nothing history.
        self.write(1, 0)
        self.take(1)

    def create(self) -> None:
        self.log.write_bytes(HEADER if self.tsv else b"")

    def line(self, number: int) -> bytes:
        ts = b"%d.5" % (1767225600 + number)
        if self.tsv:
            return ts + b"\tC%d\ttcp\tSF\t7\n" % number
        return b'{"ts":%s,"uid":"C%d","proto":"tcp","conn_state":"SF","orig_bytes":7}\n' % (
            ts,
            number,
        )

    def start(self) -> None:
        self.follower = Follower(
            [FollowedInput(str(self.live), self.archive)],
            [LogState.from_plain(state.to_plain()) for state in self.states.values()],
            self.settings,
            block_bytes=65536,
        )
        self.follower._watch.watch = lambda _: None  # type: ignore[method-assign,assignment]

    @rule(lines=st.sampled_from([1, 3, 90, 1500]), cut=st.integers(0, 40))
    def write(self, lines: int, cut: int) -> None:
        data = self.rest + b"".join(map(self.line, range(self.written, self.written + lines)))
        self.written += lines
        keep = len(data) - min(cut, len(self.line(0)) - 1)
        self.append(data[:keep])
        self.rest = data[keep:]

    def append(self, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(data)

    def complete(self) -> None:
        self.append(self.rest)
        self.rest = b""
        self.rotations += 1

    @rule()
    def rename(self) -> None:
        self.complete()
        self.log.rename(self.live / f"conn.2026-01-01-00-{self.rotations:02d}-00.log")
        self.create()

    @rule(packed=st.booleans())
    def to_archive(self, packed: bool) -> None:
        self.complete()
        self.move_to_archive(self.log, packed)
        self.create()

    @rule(packed=st.booleans())
    def archive_what_was_renamed(self, packed: bool) -> None:
        for path in sorted(self.live.glob("conn.2026*.log")):
            self.move_to_archive(path, packed)

    def move_to_archive(self, path: Path, packed: bool) -> None:
        clock = f"{self.rotations // 60:02d}:{self.rotations % 60:02d}"
        if path != self.log:
            clock = path.name[16:21].replace("-", ":")
        target = self.archive / "2026-01-01" / f"conn.{clock}:00-{clock}:59.log"
        if packed:
            target.with_name(f"{target.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
            path.unlink()
        else:
            path.rename(target)

    @rule(packed=st.booleans())
    def copy_and_truncate(self, packed: bool) -> None:
        self.complete()
        copy = self.live / f"conn.2026-01-01-00-{self.rotations:02d}-00.log"
        shutil.copy(self.log, copy)
        os.truncate(self.log, 0)
        if packed:
            copy.with_name(f"{copy.name}.gz").write_bytes(gzip.compress(copy.read_bytes(), 1))
            copy.unlink()

    @precondition(lambda self: self.follower is not None)
    @rule()
    def delete_and_create_after_a_look(self) -> None:
        self.complete()
        self.take(1 << 30)  # then it is held open
        self.log.unlink()
        self.create()

    @precondition(lambda self: self.follower is not None)
    @rule(limit=st.sampled_from([1, 3000, 1 << 30]), lost=st.integers(0, 3))
    def read_some(self, limit: int, lost: int) -> None:
        self.take(limit, lost)

    @rule()
    def kill(self) -> None:
        if self.follower is not None:
            self.follower.close()
            self.follower = None

    @precondition(lambda self: self.follower is None)
    @rule()
    def start_again(self) -> None:
        self.start()

    def take(self, limit: int, lost: int = 0) -> bool:
        """Read; if the last pieces are lost in a crash, the service is killed."""
        assert self.follower is not None
        self.follower.look()
        pieces = list(self.follower.read(limit))
        kept = pieces[: max(len(pieces) - lost, 0)] if lost else pieces
        for piece in kept:
            before = self.states.get(piece.log.number)
            assert piece.start == (before.offset if before else 0)
            assert piece.line == (before.line if before else 1)
            self.states[piece.log.number] = piece.log
            self.read += self.numbers(piece)
            self.check_again(piece)
        if len(kept) < len(pieces):
            self.kill()
        return bool(pieces)

    def check_again(self, piece: Piece) -> None:
        assert self.follower is not None
        again = self.follower.again(piece.log.number, piece.start, piece.log.offset, piece.line)
        blocks = [(i.data, i.first_line, i.offset) for i in piece.items if isinstance(i, Block)]
        assert blocks == [(i.data, i.first_line, i.offset) for i in again if isinstance(i, Block)]

    def numbers(self, piece: Piece) -> list[int]:
        found = []
        for item in piece.items:
            assert isinstance(item, Block)
            for line in item.data.splitlines():
                if not line.startswith(b"#"):
                    _, _, rest = line.partition(b"\tC" if self.tsv else b'"uid":"C')
                    found.append(int(rest.split(b"\t" if self.tsv else b'"')[0]))
        return found

    def teardown(self) -> None:
        if self.follower is None:
            self.start()
        self.append(self.rest)
        for _ in range(20):
            if self.follower is None or not self.take(1 << 30):
                break
        self.kill()
        shutil.rmtree(self.root)
        assert self.read == list(range(self.written))


TestSensor = Sensor.TestCase
TestSensor.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
