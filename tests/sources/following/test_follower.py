"""Every line is given out once and in order, whatever happens to the files."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.config import FollowingSettings
from enricher.logs import Block
from enricher.sources.following import FollowedInput, Follower, LogState, Piece

HEADER = b"""#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#open\t2026-01-01-00-00-00
#fields\tts\tuid\tid.orig_h\tproto\tconn_state\torig_bytes
#types\ttime\tstring\taddr\tenum\tstring\tcount
"""


def row(number: int) -> bytes:
    return b"%d.5\tC%d\t10.0.0.1\ttcp\tSF\t7\n" % (1767225600 + number, number)


def record(number: int) -> bytes:
    return (
        b'{"ts":%d.5,"uid":"C%d","id.orig_h":"10.0.0.1","proto":"tcp","conn_state":"SF",'
        b'"orig_bytes":7}\n' % (1767225600 + number, number)
    )


def rows(first: int, end: int) -> bytes:
    return b"".join(map(row, range(first, end)))


def records(first: int, end: int) -> bytes:
    return b"".join(map(record, range(first, end)))


def uids(pieces: list[Piece]) -> list[int]:
    """The numbers in the records of pieces."""
    found = []
    for piece in pieces:
        for item in piece.items:
            assert isinstance(item, Block)
            for line in item.data.split(b"\n"):
                if line.startswith(b"{"):
                    found.append(int(line.split(b'"uid":"C')[1].split(b'"')[0]))
                elif line and not line.startswith(b"#"):
                    found.append(int(line.split(b"\t")[1][1:]))
    return found


class Site:
    """A sensor's directories, and a follower of them that is killed again and again."""

    def __init__(self, root: Path, *, archive: bool = True, rotated_seconds: float = 60.0) -> None:
        self.live = root / "current"
        self.archive = root / "archive"
        self.live.mkdir()
        self.archive.mkdir()
        self.settings = FollowingSettings(rotated_seconds=rotated_seconds)
        self.inputs = [FollowedInput(str(self.live), self.archive if archive else None)]
        self.states: dict[int, LogState] = {}
        self.pieces: list[Piece] = []
        self.follower = self.start()

    def start(self) -> Follower:
        plain = [state.to_plain() for state in self.states.values()]
        states = [LogState.from_plain(row) for row in plain]
        return Follower(self.inputs, states, self.settings, block_bytes=65536)

    def kill(self) -> None:
        self.follower.close()

    def restart(self) -> None:
        self.follower.close()
        self.follower = self.start()

    def read(self, limit: int = 1 << 40) -> list[int]:
        """What is new, as the numbers of records; states are kept as a service does."""
        self.follower.look()
        pieces = list(self.follower.read(limit))
        for piece in pieces:
            before = self.states.get(piece.log.number)
            assert piece.start == (before.offset if before else 0)
            self.states[piece.log.number] = piece.log
        self.pieces += pieces
        return uids(pieces)

    def append(self, name: str, data: bytes) -> Path:
        path = self.live / name
        with path.open("ab") as file:
            file.write(data)
        return path

    def warnings(self) -> list[str]:
        return [sentence for level, sentence in self.follower.notes if level == "warning"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.follower.close()


def test_a_growing_log_is_given_out_once(site: Site) -> None:
    site.append("conn.log", HEADER + rows(0, 5))
    assert site.read() == [0, 1, 2, 3, 4]
    assert site.read() == []
    site.append("conn.log", rows(5, 8))
    assert site.read() == [5, 6, 7]
    site.restart()
    assert site.read() == []
    site.append("conn.log", rows(8, 9))
    assert site.read() == [8]


def test_only_whole_lines_are_given_out_while_a_log_grows(site: Site) -> None:
    line = record(1)
    site.append("conn.log", record(0) + line[:20])
    assert site.read() == [0]
    site.restart()
    site.append("conn.log", line[20:40])
    assert site.read() == []
    site.append("conn.log", line[40:] + record(2)[:-1])
    assert site.read() == [1]
    site.append("conn.log", b"\n")
    assert site.read() == [2]


@pytest.mark.parametrize("down", [False, True])
def test_a_renamed_log_is_read_to_its_end_before_the_next_one(site: Site, down: bool) -> None:
    path = site.append("conn.log", HEADER + rows(0, 3))
    assert site.read() == [0, 1, 2]
    if down:
        site.kill()
    site.append("conn.log", rows(3, 5))
    path.rename(site.live / "conn.2026-01-01-00-00-00.log")
    site.append("conn.log", HEADER + rows(5, 7))
    if down:
        site.restart()
    assert site.read() == [3, 4, 5, 6]
    with (site.live / "conn.2026-01-01-00-00-00.log").open("ab") as late:
        late.write(rows(7, 8))  # Suricata writes on until it is told
    site.append("conn.log", rows(8, 9))
    assert site.read() == [7, 8]


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_log_archived_at_once_is_read_to_its_end(site: Site, down: bool, packed: bool) -> None:
    path = site.append("conn.log", HEADER + rows(0, 3))
    assert site.read() == [0, 1, 2]
    if down:
        site.kill()
    site.append("conn.log", rows(3, 5))
    archive(site, path, "conn.00:00:00-01:00:00.log", packed=packed)
    site.append("conn.log", HEADER + rows(5, 7))
    if down:
        site.restart()
    assert site.read() == [3, 4, 5, 6]
    site.restart()
    assert site.read() == []


def archive(site: Site, path: Path, name: str, *, packed: bool = True) -> None:
    folder = site.archive / "2026-01-01"
    folder.mkdir(exist_ok=True)
    if packed:
        with gzip.open(folder / f"{name}.gz", "wb") as file:
            file.write(path.read_bytes())
        path.unlink()
    else:
        path.replace(folder / name)


def test_several_rotations_while_it_was_down_are_caught_up_on_in_order(site: Site) -> None:
    path = site.append("conn.log", HEADER + rows(0, 3))
    assert site.read() == [0, 1, 2]
    site.kill()
    site.append("conn.log", rows(3, 5))
    for hour in range(4):
        archive(site, path, f"conn.0{hour}:00:00-0{hour + 1}:00:00.log", packed=hour % 2 == 0)
        site.append("conn.log", HEADER + rows(5 + hour, 6 + hour))
    site.restart()
    assert site.read() == list(range(3, 9))
    site.restart()
    assert site.read() == []


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("tsv", [False, True])
def test_copytruncate_loses_nothing(site: Site, down: bool, tsv: bool) -> None:
    make, header = (rows, HEADER) if tsv else (records, b"")
    path = site.append("conn.log", header + make(0, 3))
    assert site.read() == [0, 1, 2]
    if down:
        site.kill()
    site.append("conn.log", make(3, 5))
    shutil.copy(path, site.live / "conn.log.1")
    os.truncate(path, 0)
    site.append("conn.log", make(5, 30))
    if down:
        site.restart()
    assert site.read() == list(range(3, 30))
    site.restart()
    site.append("conn.log", make(30, 31))
    assert site.read() == [30]
