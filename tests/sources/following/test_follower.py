"""Every line is given out once and in order, whatever happens to the files."""

from __future__ import annotations

import gzip
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.config import FollowingSettings
from enricher.errors import InputError
from enricher.logs import Block, Rejected
from enricher.sources.following import FollowedInput, Follower, Lag, LogState, Piece

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


def test_rotated_logs_of_idle_hours_are_not_found_again_and_again(tmp_path: Path) -> None:
    site = Site(tmp_path, rotated_seconds=0.0)
    site.append("conn.log", HEADER)
    site.read()
    for hour in range(3):
        (site.live / "conn.log").rename(site.live / f"conn.2026-01-01-0{hour}-00-00.log")
        site.append("conn.log", HEADER)
        site.read()
    (site.live / "conn.2026-01-01-00-00-00.log").rename(
        site.archive / "conn.2026-01-01-00-00-00.log"
    )
    known = len(site.states)
    for _ in range(3):
        site.restart()
        for _ in range(3):
            site.read()
    # The live log is begun anew by a follower that has read nothing of it but its header.
    assert len(site.states) <= known + 3
    site.append("conn.log", rows(0, 5))
    assert site.read() == [0, 1, 2, 3, 4]
    site.kill()


def test_on_the_very_first_start_the_archive_is_not_read(site: Site) -> None:
    path = site.append("conn.log", HEADER + rows(0, 3))
    archive(site, path, "conn.00:00:00-01:00:00.log")
    site.append("conn.log", HEADER + rows(3, 4))
    assert site.read() == [3]
    archive(site, site.live / "conn.log", "conn.01:00:00-02:00:00.log")
    site.append("conn.log", HEADER + rows(4, 5))
    assert site.read() == [4]


def test_a_finished_log_is_not_read_again_under_its_archived_name(tmp_path: Path) -> None:
    site = Site(tmp_path, rotated_seconds=0.0)
    path = site.append("conn.log", HEADER + rows(0, 3))
    assert site.read() == [0, 1, 2]
    rotated = path.rename(site.live / "conn.2026-01-01-00-00-00.log")
    site.append("conn.log", HEADER + rows(3, 4))
    assert site.read() == [3]
    assert site.states[0].finished
    archive(site, rotated, "conn.00:00:00-01:00:00.log")
    site.append("conn.log", rows(4, 5))
    assert site.read() == [4]
    site.restart()
    assert site.read() == []
    site.kill()


def test_deleted_and_created_anew_is_another_log_although_the_inode_is_the_same(
    site: Site,
) -> None:
    path = site.append("conn.log", HEADER + rows(0, 5))
    assert site.read() == [0, 1, 2, 3, 4]
    site.kill()
    path.unlink()
    site.append("conn.log", HEADER + rows(5, 30))  # as a rule the file system reuses the inode
    site.restart()
    assert site.read() == list(range(5, 30))
    assert [state.name for state in site.states.values()] == [f"{site.live}/conn.log"] * 2


def test_an_open_log_is_read_to_its_end_although_it_was_deleted(site: Site) -> None:
    path = site.append("conn.log", HEADER + rows(0, 2))
    assert site.read() == [0, 1]
    site.append("conn.log", rows(2, 4))
    path.unlink()
    site.append("conn.log", HEADER + rows(4, 5))
    assert site.read() == [2, 3, 4]
    piece = site.pieces[-2]
    again = site.follower.again(piece.log.number, piece.start, piece.log.offset)
    assert again == piece.items


def test_what_is_unfinished_at_the_end_of_a_finished_log_is_given_out_at_last(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, rotated_seconds=0.0)
    path = site.append("conn.log", records(0, 2) + record(2)[:-1])
    assert site.read() == [0, 1]
    path.rename(site.live / "conn.2026-01-01-00-00-00.log")
    assert site.read() == [2]
    last = site.pieces[-1].items[-1]
    assert isinstance(last, Block)
    assert last.last
    assert site.pieces[-1].log.finished
    site.kill()


def test_a_log_emptied_without_a_copy_is_said_to_be_lost(tmp_path: Path) -> None:
    site = Site(tmp_path, rotated_seconds=0.0)
    path = site.append("conn.log", records(0, 3))
    assert site.read() == [0, 1, 2]
    os.truncate(path, 0)
    site.append("conn.log", records(3, 4))
    assert site.read() == [3]
    assert any("was emptied or replaced" in warning for warning in site.warnings())
    site.kill()


