"""Discovery finds every log once, in order, and accounts for everything else."""

from __future__ import annotations

import gzip
import lzma
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.sources import Discovery, blocks, discover


def conn(ts: float, duration: str = "-") -> bytes:
    row = f"{ts}\tC1\t10.0.0.1\ttcp\t{duration}\tSF\n"
    fields = "#path\tconn\n#fields\tts\tuid\tid.orig_h\tproto\tduration\tconn_state\n"
    return ("#separator \\x09\n" + fields + row).encode()


WEIRD = conn(1.0).replace(b"#path\tconn", b"#path\tweird")


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(found: Discovery, top: Path) -> list[str]:
    return [str(file.path.relative_to(top)) for file in found.files]


def reasons(found: Discovery) -> dict[str, str]:
    return {skipped.path.name: skipped.reason for skipped in found.skipped}


def test_logs_are_found_in_directories_of_any_depth_and_nothing_is_left_unsaid(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a/b/c/conn.log", conn(3))
    write(tmp_path / "a/conn.log.gz", gzip.compress(conn(1)))
    write(tmp_path / "x/y.xz", lzma.compress(conn(2)))
    write(tmp_path / "weird.log", WEIRD)
    write(tmp_path / "notes.txt", b"notes\n")
    write(tmp_path / "eve.json", b"")
    write(tmp_path / "conn-summary.12:00:00-13:00:00.log", b"\n>== Total\n")
    write(tmp_path / ".shadow.conn.log", b"x")
    write(tmp_path / ".conn.log.gz.Xy1", conn(1))
    found = discover([tmp_path])
    assert names(found, tmp_path) == ["a/conn.log.gz", "x/y.xz", "a/b/c/conn.log"]
    assert [file.number for file in found.files] == [0, 1, 2]
    assert [file.compression for file in found.files] == ["gzip", "xz", "plain"]
    assert reasons(found) == {
        "weird.log": "other_kind",
        "notes.txt": "not_a_log",
        "eve.json": "empty",
        "conn-summary.12:00:00-13:00:00.log": "companion",
        ".shadow.conn.log": "companion",
        ".conn.log.gz.Xy1": "hidden",
    }
    assert not any(skipped.error for skipped in found.skipped)


def test_a_file_given_by_name_that_is_no_log_is_an_error(tmp_path: Path) -> None:
    notes = write(tmp_path / "notes.txt", b"notes\n")
    (skipped,) = discover([notes]).skipped
    assert (skipped.reason, skipped.error) == ("not_a_log", True)
    (skipped,) = discover([tmp_path / "gone"]).skipped
    assert (skipped.reason, skipped.error) == ("missing", True)
    (skipped,) = discover([Path("a\x00b")]).skipped
    assert (skipped.reason, skipped.error) == ("missing", True)


def test_what_a_shell_pattern_brings_along_is_no_error(tmp_path: Path) -> None:
    given_files = [
        write(tmp_path / "weird.log", WEIRD),
        write(tmp_path / "empty.log", b""),
        write(tmp_path / "conn-summary.log", b"\n>== Total\n"),
    ]
    found = discover(given_files)
    assert not any(skipped.error for skipped in found.skipped)
    assert list(reasons(found).values()) == ["other_kind", "empty", "companion"]


def test_a_hidden_file_is_read_when_it_is_given_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / ".conn.log", conn(1))
    assert len(discover([path]).files) == 1


