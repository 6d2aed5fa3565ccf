"""Raw records of a discovery: as they stood in the log, whatever stood there."""

from __future__ import annotations

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.errors import StateError
from enricher.families.discovery.candidates import Candidates
from enricher.features.spec import SPECS
from enricher.features.tensors import Features
from enricher.logs import SCHEMAS
from enricher.pipeline.discovery_records import MAX_RECORDS_BYTES, frame_of, records_of

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def candidates(frame: pl.DataFrame) -> Candidates:
    count, spec = frame.height, SPECS["http"]
    features = Features(
        "http", spec.version, np.zeros((count, len(spec.numeric)), dtype=np.float32),
        np.zeros((count, len(spec.categorical)), dtype=np.int32), {},
    )  # fmt: skip
    empty = np.zeros((count, 1), dtype=np.float32)
    return Candidates(frame, features, empty, empty, np.ones(count))


def http(uris: list[str | None], mimes: list[str] | None = None, size: int = 7) -> pl.DataFrame:
    rows = {name: [None] * len(uris) for name in SCHEMAS["http"]}
    given_columns = {"uri": uris, "resp_mime_types": [mimes] * len(uris)}
    given_columns["response_body_len"] = [size] * len(uris)
    return pl.DataFrame(rows | given_columns, schema=SCHEMAS["http"])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.none() | text, min_size=1, max_size=5),
    st.none() | st.lists(text, max_size=3),
    st.integers(-(2**63), 2**63 - 1),
)
def test_what_stood_in_the_log_comes_back(
    uris: list[str | None], mimes: list[str] | None, size: int
) -> None:
    frame = http(uris, mimes, size)
    assert frame_of("http", records_of(candidates(frame))).equals(frame)


def test_records_that_are_too_large_are_not_kept() -> None:
    large = http(["x" * (MAX_RECORDS_BYTES // 4)] * 5)
    assert records_of(candidates(large)) == b""
    assert frame_of("http", b"").height == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04N.",
        b"{}]",
        b"[1, 2]",
        orjson.dumps([{"status_code": "two hundred"}]),
        orjson.dumps([{"status_code": 2**60}]),
        orjson.dumps([{"uri": {"a": [1]}}]),
        b"[" + b" " * MAX_RECORDS_BYTES + b"]",
    ],
)
def test_damaged_records_are_refused(data: bytes) -> None:
    with pytest.raises(StateError, match="discover"):
        frame_of("http", data)
