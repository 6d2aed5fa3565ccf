"""Features of a record come back from JSON as they were, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from enricher.config import load_settings
from enricher.detector.detector import Detector
from enricher.features.context import ContextTracker
from enricher.features.extract import extract
from enricher.features.rows import FeatureRow, rows_of
from enricher.logs import LogBatch
from enricher.pipeline.packed_rows import pack_row, unpack_row
from enricher.pipeline.reading import RecordStream, find_logs

EACH = 25


@pytest.fixture(scope="module")
def rows(site: Path) -> list[FeatureRow]:
    """Some records of every kind of the simulated site."""
    names = Detector.load("base", "cpu").bundle.names
    batches: dict[str, LogBatch] = {}
    for batch in RecordStream(find_logs([site]).files, load_settings().settings.reading, 4096):
        batches.setdefault(batch.kind, batch)
    found: list[FeatureRow] = []
    for batch in batches.values():
        features = extract(
            batch, ContextTracker(batch.kind, sources=64, pairs=64, destinations=64), names
        )
        found += rows_of(features, np.arange(min(EACH, len(batch))))
    return found


def test_every_row_comes_back_bit_for_bit(rows: list[FeatureRow]) -> None:
    assert len({row.kind for row in rows}) == 4
    for row in rows:
        back = unpack_row(orjson.loads(orjson.dumps(pack_row(row))))
        assert back is not None
        assert back.numeric.tobytes() == row.numeric.tobytes()
        assert back.categorical.tobytes() == row.categorical.tobytes()
        assert (back.kind, back.text) == (row.kind, row.text)


@pytest.mark.parametrize(
    "change",
    [
        {"numeric": ""},
        {"numeric": "no base64!"},
        {"numeric": "AAA="},
        {"categorical": ""},
        {"text": {"uri": None}},
        {"kind": "smtp"},
        {"more": 1},
    ],
)
def test_a_damaged_row_is_refused(rows: list[FeatureRow], change: dict[str, Any]) -> None:
    packed = pack_row(rows[0])
    assert packed is not None
    with pytest.raises(ValueError, match=r"."):
        unpack_row({**packed, **change})


def test_a_category_out_of_its_range_is_refused(rows: list[FeatureRow]) -> None:
    row = rows[0]
    row = FeatureRow(row.kind, row.spec_version, row.numeric, row.categorical + 10_000, row.text)
    with pytest.raises(ValueError, match="category"):
        unpack_row(pack_row(row))


def test_rows_of_another_specification_are_let_go(rows: list[FeatureRow]) -> None:
    packed = pack_row(rows[0])
    assert packed is not None
    assert unpack_row({**packed, "spec_version": 999}) is None
    assert pack_row("something else") is None