def test_a_directory_that_is_not_there_yet_or_goes_away_is_waited_for(site: Site) -> None:
    site.live.rmdir()
    assert site.read() == []
    assert site.read() == []
    assert len(site.warnings()) == 1
    site.live.mkdir()
    site.append("conn.log", records(0, 2))
    assert site.read() == [0, 1]
    shutil.rmtree(site.live)
    assert site.read() == []
    site.live.mkdir()
    site.append("conn.log", records(2, 3))
    assert site.read() == [2]


@pytest.mark.parametrize("down", [False, True])
def test_a_link_that_is_switched_is_followed(tmp_path: Path, down: bool) -> None:
    site = Site(tmp_path, archive=False)
    site.live.rmdir()
    first, second = tmp_path / "spool-1", tmp_path / "spool-2"
    first.mkdir()
    second.mkdir()
    site.live.symlink_to(first)
    old = site.append("conn.log", HEADER + rows(0, 2)).resolve()
    assert site.read() == [0, 1]
    if down:
        site.kill()
    with old.open("ab") as file:
        file.write(rows(2, 4))
    site.live.unlink()
    site.live.symlink_to(second)
    site.append("conn.log", HEADER + rows(4, 6))
    if down:
        site.restart()
    assert site.read() == [2, 3, 4, 5]
    site.kill()


def test_what_is_no_log_is_left_alone_until_it_is_one(site: Site) -> None:
    site.append("notes.txt", b"some text\n")
    site.append("conn.log", b"")
    site.append("conn-summary.log", HEADER + rows(0, 1))
    site.append(".hidden.log", HEADER + rows(0, 1))
    site.append("weird.log", HEADER.replace(b"conn\n", b"weird\n") + rows(0, 1))
    os.mkfifo(site.live / "dns.log")
    (site.live / "http.log").symlink_to("/dev/zero")
    (site.live / "ssl.log").symlink_to(site.live / "nowhere")
    assert site.read() == []
    site.append("conn.log", HEADER[:30])
    assert site.read() == []
    site.append("conn.log", HEADER[30:])
    assert site.read() == []
    site.append("conn.log", rows(0, 1))
    assert site.read() == [0]


def test_a_followed_log_that_becomes_a_pipe_stops_nothing(site: Site) -> None:
    path = site.append("conn.log", records(0, 1))
    site.append("dns.log", b"")
    assert site.read() == [0]
    path.unlink()
    os.mkfifo(path)
    assert site.read() == []
    site.restart()
    assert site.read() == []
    path.unlink()
    site.append("conn.log", records(1, 2))
    assert site.read() == [1]


