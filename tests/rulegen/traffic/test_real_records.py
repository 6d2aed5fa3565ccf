from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from enricher.logs import Block, Kind, open_reader
from enricher.rulegen.traffic.reconstruct import write_capture

Fires = Callable[..., list[int]]
HTTP = 'alert http any any -> any any (msg:"x"; flow:to_server; http.method; content:!"~"; sid:1;)'
CONN = 'alert ip any any -> any any (msg:"x"; flow:to_server; sid:1;)'


@pytest.mark.parametrize(("kind", "rule"), [("http", HTTP), ("conn", CONN)])
def test_the_engine_sees_every_record_of_a_real_log_that_is_not_left_out(
    shared_data: Path, tmp_path: Path, fires: Fires, kind: Kind, rule: str
) -> None:
    log = shared_data / "zeek/labelled/ctu-sme-11-ubuntu-benign" / f"{kind}.log.labeled.gz"
    data = gzip.decompress(log.read_bytes())
    read = open_reader("json" if data.startswith(b"{") else "tsv", str(log), kind)
    batches = read.read(Block(0, str(log), data, 1, 0, last=True)).batches
    frame = pl.concat([batch.frame for batch in batches]).head(3000)
    out = {row for _, row, _ in write_capture({kind: frame}, tmp_path / "x.pcap").left_out}
    assert len(out) < 0.05 * frame.height
    assert set(fires(kind, frame, rule, midstream=True)) == set(range(frame.height)) - out


def test_a_method_that_the_engine_does_not_know_is_seen_by_its_response(
    rows: Callable[..., pl.DataFrame], fires: Fires
) -> None:
    records = [
        {"method": "GET", "uri": "/"},
        {"method": "FROB", "uri": "/", "status_code": 200},
    ]
    assert set(fires("http", rows("http", records), HTTP)) == {0, 1}