def test_links_to_files_and_zeeks_current_are_followed_once_and_others_are_named(
    tmp_path: Path,
) -> None:
    spool = tmp_path / "spool"
    write(spool / "conn.log", conn(1))
    logs = tmp_path / "logs"
    other = write(tmp_path / "elsewhere/http.log", conn(2))
    logs.mkdir()
    (logs / "current").symlink_to(spool)
    (logs / "linked.log").symlink_to(other)
    (logs / "twice.log").symlink_to(other)
    (logs / "folder").symlink_to(tmp_path / "elsewhere")
    (logs / "loop").symlink_to(logs)
    (logs / "broken.log").symlink_to(tmp_path / "gone")
    found = discover([logs])
    assert names(found, logs) == ["current/conn.log", "linked.log"]
    assert reasons(found) == {
        "twice.log": "duplicate",
        "folder": "linked_folder",
        "loop": "linked_folder",
        "broken.log": "missing",
    }
    assert names(discover([logs / "current"]), logs) == ["current/conn.log"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    write(tmp_path / "a/conn.log", conn(1))
    (tmp_path / "a/current").symlink_to(tmp_path)
    (tmp_path / "x").symlink_to(tmp_path / "y")
    (tmp_path / "y").symlink_to(tmp_path / "x")
    found = discover([tmp_path])
    assert names(found, tmp_path) == ["a/conn.log"]
    assert reasons(found) == {"current": "duplicate", "x": "unreadable", "y": "unreadable"}


def test_a_file_is_read_once_by_whatever_names_it_is_given(tmp_path: Path) -> None:
    path = write(tmp_path / "conn.log", conn(1))
    os.link(path, tmp_path / "hard.log")
    found = discover([path, tmp_path, path])
    assert names(found, tmp_path) == ["conn.log"]
    duplicates = [skipped.path.name for skipped in found.skipped]
    assert sorted(duplicates) == ["conn.log", "conn.log", "hard.log"]
    assert {skipped.reason for skipped in found.skipped} == {"duplicate"}
    assert all(str(path) in skipped.detail for skipped in found.skipped)


def test_the_compressed_copy_beside_a_log_is_not_read_a_second_time(tmp_path: Path) -> None:
    write(tmp_path / "conn.log", conn(1))
    write(tmp_path / "conn.log.gz", gzip.compress(conn(1)))
    write(tmp_path / "http.log", conn(2))
    write(tmp_path / "http.log.gz", gzip.compress(conn(3)))
    found = discover([tmp_path])
    assert names(found, tmp_path) == ["conn.log", "http.log", "http.log.gz"]
    assert reasons(found) == {"conn.log.gz": "duplicate"}


def test_pipes_sockets_and_devices_are_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "eve.sock"))
        found = discover([tmp_path, Path("/dev/null"), tmp_path / "pipe.log"])
    assert {skipped.reason for skipped in found.skipped} == {"special_file"}
    assert [skipped.error for skipped in found.skipped] == [False, False, True, True]
    assert [skipped.detail.split(";")[0] for skipped in found.skipped] == [
        "is a socket",
        "is a pipe",
        "is a device",
        "is a pipe",
    ]


def test_broken_compression_is_an_error_unless_a_log_shows_before_it(tmp_path: Path) -> None:
    write(tmp_path / "broken.log.gz", gzip.compress(conn(1))[:12])
    rows = b"".join(b"%d\tC1\t10.0.0.1\ttcp\t-\tSF\n" % ts for ts in range(100_000))
    packed = gzip.compress(conn(1) + rows)
    write(tmp_path / "half.log.gz", packed[: len(packed) // 2])
    found = discover([tmp_path])
    assert names(found, tmp_path) == ["half.log.gz"]
    (skipped,) = found.skipped
    assert (skipped.path.name, skipped.reason, skipped.error) == ("broken.log.gz", "damaged", True)


def test_bounds_on_the_search_are_errors_that_say_what_is_missing(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / f"conn.{number}.log", conn(number))
    found = discover([tmp_path], max_files=3)
    assert len(found.files) == 3
    assert [(skipped.reason, skipped.error) for skipped in found.skipped] == [("too_many", True)]
    write(tmp_path / "a/b/c/conn.log", conn(1))
    found = discover([tmp_path], max_depth=1)
    assert [(skipped.path, skipped.reason) for skipped in found.skipped] == [
        (tmp_path / "a/b", "too_deep")
    ]


PROGRAM = """
import os, sys
from pathlib import Path
from enricher.sources import blocks, discover
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
found = discover([Path(sys.argv[1])])
for file in found.files:
    print(file.path.name)
for skipped in found.skipped:
    print(skipped.path.name, skipped.reason, skipped.error, skipped.detail)
"""


def test_files_and_directories_without_permission_are_errors_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    top = tmp_path / "logs"
    write(top / "conn.log", conn(1))
    write(top / "secret.log", conn(1)).chmod(0)
    write(top / "closed/conn.log", conn(1))
    (top / "closed").chmod(0)
    # Another user must come as far as the directory.
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, top], capture_output=True, text=True, check=True
        )
    finally:
        (top / "closed").chmod(0o755)
    why = "must not be read by this user; give it permission, or run as one who may"
    assert sorted(done.stdout.splitlines()) == [
        f"closed unreadable True {why}",
        "conn.log",
        f"secret.log unreadable True {why}",
    ]


