"""Reading ahead changes when files are read, not what is read of them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.config import ReadingSettings
from enricher.logs import Block, Rejected
from enricher.pipeline.ahead import Drawn
from enricher.pipeline.files_ahead import Part, read_ahead
from enricher.pipeline.reading import RecordStream, find_logs

HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\n"
)
ROW = "{ts:.6f}\t{uid}\t10.0.0.1\t40000\t192.0.2.1\t443\ttcp\tSF\n"


def log(number: int, records: int) -> bytes:
    """A log of an hour of its own."""
    start = 1_700_000_000.0 + 3600 * number
    rows = [ROW.format(ts=start + n / 1e6, uid=f"C{number}x{n}") for n in range(records)]
    return (HEAD + "".join(rows)).encode()


def write(folder: Path, number: int, content: bytes, *, packed: bool = False) -> Path:
    path = folder / f"conn.{number:05}.log{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    return path


def records(stream: RecordStream) -> pl.DataFrame:
    return pl.concat([batch.frame.select("uid", "_file", "_line") for batch in stream])


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(
        st.tuples(st.sampled_from([1, 3, 40, 9000]), st.booleans()), min_size=1, max_size=12
    )
)
def test_records_of_many_files_keep_their_order_file_and_line(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[tuple[int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    for number, (count, packed) in enumerate(sizes):
        write(folder, number, log(number, count), packed=packed)
    stream = RecordStream(find_logs([folder]).files, ReadingSettings(block_bytes=65_536), 5000)
    found = records(stream)
    expected = [(number, n) for number, (count, _) in enumerate(sizes) for n in range(count)]
    assert found["uid"].to_list() == [f"C{number}x{n}" for number, n in expected]
    assert found["_file"].to_list() == [number for number, _ in expected]
    assert found["_line"].to_list() == [n + 7 for _, n in expected]
    assert [tally.read for tally in stream.files] == [count for count, _ in sizes]


def test_a_bad_line_in_one_of_many_small_files_is_told_with_its_file_and_line(
    tmp_path: Path,
) -> None:
    for number in range(50):
        write(tmp_path, number, log(number, 5))
    bad = write(tmp_path, 31, log(31, 5) + b"junk\n" + ROW.format(ts=1.8e9, uid="Cend").encode())
    rejected: list[Rejected] = []
    stream = RecordStream(
        find_logs([tmp_path]).files, ReadingSettings(), 1000, on_rejected=rejected.extend
    )
    found = records(stream)
    assert [(line.file, line.line, line.reason) for line in rejected] == [
        (str(bad), 12, "field_count")
    ]
    assert found.filter(uid="Cend").row(0) == ("Cend", 31, 13)
    assert len(found) == 251
    assert [tally.dropped for tally in stream.files] == [0] * 31 + [1] + [0] * 18
    assert stream.files[31].read == 7


def test_damage_in_a_file_that_is_read_ahead_is_told_at_its_place(tmp_path: Path) -> None:
    for number in range(8):
        write(tmp_path, number, log(number, 20_000), packed=True)
    whole = (tmp_path / "conn.00003.log.gz").read_bytes()
    (tmp_path / "conn.00003.log.gz").write_bytes(whole[: len(whole) // 2])
    files = find_logs([tmp_path]).files
    order: list[tuple[int, bool]] = []
    with closing(read_ahead(files, ReadingSettings(block_bytes=65_536))) as reading:
        for parts in reading:
            order += [(part.file.number, part.error is not None) for part in parts if part.ended]
    assert order == [(number, number == 3) for number in range(8)]
    stream = RecordStream(files, ReadingSettings(), 10_000)
    found = records(stream)
    assert [bool(tally.error) for tally in stream.files] == [number == 3 for number in range(8)]
    assert found["_file"].is_sorted()
    assert 0 < found.filter(_file=3).height < 20_000


def test_a_file_that_is_gone_when_its_turn_comes_is_an_error_of_that_file(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path, number, log(number, 3))
    files = find_logs([tmp_path]).files
    (tmp_path / "conn.00002.log").unlink()
    stream = RecordStream(files, ReadingSettings(), 1000)
    assert len(records(stream)) == 12
    assert ["not there" in (tally.error or "") for tally in stream.files] == [
        number == 2 for number in range(5)
    ]


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
@pytest.mark.parametrize("count", [1, 1500])
def test_few_files_are_open_at_a_time_however_many_there_are(tmp_path: Path, count: int) -> None:
    for number in range(200):
        write(tmp_path, number, log(number, count), packed=True)
    files = find_logs([tmp_path]).files
    before = _descriptors()
    most = 0
    with closing(read_ahead(files, ReadingSettings(block_bytes=65_536))) as reading:
        for _ in reading:
            most = max(most, _descriptors() - before)
    assert most <= 8
    assert _descriptors() == before


def test_who_stops_reading_leaves_no_thread_and_no_open_file(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path, number, log(number, 20_000), packed=True)
    files = find_logs([tmp_path]).files
    threads, descriptors = threading.active_count(), _descriptors()
    reading = read_ahead(files, ReadingSettings(block_bytes=65_536))
    part = next(reading)[0]
    assert isinstance(part, Part)
    reading.close()
    assert threading.active_count() == threads
    assert _descriptors() == descriptors


def test_a_small_file_that_inflates_to_much_is_read_block_by_block(tmp_path: Path) -> None:
    write(tmp_path, 0, log(0, 2), packed=True)
    rows = "".join(ROW.format(ts=1_700_003_600.0, uid="C") for _ in range(100_000))
    bomb = write(tmp_path, 1, (HEAD + rows).encode(), packed=True)
    write(tmp_path, 2, log(2, 2), packed=True)
    assert bomb.stat().st_size < 64 * 1024
    files = find_logs([tmp_path]).files
    sizes = [
        len(item.data)
        for parts in read_ahead(files, ReadingSettings(block_bytes=65_536))
        for part in parts
        for item in part.items
        if isinstance(item, Block)
    ]
    assert max(sizes) <= 65_536
    assert len(records(RecordStream(files, ReadingSettings(block_bytes=65_536), 1000))) == 100_004


def test_drawing_begins_at_once_and_an_error_comes_in_its_turn() -> None:
    begun = threading.Event()

    def items() -> Iterator[int]:
        begun.set()
        yield 1
        yield 2
        raise ValueError("three")

    with closing(Drawn(items(), 4)) as drawn:
        assert begun.wait(10)
        taken: list[int] = []
        with pytest.raises(ValueError, match="three"):
            taken.extend(drawn)
        assert taken == [1, 2]
