"""What the alert file promises over crashes, rotations and full disks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.errors import OutputError
from enricher.pipeline.live.output import AtLeastOnce, CommittedFile, Written, open_output

LINES = st.lists(st.binary(min_size=1, max_size=30).map(lambda b: b.replace(b"\n", b"x")))


@given(committed=LINES, uncommitted=LINES, cut=st.integers(min_value=0, max_value=40))
def test_after_a_crash_the_file_holds_what_was_committed(
    committed: list[bytes],
    uncommitted: list[bytes],
    cut: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("out") / "eve.json"
    first = CommittedFile(path, None)
    first.append(committed)
    written = first.written()
    first.append(uncommitted)
    first.close()
    # The crash may have come in the middle of the last write.
    assert written is not None
    size = path.stat().st_size
    os.truncate(path, max(written.length, size - cut))
    second = CommittedFile(path, written)
    assert path.read_bytes() == b"".join(line + b"\n" for line in committed)
    second.append([b"more"])
    second.close()
    assert path.read_bytes().endswith(b"more\n")


def test_a_rotated_file_is_left_alone_and_a_new_one_is_begun(tmp_path: Path) -> None:
    path, rotated = tmp_path / "eve.json", tmp_path / "eve.json.1"
    output = CommittedFile(path, None)
    output.append([b"one"])
    path.rename(rotated)
    output.append([b"two"])  # nobody has told us yet
    output.reopen()
    output.append([b"three"])
    output.close()
    assert rotated.read_bytes() == b"one\ntwo\n"
    assert path.read_bytes() == b"three\n"


def test_a_file_that_was_rotated_while_we_were_down_loses_nothing(tmp_path: Path) -> None:
    path, rotated = tmp_path / "eve.json", tmp_path / "eve.json.1"
    output = CommittedFile(path, None)
    output.append([b"one", b"two"])
    written = output.written()
    output.close()
    path.rename(rotated)
    path.write_bytes(b"somebody else's\nhalf a li")
    second = CommittedFile(path, written)
    second.append([b"three"])
    second.close()
    assert rotated.read_bytes() == b"one\ntwo\n"
    assert path.read_bytes() == b"somebody else's\nthree\n"


def test_a_full_disk_leaves_nothing_of_the_lines_and_they_can_be_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "eve.json"
    output = CommittedFile(path, None)
    output.append([b"one"])
    write, room = os.write, [3]

    def full(fd: int, data: bytes | memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        some = bytes(data[: room[0]])
        room[0] -= len(some)
        return write(fd, some)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match="Make room on that disk"):
        output.append([b"two", b"three"])
    assert path.read_bytes() == b"one\n"
    room[0] = 1000
    output.append([b"two", b"three"])
    output.close()
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"kept\n")
    (tmp_path / "eve.json").symlink_to(secret)
    with pytest.raises(OutputError, match="symbolic link"):
        CommittedFile(tmp_path / "eve.json", None)
    assert secret.read_bytes() == b"kept\n"


def test_a_pipe_or_a_socket_is_written_at_least_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert isinstance(open_output(str(pipe), None), AtLeastOnce)
    assert isinstance(open_output("unix:/nowhere", None), AtLeastOnce)
    assert isinstance(open_output("-", None), AtLeastOnce)
    assert open_output("-", None).written() is None


def test_what_is_committed_survives_json() -> None:
    written = Written(1, 2, 3)
    assert Written.from_plain(written.to_plain()) == written
    assert Written.from_plain(None) is None


def test_a_file_that_was_moved_away_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    output = CommittedFile(path, None)
    output.append([b"one"])
    assert not output.moved()
    path.rename(tmp_path / "elsewhere")
    assert output.moved()
    path.write_bytes(b"somebody else's\n")
    assert output.moved()
    output.reopen()
    assert not output.moved()
    output.append([b"two"])
    output.close()
    assert path.read_bytes() == b"somebody else's\ntwo\n"