def test_files_are_in_the_order_of_their_first_record_then_of_their_path(tmp_path: Path) -> None:
    write(tmp_path / "c.log", conn(1))
    write(tmp_path / "b.log", conn(2))
    write(tmp_path / "a/z.log", conn(2))
    write(tmp_path / "0.log", conn(1).rsplit(b"\n", 2)[0] + b"\n")
    assert names(discover([tmp_path]), tmp_path) == ["c.log", "a/z.log", "b.log", "0.log"]


def test_a_file_that_begins_with_a_connection_of_hours_keeps_its_place(tmp_path: Path) -> None:
    write(tmp_path / "one.log", conn(1_700_003_600))
    write(tmp_path / "two.log", conn(1_700_000_000, "7200.0"))
    assert names(discover([tmp_path]), tmp_path) == ["one.log", "two.log"]


def test_rotated_files_are_in_the_order_of_their_rotation_whatever_their_records_say(
    tmp_path: Path,
) -> None:
    rotated = [
        "2026-01-01/conn.22:00:00-23:00:00.log.gz",
        "2026-01-01/conn.23:00:00-00:00:00.log.gz",
        "2026-01-02/conn.00:00:00-01:00:00.log.gz",
        "current/conn.log",
    ]
    for name, ts in zip(rotated, (3.0, 2.0, 4.0, 1.0), strict=True):
        write(tmp_path / name, gzip.compress(conn(ts)))
    write(tmp_path / "other/conn.log", conn(0.5))
    assert names(discover([tmp_path]), tmp_path) == ["other/conn.log", *rotated]
    dated = ["conn.2026-01-01-12-00-00.log", "conn.2026-01-01-13-00-00.log", "conn.log"]
    for name, ts in zip(dated, (30.0, 20.0, 10.0), strict=True):
        write(tmp_path / "dated" / name, conn(ts))
    assert names(discover([tmp_path / "dated"]), tmp_path / "dated") == dated


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(6)))
def test_the_order_does_not_depend_on_the_order_in_which_paths_are_given(
    order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    top = tmp_path_factory.getbasetemp() / "order"
    files = [write(top / f"{number}.log", conn(number % 3 + 1)) for number in range(6)]
    found = discover([files[number] for number in order])
    assert names(found, top) == ["0.log", "3.log", "1.log", "4.log", "2.log", "5.log"]


def test_names_that_are_no_text_or_hold_escapes_are_taken_as_they_are(tmp_path: Path) -> None:
    odd = [b"conn\xff\xfe.log", b"conn\x1b[31m.log", b"conn\n.log"]
    for number, name in enumerate(odd):
        write(tmp_path / os.fsdecode(name), conn(number + 1))
    found = discover([tmp_path])
    assert [os.fsencode(file.path.name) for file in found.files] == odd
    assert all(len(list(blocks(file))) == 1 for file in found.files)


def test_ten_thousand_small_files_are_found_in_seconds(tmp_path: Path) -> None:
    for folder in range(10):
        (tmp_path / str(folder)).mkdir()
        for number in range(1000):
            (tmp_path / str(folder) / f"conn.{number}.log").write_bytes(conn(number))
    start = time.process_time()
    found = discover([tmp_path])
    assert len(found.files) == 10_000
    assert time.process_time() - start < 10


def test_every_real_file_is_found_or_accounted_for(shared_data: Path) -> None:
    found = discover([shared_data])
    everything = sorted(path for path in shared_data.rglob("*") if path.is_file())
    named = [file.path for file in found.files] + [skipped.path for skipped in found.skipped]
    assert sorted(named) == everything
    assert Counter(skipped.reason for skipped in found.skipped) == {
        "other_kind": 850,
        "not_a_log": 28,
        "companion": 24,
        "empty": 1,
    }
    assert Counter(file.identity.kind or file.identity.format for file in found.files) == {
        "conn": 624,
        "http": 139,
        "dns": 97,
        "ssl": 98,
        "eve": 48,
    }
    assert not any(skipped.error for skipped in found.skipped)


def test_real_hourly_archives_are_read_in_the_order_of_the_hours(shared_data: Path) -> None:
    day = shared_data / "zeek/unlabelled/rita-internet-server-2024-04-19"
    found = discover([day])
    for path in ("conn", "open_conn", "http", "dns", "ssl"):
        hours = [file.path.name for file in found.files if file.identity.path == path]
        assert len(hours) > 10
        assert hours == sorted(hours)
