"""A file is whole or not there, and trouble is told with what to do."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.errors import OutputError
from enricher.sinks import FileSink


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def write_until_it_fails(sink: FileSink) -> None:
    for _ in range(1000):
        sink.write(b"x" * 1000)


def test_nobody_sees_a_file_that_is_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    sink = FileSink(path)
    sink.write(b"one")
    sink.flush()
    assert not path.exists()
    assert not list(tmp_path.glob("eve*.json"))
    sink.close()
    assert path.read_bytes() == b"one\n"
    assert os.listdir(tmp_path) == ["eve.json"]  # noqa: PTH208 - hidden files count


def test_a_run_that_fails_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_bytes(b"earlier\n")

    def run() -> None:
        with FileSink(path) as sink:
            sink.write(b"half")
            sink.flush()
            raise RuntimeError("the run failed")

    with pytest.raises(RuntimeError):
        run()
    assert path.read_bytes() == b"earlier\n"
    assert os.listdir(tmp_path) == ["eve.json"]  # noqa: PTH208 - hidden files count


def test_a_run_that_fails_keeps_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"

    def run() -> None:
        with FileSink(path, atomic=False) as sink:
            sink.write(b"one")
            raise RuntimeError("the run failed")

    with pytest.raises(RuntimeError):
        run()
    assert path.read_bytes() == b"one\n"


def test_a_full_disk_leaves_nothing_half_written(small_disk: Path) -> None:
    path = small_disk / "eve.json"
    sink = FileSink(path, buffer_bytes=1)
    with pytest.raises(OutputError, match="Make room"):
        write_until_it_fails(sink)
    sink.close()
    assert list(small_disk.iterdir()) == []
    with pytest.raises(OutputError, match="closed"):
        sink.write(b"more")


def test_a_full_disk_leaves_an_appended_file_with_whole_lines(small_disk: Path) -> None:
    path = small_disk / "eve.json"
    sink = FileSink(path, atomic=False, buffer_bytes=1)
    with pytest.raises(OutputError, match="Make room"):
        write_until_it_fails(sink)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) > 10
    assert set(lines) == {b"x" * 1000 + b"\n"}


def test_a_device_that_is_full_is_told() -> None:
    sink = FileSink("/dev/full")
    sink.write(b"one")
    with pytest.raises(OutputError, match=r"/dev/full: .*Make room"):
        sink.close()
    sink.close()
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_device_is_written_to_and_never_replaced() -> None:
    with FileSink("/dev/null") as sink:
        sink.write(b"one")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("atomic", [True, False])
def test_only_owner_and_group_can_read(tmp_path: Path, atomic: bool) -> None:
    path = tmp_path / "eve.json"
    earlier = os.umask(0)
    try:
        FileSink(path, atomic=atomic).close()
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("atomic", [True, False])
def test_a_symbolic_link_is_not_followed(tmp_path: Path, atomic: bool) -> None:
    victim, path = tmp_path / "victim", tmp_path / "eve.json"
    victim.write_bytes(b"precious\n")
    path.symlink_to(victim)
    if atomic:
        with FileSink(path) as sink:
            sink.write(b"one")
        assert path.read_bytes() == b"one\n"
    else:
        with pytest.raises(OutputError, match="symbolic link"):
            FileSink(path, atomic=False)
    assert victim.read_bytes() == b"precious\n"


@pytest.mark.parametrize("atomic", [True, False])
def test_a_missing_folder_and_a_folder_are_told(tmp_path: Path, atomic: bool) -> None:
    with pytest.raises(OutputError, match="Make the folder first"):
        FileSink(tmp_path / "none" / "eve.json", atomic=atomic)
    with pytest.raises(OutputError, match="name a file in it"):
        FileSink(tmp_path, atomic=atomic)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Part of that path is a file"):
        FileSink(tmp_path / "file" / "eve.json", atomic=atomic)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        # Root may write anywhere but where the system itself says no.
        folder = Path("/proc/self")
    with pytest.raises(OutputError, match=str(folder)):
        FileSink(folder / "eve.json")


def test_appending_adds_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    for line in (b"one", b"two"):
        with FileSink(path, atomic=False) as sink:
            sink.write(line)
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_line_that_a_crash_cut_off_is_not_glued_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_bytes(b'{"a":1}\n{"b"')
    with FileSink(path, atomic=False) as sink:
        sink.write(b'{"c":3}')
    assert path.read_bytes().split(b"\n") == [b'{"a":1}', b'{"b"', b'{"c":3}', b""]


def test_a_target_that_turns_into_a_folder_meanwhile_is_told(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    sink = FileSink(path)
    sink.write(b"one")
    path.mkdir()
    with pytest.raises(OutputError, match="folder"):
        sink.close()
    assert [p.name for p in tmp_path.iterdir()] == ["eve.json"]
