"""Records taken out of features and put together again are the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.features.rows import features_of, join, rows_of, take
from enricher.features.tensors import Features, TextColumn

STRINGS = [b"", b"a", b"bc", "é".encode(), b"\0x"]


def made(codes: list[int], seed: int) -> Features:
    rng = np.random.default_rng(seed)
    offsets = np.cumsum([0, *map(len, STRINGS)]).astype(np.int64)
    text = TextColumn(
        np.frombuffer(b"".join(STRINGS), np.uint8), offsets, np.asarray(codes, np.int32)
    )
    return Features(
        kind="dns",
        spec_version=1,
        numeric=rng.random((len(codes), 3), dtype=np.float32),
        categorical=rng.integers(0, 9, (len(codes), 2), dtype=np.int32),
        text={"query": text},
    )


def strings(features: Features) -> list[bytes | None]:
    column = features.text["query"]
    return [
        None if c < 0 else bytes(column.data[column.offsets[c] : column.offsets[c + 1]])
        for c in column.codes.tolist()
    ]


@given(
    codes=st.lists(st.integers(-1, len(STRINGS) - 1), min_size=1, max_size=20),
    data=st.data(),
)
def test_rows_put_together_are_what_take_gives(codes: list[int], data: st.DataObject) -> None:
    features = made(codes, 1)
    places = st.lists(st.integers(0, len(codes) - 1), min_size=1, max_size=30)
    rows = np.asarray(data.draw(places), dtype=np.int64)
    one, other = features_of(rows_of(features, rows)), take(features, rows)
    for got in (one, other):
        np.testing.assert_array_equal(got.numeric, features.numeric[rows])
        np.testing.assert_array_equal(got.categorical, features.categorical[rows])
        assert strings(got) == [strings(features)[row] for row in rows]


def test_joined_features_have_the_records_of_all_parts() -> None:
    one, other = made([0, -1, 3], 1), made([2, 2], 2)
    assert strings(join([one, other])) == strings(one) + strings(other)


def test_a_row_does_not_keep_its_batch_alive() -> None:
    (row,) = rows_of(made([1, 2, 3], 1), np.array([1]))
    assert row.numeric.base is None
    assert row.categorical.base is None


def test_nothing_cannot_be_put_together() -> None:
    with pytest.raises(ValueError, match="needed"):
        features_of([])
