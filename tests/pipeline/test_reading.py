"""What the reading stage promises: every record once, in order, whatever the batches."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.config import ReadingSettings
from enricher.errors import InputError
from enricher.logs import Rejected
from enricher.pipeline.reading import RecordStream, find_logs

HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{path}\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\n"
)


def conn_log(uids: Iterable[str], start: float = 1_700_000_000.0, path: str = "conn") -> bytes:
    rows = [
        f"{start + place:.6f}\t{uid}\t10.0.0.1\t40000\t192.0.2.1\t443\ttcp\tSF\n"
        for place, uid in enumerate(uids)
    ]
    return (HEAD.format(path=path) + "".join(rows)).encode()


def stream_of(
    folder: Path, batch_records: int = 1000, rejected: list[Rejected] | None = None
) -> RecordStream:
    lines: list[Rejected] = [] if rejected is None else rejected
    return RecordStream(
        find_logs([folder]).files, ReadingSettings(), batch_records, on_rejected=lines.extend
    )


def uids_of(stream: RecordStream) -> list[str]:
    return [uid for batch in stream for uid in batch.frame["uid"].to_list()]


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5), batch=st.integers(1, 50))
@settings(max_examples=25, deadline=None)
def test_batches_span_files_keep_the_order_and_are_of_one_size(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], batch: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    expected = []
    for number, size in enumerate(sizes):
        uids = [f"C{number}x{place}" for place in range(size)]
        expected += uids
        start = 1_700_000_000.0 + 3600 * number
        (folder / f"conn.{number:02}.log").write_bytes(conn_log(uids, start))
    batches = list(stream_of(folder, batch))
    assert [uid for b in batches for uid in b.frame["uid"].to_list()] == expected
    assert all(len(b) == batch for b in batches[:-1])
    assert 1 <= len(batches[-1]) <= batch


def test_a_connection_of_conn_long_that_conn_log_has_too_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "conn_long.log").write_bytes(conn_log(["Ca", "Cb", "Ca"], path="conn_long"))
    (tmp_path / "conn.log").write_bytes(conn_log(["Cx", "Ca"]))
    stream = stream_of(tmp_path)
    assert sorted(uids_of(stream)) == ["Ca", "Cb", "Cx"]
    assert stream.tallies["conn"].read == 5
    assert stream.tallies["conn"].dropped == {"repeated_connection": 2}


def test_what_is_good_of_a_damaged_file_is_read_and_then_the_next_file(tmp_path: Path) -> None:
    whole = gzip.compress(conn_log([f"C{n}" for n in range(20_000)]), mtime=0)
    (tmp_path / "conn.00.log.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "conn.01.log").write_bytes(conn_log(["Clast"], 1_800_000_000.0))
    stream = stream_of(tmp_path)
    uids = uids_of(stream)
    assert uids[-1] == "Clast"
    assert 0 < len(uids) - 1 < 20_000
    assert uids[:-1] == [f"C{n}" for n in range(len(uids) - 1)]
    assert [tally.error is not None for tally in stream.files] == [True, False]


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_read_is_given_plus_dropped_however_a_log_is_mangled(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("mangled")
    lines = conn_log([f"C{n}" for n in range(30)]).splitlines(keepends=True)
    body = lines[7:]
    for _ in range(data.draw(st.integers(0, 10))):
        place = data.draw(st.integers(0, len(body) - 1))
        junk = data.draw(st.binary(max_size=60).filter(lambda b: b"\n" not in b))
        body[place] = junk + b"\n"
    (folder / "conn.log").write_bytes(b"".join(lines[:7] + body))
    rejected: list[Rejected] = []
    stream = stream_of(folder, 7, rejected)
    given_records = len(uids_of(stream))
    tally = stream.tallies["conn"]
    records = [line for line in body if line.strip(b"\r\n") and not line.startswith(b"#")]
    assert tally.read == len(records)
    assert tally.read == given_records + tally.dropped.total()
    assert tally.dropped.total() == len(rejected)


def test_a_directory_without_logs_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(InputError, match="no Zeek or Suricata log"):
        find_logs([tmp_path])


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        find_logs([tmp_path / "nowhere"])


@pytest.fixture(scope="module")
def everything(shared_data: Path) -> tuple[RecordStream, dict[str, int]]:
    stream = RecordStream(
        find_logs([shared_data / "zeek", shared_data / "eve"]).files, ReadingSettings(), 65_536
    )
    given_records: dict[str, int] = {}
    for batch in stream:
        assert isinstance(batch.frame, pl.DataFrame)
        given_records[batch.kind] = given_records.get(batch.kind, 0) + len(batch)
    return stream, given_records


def _count_lines(path: Path) -> int:
    """Records of a log by nothing but its lines."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return sum(bool(line) and not line.startswith(b"#") for line in content.split(b"\n"))


def test_every_real_log_gives_as_many_records_as_it_has_lines(
    everything: tuple[RecordStream, dict[str, int]],
) -> None:
    stream, _ = everything
    wrong = [
        (str(tally.file.path), tally.read, lines)
        for tally in stream.files
        if tally.read != (lines := _count_lines(tally.file.path))
    ]
    assert len(stream.files) > 900
    assert wrong == []
    assert [t for t in stream.files if t.error] == []


def test_no_real_record_is_rejected(everything: tuple[RecordStream, dict[str, int]]) -> None:
    stream, given_records = everything
    for kind in ("conn", "http", "dns", "ssl"):
        tally = stream.tallies[kind]
        assert set(tally.dropped) <= {"repeated_connection"}
        assert tally.read == given_records[kind] + tally.dropped.total()


def test_every_real_event_of_another_type_is_counted(
    shared_data: Path, everything: tuple[RecordStream, dict[str, int]]
) -> None:
    stream, _ = everything
    counted: dict[str, int] = {}
    for path in (shared_data / "eve").rglob("*.gz"):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            event = json.loads(line)["event_type"]
            if event not in {"flow", "http", "dns", "tls"}:
                counted[f"event:{event}"] = counted.get(f"event:{event}", 0) + 1
    assert dict(stream.tallies["other"].dropped) == counted
