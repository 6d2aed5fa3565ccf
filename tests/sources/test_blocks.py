"""Blocks hold every byte of a file once, in whole lines, with the right places."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from enricher.errors import InputError
from enricher.logs import Block, Rejected
from enricher.logs.identify import LogIdentity
from enricher.sources import LineCutter, LogFile, blocks, compression_of

IDENTITY = LogIdentity("tsv", "conn", "conn", None)


def log_file(path: Path, content: bytes | None = None) -> LogFile:
    if content is not None:
        path.write_bytes(content)
    status = path.stat()
    return LogFile(7, path, "plain", IDENTITY, status.st_size, 0.0, (status.st_dev, status.st_ino))


def until_error(items: Iterator[Block | Rejected]) -> tuple[list[Block | Rejected], InputError]:
    """What comes before the error, and the error."""
    taken: list[Block | Rejected] = []
    with pytest.raises(InputError) as caught:
        taken.extend(items)
    return taken, caught.value


def check_against(content: bytes, items: Sequence[Block | Rejected], longest: int) -> None:
    """Compare with lines cut by ``split``."""
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    long = {number for number, line in enumerate(lines, 1) if len(line) > longest}
    rejected = [item for item in items if isinstance(item, Rejected)]
    found = [item for item in items if isinstance(item, Block)]
    assert [item.line for item in rejected] == sorted(long)
    for item in rejected:
        line = lines[item.line - 1]
        assert item.reason == "line_too_long"
        assert f" {len(line)} bytes" in item.detail
        assert line.startswith(item.excerpt)
        assert len(item.excerpt) == min(256, longest)
    expected = [line for number, line in enumerate(lines, 1) if number not in long]
    together = b"".join(block.data for block in found)
    assert together.removesuffix(b"\n").split(b"\n") == (expected or [b""])
    for block in found:
        assert content[block.offset : block.offset + len(block.data)] == block.data
        assert content[: block.offset].count(b"\n") + 1 == block.first_line
        assert block.data
    assert [block.last for block in found] == [False] * (len(found) - 1) + [True] * bool(found)
    for block in found[:-1]:
        assert block.data.endswith(b"\n")


CONTENTS = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.integers(1, 60).map(lambda length: b"x" * length),
        st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\x00", b"a,b\n"]),
    ),
    max_size=40,
).map(b"".join)


@settings(deadline=None)
@given(content=CONTENTS, block_bytes=st.integers(1, 80), longest=st.integers(1, 80))
def test_blocks_and_long_lines_together_are_the_file(
    content: bytes, block_bytes: int, longest: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assume(compression_of(content[:6]) == "plain")
    path = tmp_path_factory.getbasetemp() / "blocks.log"
    items = list(blocks(log_file(path, content), block_bytes, longest))
    check_against(content, items, longest)
    for item in items:
        if isinstance(item, Block):
            assert (item.file, item.name) == (7, str(path))
            assert len(item.data) <= block_bytes or item.data.count(b"\n") <= 1


@given(
    content=CONTENTS,
    cuts=st.lists(st.integers(0, 200), max_size=8),
    block_bytes=st.integers(1, 80),
    longest=st.integers(1, 80),
)
def test_blocks_do_not_depend_on_the_pieces_in_which_bytes_arrive(
    content: bytes, cuts: list[int], block_bytes: int, longest: int
) -> None:
    def cut(pieces: list[bytes]) -> list[Block | Rejected]:
        cutter = LineCutter(0, "x", block_bytes=block_bytes, max_line_bytes=longest)
        items = [item for piece in pieces for item in cutter.feed(piece)]
        return items + list(cutter.finish())

    edges = sorted({min(edge, len(content)) for edge in [0, *cuts, len(content)]})
    pieces = [content[a:b] for a, b in pairwise(edges)]
    assert cut(pieces) == cut([content])


@given(content=CONTENTS, longest=st.integers(1, 80), at=st.integers(0, 200))
def test_a_follower_goes_on_from_any_flushed_place(content: bytes, longest: int, at: int) -> None:
    first = LineCutter(0, "x", max_line_bytes=longest)
    head = [*first.feed(content[:at]), *first.flush()]
    if first.in_long_line:
        return  # in the middle of a long line there is no place to go on from
    second = LineCutter(0, "x", max_line_bytes=longest, offset=first.offset, line=first.line)
    tail = [*second.feed(content[first.offset :]), *second.finish()]
    whole = LineCutter(0, "x", max_line_bytes=longest)
    together = [*whole.feed(content), *whole.finish()]

    def rejected(items: Sequence[Block | Rejected]) -> list[Rejected]:
        return [item for item in items if isinstance(item, Rejected)]

    def data(items: Sequence[Block | Rejected]) -> bytes:
        return b"".join(item.data for item in items if isinstance(item, Block))

    assert rejected([*head, *tail]) == rejected(together)
    assert data([*head, *tail]) == data(together)


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    assert list(blocks(log_file(tmp_path / "x", b""))) == []
    assert list(blocks(log_file(tmp_path / "x", gzip.compress(b"")))) == []


def test_sizes_that_leave_no_room_are_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        LineCutter(0, "x", block_bytes=0)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_line_just_at_the_bound_is_taken_and_one_over_it_is_not(
    compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    content = b"a" * 100 + b"\n" + b"b" * 101 + b"\n" + b"c" * 101
    items = list(blocks(log_file(tmp_path / "x", compress(content)), max_line_bytes=100))
    check_against(content, items, 100)
    assert [item.line for item in items if isinstance(item, Rejected)] == [2, 3]


def test_a_damaged_file_gives_its_whole_lines_then_the_cut_line_then_the_error(
    tmp_path: Path,
) -> None:
    content = b"".join(b"line %d\n" % number for number in range(10_000))
    packed = gzip.compress(content)
    file = log_file(tmp_path / "x.gz", packed[: len(packed) // 2])
    items, error = until_error(blocks(file, block_bytes=1000))
    found = [item for item in items if isinstance(item, Block)]
    data = b"".join(block.data for block in found)
    assert data.endswith(b"\n")
    assert content.startswith(data)
    assert len(data) > 1000
    assert found[-1].last
    (cut,) = [item for item in items if isinstance(item, Rejected)]
    assert cut.reason == "cut_off"
    assert content.startswith(data + cut.excerpt)
    assert error.line == cut.line == data.count(b"\n") + 1
    assert "damaged" in error.message


def test_what_is_appended_while_a_file_is_read_waits_but_for_the_rest_of_a_line(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x"
    content = b"".join(b"line %6d\n" % number for number in range(60_000))
    file = log_file(path, content + b"half")
    reading = blocks(file, block_bytes=100_000)
    first = next(reading)
    with path.open("ab") as grows:
        grows.write(b" a line\nlater\n")
    rest = list(reading)
    data = b"".join(item.data for item in [first, *rest] if isinstance(item, Block))
    assert data == content + b"half a line\n"


def test_a_file_that_shrinks_while_it_is_read_is_an_error_after_what_was_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x"
    content = b"".join(b"line %6d\n" % number for number in range(200_000))
    reading = blocks(log_file(path, content), block_bytes=100_000)
    first = next(reading)
    os.truncate(path, 1000)
    items, error = until_error(reading)
    data = b"".join(item.data for item in [first, *items] if isinstance(item, Block))
    assert content.startswith(data)
    assert data.endswith(b"\n")
    assert "shorter while it was read" in error.message
    assert error.line == data.count(b"\n") + 1


def test_a_file_that_was_rotated_after_it_was_found_is_not_mistaken(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    file = log_file(path, b"old\n")
    path.rename(tmp_path / "conn.1.log")
    path.write_bytes(b"new\n")
    items, error = until_error(blocks(file))
    assert items == []
    assert "replaced by another file" in error.message
    path.unlink()
    assert "not there" in until_error(blocks(file))[1].message


def test_a_line_of_a_hundred_megabytes_takes_the_memory_of_a_short_one(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.write(b"first\n")
        file.truncate((1 << 28) + 6)  # a hole of zero bytes
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    packed = tmp_path / "x.gz"
    packer = zlib.compressobj(1, wbits=31)
    with packed.open("wb") as file:
        file.write(packer.compress(b"first\n"))
        for _ in range(100):
            file.write(packer.compress(b"x" * (1 << 20)))
        file.write(packer.compress(b"\nlast\n") + packer.flush())
    for file_path, length in ((path, 1 << 28), (packed, 100 << 20)):
        lines, grown_kib = _read_apart(file_path)
        assert lines == [
            "block 1 0 6",
            f"line_too_long 2 the line has {length} bytes; at most 1048576 are read",
            f"block 3 {length + 7} 5",
        ]
        assert grown_kib < 40 * 1024


PROGRAM = """
import resource, sys
from pathlib import Path
from enricher.logs.identify import LogIdentity
from enricher.sources import LogFile, blocks
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
file = LogFile(0, Path(sys.argv[1]), "plain", LogIdentity("tsv", "conn", "conn", None), 0, 0.0)
found = []
for item in blocks(file):
    if hasattr(item, "data"):
        found.append((item.first_line, f"block {item.first_line} {item.offset} {len(item.data)}"))
    else:
        found.append((item.line, f"{item.reason} {item.line} {item.detail}"))
print(*(text for _, text in sorted(found)), sep="\\n")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def _read_apart(path: Path) -> tuple[list[str], int]:
    """Read a file in a process of its own, and tell what it gave and how its memory grew."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, path], capture_output=True, text=True, check=True
    )
    *lines, grown = done.stdout.splitlines()
    return lines, int(grown)