def test_a_log_that_must_not_be_read_is_read_when_it_may(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = site.append("conn.log", records(0, 1))
    really = os.open

    def refuse(name: str | Path, *args: int) -> int:
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied")
        return really(name, *args)

    with monkeypatch.context() as patch:
        patch.setattr("enricher.sources.compression.os.open", refuse)
        assert site.read() == []
        assert site.read() == []
    assert len(site.warnings()) == 1
    assert site.read() == [0]


def test_the_header_in_force_is_kept_and_may_change_in_the_middle(site: Site) -> None:
    site.append("conn.log", HEADER + rows(0, 1))
    assert site.read() == [0]
    assert b"#fields\tts\tuid\tid.orig_h" in site.states[0].header
    changed = HEADER.replace(b"\tproto", b"\tservice\tproto").replace(b"#types", b"#types\tstring")
    site.append("conn.log", rows(1, 2) + b"#close\t2026-01-01-01-00-00\n" + changed + rows(2, 3))
    assert site.read() == [1, 2]
    header = site.states[0].header
    assert b"\tservice\t" in header
    assert header.count(b"#fields") == 1
    assert b"#close" not in header


def test_a_line_over_the_bound_keeps_its_place_until_its_end_is_found(site: Site) -> None:
    site.append("conn.log", records(0, 1))
    assert site.read() == [0]
    site.append("conn.log", b"x" * 3_000_000)
    assert site.read() == []
    begin = site.states[0].offset
    assert begin == len(record(0))
    site.restart()
    assert site.read() == []
    site.append("conn.log", b"x\n" + record(1))
    site.follower.look()
    pieces = list(site.follower.read(1 << 30))
    rejected, block = (item for piece in pieces for item in piece.items)
    assert isinstance(rejected, Rejected)
    assert (rejected.line, rejected.reason) == (2, "line_too_long")
    assert isinstance(block, Block)
    assert (block.first_line, block.offset) == (3, begin + 3_000_002)
    assert pieces[0].start == begin


def test_logs_are_read_in_the_order_of_their_records_however_often_it_is_killed(
    tmp_path: Path,
) -> None:
    whole: list[tuple[str, int, int, float | None]] = []
    killed: list[tuple[str, int, int, float | None]] = []
    for name, limit, found in (("a", 1 << 40, whole), ("b", 1, killed)):
        (tmp_path / name).mkdir()
        site = Site(tmp_path / name)
        for hour in range(3):
            make = records(hour * 2000, hour * 2000 + 1500)
            site.append(f"conn.2026-01-01-0{hour}-00-00.log", make)
            site.append(f"dns.2026-01-01-0{hour}-00-00.log", dns(hour * 2000 + 500, 1500))
        while site.read(limit):
            if limit == 1:
                site.restart()
        found += [(p.log.name[-8:], p.start, p.log.offset, p.log.written) for p in site.pieces]
        site.kill()
    assert whole == killed
    assert len({name for name, *_ in whole}) == 2
    assert len(whole) > 12


def dns(first: int, count: int) -> bytes:
    return b"".join(
        b'{"ts":%d.5,"uid":"C%d","proto":"udp","query":"a.example","qtype":1,"rcode":0}\n'
        % (1767225600 + number, number)
        for number in range(first, first + count)
    )


def test_thousands_of_small_files_are_read_with_few_of_them_open(site: Site) -> None:
    for number in range(1500):
        site.append(f"conn.2026-01-01-00-00-00.{number:04d}.log", record(number))
    assert site.read() == list(range(1500))
    assert len(list(Path("/proc/self/fd").iterdir())) < 400
    site.restart()
    assert site.read() == []


def test_one_file_is_followed_through_logrotate(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    site = Site(tmp_path)
    site.follower.close()
    site.inputs = [FollowedInput(str(eve))]
    site.follower = site.start()
    assert site.read() == []

    def events(first: int, end: int) -> bytes:
        return b"".join(
            b'{"timestamp":"2026-01-01T00:00:%02d.000000+0000","event_type":"flow","uid":"C%d"}\n'
            % (number, number)
            for number in range(first, end)
        )

    eve.write_bytes(events(0, 2))
    (tmp_path / "fast.log").write_bytes(b"alerts in text\n")
    assert site.read() == [0, 1]
    site.kill()
    with eve.open("ab") as file:
        file.write(events(2, 3))
    eve.rename(tmp_path / "eve.json.2")
    (tmp_path / "eve.json.1.gz").write_bytes(gzip.compress(events(3, 5)))
    eve.write_bytes(events(5, 6))
    site.restart()
    assert site.read() == [2, 3, 4, 5]
    assert {state.name for state in site.states.values()} == {str(eve)}
    site.kill()


def test_lines_are_given_out_again_wherever_their_log_is_now(site: Site) -> None:
    path = site.append("conn.log", HEADER + rows(0, 5000))
    site.read(1)
    site.read()
    given = list(site.pieces)
    assert len(given) > 2
    archive(site, path, "conn.00:00:00-01:00:00.log")
    site.restart()
    for piece in given:
        again = site.follower.again(piece.log.number, piece.start, piece.log.offset, piece.line)
        assert again == piece.items
    second = given[1]
    assert site.follower.again(0, second.start, second.log.offset) == second.items
    shutil.rmtree(site.archive)
    site.restart()
    with pytest.raises(InputError, match="is gone"):
        site.follower.again(0, 0, 100)


def test_how_far_behind_it_is_can_be_asked(site: Site) -> None:
    path = site.append("conn.log", records(0, 3000))
    site.read(1)
    (lag,) = site.follower.lags()
    assert lag == Lag(path, path.stat().st_size - site.states[0].offset, "conn")
    assert lag.bytes > 0
    site.read()
    assert [lag.bytes for lag in site.follower.lags()] == [0]


def test_a_change_or_a_call_ends_the_wait(site: Site) -> None:
    path = site.append("conn.log", records(0, 1))
    site.read()
    site.follower.wait(0.2)
    site.settings = FollowingSettings(poll_seconds=30)
    site.restart()
    site.read()
    timer = threading.Timer(0.1, site.follower.wake)
    timer.start()
    began = time.monotonic()
    site.follower.wait(20)
    timer.join()
    with path.open("ab") as file:
        file.write(records(1, 2))
    site.follower.wait(20)
    assert time.monotonic() - began < 15
    assert site.read() == [1]


def test_reading_wakes_nobody(site: Site) -> None:
    site.append("conn.log", records(0, 1))
    site.read()
    site.follower.wait(0.3)
    site.read()
    began = time.monotonic()
    site.follower.wait(0.5)
    assert time.monotonic() - began > 0.4
