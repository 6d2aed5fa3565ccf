"""Every log at hand reads without a loss, counted by something that is not our code."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from zat import zeek_log_reader

from enricher.logs import KINDS, Kind, ReadResult

Read = Callable[..., ReadResult]

# The name of a log is the part before the first dot that is one; labels and times come after.
NAMES = {"open_conn": "conn", "conn": "conn", "http": "http", "dns": "dns", "ssl": "ssl"}
OTHERS = {
    "philips-hue.conn.log.gz": "conn",
    "dns_tunnel.dns.log.labeled.gz": "dns",
    "iot23.conn.log.labeled.gz": "conn",
    "labeled-conn.log.gz": "conn",
    "slips_portscan_vertical_conn.log.gz": "conn",
    "slips_portscan_horizontal_conn.log.gz": "conn",
    "rita_valid_tsv_http.log.gz": "http",
    "rita_valid_json_http.log.gz": "http",
}


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def logs(folder: Path) -> Iterator[tuple[Path, Kind]]:
    for path in sorted(folder.rglob("*")):
        name = OTHERS.get(path.name) or NAMES.get(path.name.split(".")[0])
        if path.is_file() and name in KINDS:
            yield path, name


def assert_all_read(result: ReadResult, kinds: Counter[str], path: Path) -> None:
    found = Counter({batch.kind: len(batch) for batch in result.batches})
    assert (found, result.rejected) == (kinds, []), path
    for batch in result.batches:
        assert batch.frame["ts"].null_count() == 0, path
        assert batch.frame["id.orig_h"].null_count() == 0, path


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["labelled", "unlabelled", "genuine"])
def test_every_zeek_log_reads_without_a_loss(
    shared_data: Path, read_bytes: Read, folder: str
) -> None:
    records: Counter[str] = Counter()
    for path, kind in logs(shared_data / "zeek" / folder):
        data = content(path)
        lines = [line for line in data.split(b"\n") if line]
        if lines[0].startswith(b"{"):
            assert all(isinstance(json.loads(line), dict) for line in lines[:50])
            result = read_bytes(data, "json", kind)
        else:
            lines = [line for line in lines if not line.startswith(b"#")]
            result = read_bytes(data, "tsv", kind)
        assert_all_read(result, Counter({kind: len(lines)} if lines else {}), path)
        assert not result.passed
        records[kind] += len(lines)
    assert all(records[kind] > 10_000 for kind in ("conn", "dns")), records


def test_every_eve_log_reads_without_a_loss(shared_data: Path, read_bytes: Read) -> None:
    kinds = {"flow": "conn", "http": "http", "dns": "dns", "tls": "ssl"}
    for path in sorted((shared_data / "eve").rglob("*.gz")):
        data = content(path)
        types = Counter(json.loads(line)["event_type"] for line in data.splitlines())
        result = read_bytes(data, "eve")
        expected = {kinds[name]: count for name, count in types.items() if name in kinds}
        assert_all_read(result, Counter(expected), path)
        others = {f"event:{name}": count for name, count in types.items() if name not in kinds}
        assert result.passed == Counter(others), path


@pytest.mark.parametrize(
    ("json_name", "tsv_name", "kind", "differing"),
    [
        ("wrccdc-2018/zeek-json/ssl.json.gz", "wrccdc-2018/zeek-default/ssl.log.gz", "ssl", {}),
        # The TSV has six digits of an interval, the JSON all.
        ("wrccdc-2018/zeek-json/dns.json.gz", "wrccdc-2018/zeek-default/dns.log.gz", "dns",
         {"rtt": 1e-6}),
        # The JSON was made of the TSV by a program that left empty texts out.
        ("rita-http/rita_valid_json_http.log.gz", "rita-http/rita_valid_tsv_http.log.gz", "http",
         {"status_msg": None}),
    ],
)  # fmt: skip
def test_tsv_and_json_of_the_same_records_agree(
    shared_data: Path,
    read_bytes: Read,
    json_name: str,
    tsv_name: str,
    kind: Kind,
    differing: dict[str, float | None],
) -> None:
    folder = shared_data / "zeek" / "unlabelled"
    left = read_bytes(content(folder / json_name), "json", kind).batches[0].frame
    right = read_bytes(content(folder / tsv_name), "tsv", kind).batches[0].frame
    for name, tolerance in differing.items():
        if tolerance is None:
            left = left.with_columns(pl.col(name).fill_null(""))
            right = right.with_columns(pl.col(name).fill_null(""))
        else:
            assert ((left[name] - right[name]).abs() <= tolerance).all()
            left, right = left.drop(name), right.drop(name)
    assert_frame_equal(left.drop("_line"), right.drop("_line"), check_exact=True)


@pytest.mark.parametrize(
    "name",
    [
        "labelled/ctu-sme-11-ubuntu-benign/http.log.labeled.gz",
        "labelled/ctu-sme-11-ubuntu-benign/dns.log.labeled.gz",
        "labelled/stratosphere-010-exposed-windows/ssl.log.labeled.gz",
    ],
)
def test_a_second_reader_finds_the_same_texts(
    shared_data: Path, read_bytes: Read, tmp_path: Path, name: str
) -> None:
    data = content(shared_data / "zeek" / name)
    plain = tmp_path / "plain.log"
    plain.write_bytes(data)
    theirs = list(zeek_log_reader.ZeekLogReader(str(plain)).readrows())
    frame = read_bytes(data, "tsv").batches[0].frame
    assert frame.height == len(theirs)
    for column in ("uid", "id.orig_h", "id.resp_h"):
        assert frame[column].to_list() == [record[column] for record in theirs]
    ports = frame["id.resp_p"].to_list()
    assert ports == [int(record["id.resp_p"]) for record in theirs]
