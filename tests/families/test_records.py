"""The records of a family as they stood in the logs."""

from __future__ import annotations

import zlib

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.families import records
from enricher.families.records import bounded, records_from_bytes, records_to_bytes
from enricher.logs import SCHEMAS


def frame_of(queries: list[str | None]) -> pl.DataFrame:
    rows = [{"ts": float(number), "query": query} for number, query in enumerate(queries)]
    return pl.DataFrame(rows, schema=SCHEMAS["dns"])


@given(st.lists(st.none() | st.text(), max_size=20))
def test_what_is_kept_comes_back_as_it_was_whatever_the_values(queries: list[str | None]) -> None:
    frame = frame_of(queries).with_columns(pl.lit("dns.log:1").alias("_place"))
    back = records_from_bytes(records_to_bytes({"dns": frame}))
    assert back["dns"].equals(frame)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        zlib.compress(b"[]"),
        zlib.compress(orjson.dumps({"format": 1, "kinds": {"smtp": {}}})),
        zlib.compress(orjson.dumps({"format": 1, "kinds": {"dns": {"query": [1, 2]}}})),
    ],
)
def test_damaged_records_are_said_to_be_and_nothing_else(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"none|version"):
        records_from_bytes(data)


def test_a_file_that_grows_without_end_when_opened_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="too large"):
        records_from_bytes(zlib.compress(b" " * 100_000))


def test_of_many_records_the_first_half_is_kept_in_a_row_and_the_rest_evenly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "MOST_RECORDS", 100)
    times = bounded(frame_of([None] * 1000))["ts"].to_list()
    assert times[:50] == [float(n) for n in range(50)]
    assert len(times) == 100
    assert times[-1] == 999.0
    assert times == sorted(times)
