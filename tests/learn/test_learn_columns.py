"""Taking, joining and hiding change which values there are, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.features.rows import join, take
from enricher.features.tensors import Features, TextColumn
from enricher.learn.columns import Dropout, hide


def features(texts: list[str | None], start: int = 0) -> Features:
    distinct = sorted({text for text in texts if text is not None})
    raw = [text.encode() for text in distinct]
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    codes = [-1 if text is None else distinct.index(text) for text in texts]
    numbers = np.arange(start, start + len(texts), dtype=np.float32)[:, None]
    return Features(
        kind="http",
        spec_version=1,
        numeric=np.concatenate([numbers, -numbers], axis=1),
        categorical=np.full((len(texts), 3), 4, dtype=np.int32),
        text={
            "uri": TextColumn(
                np.frombuffer(b"".join(raw), dtype=np.uint8), offsets, np.array(codes, np.int32)
            )
        },
    )


def strings(column: TextColumn) -> list[str | None]:
    data = column.data.tobytes()
    return [
        None if code < 0 else data[column.offsets[code] : column.offsets[code + 1]].decode()
        for code in column.codes
    ]


TEXTS = st.lists(st.none() | st.text(max_size=5), min_size=1, max_size=12)


@given(TEXTS, st.data())
def test_taken_rows_keep_their_values_and_only_their_strings(
    texts: list[str | None], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=20))
    taken = take(features(texts), np.array(rows, dtype=np.int64))
    wanted = [texts[row] for row in rows]
    assert strings(taken.text["uri"]) == wanted
    assert len(taken.text["uri"].offsets) == len({text for text in wanted if text is not None}) + 1
    assert taken.numeric[:, 0].tolist() == rows


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_joined_parts_have_all_records_in_order(parts: list[list[str | None]]) -> None:
    joined = join([features(part, start=10 * place) for place, part in enumerate(parts)])
    assert strings(joined.text["uri"]) == [text for part in parts for text in part]
    assert joined.numeric[:, 0].tolist() == [
        10.0 * place + row for place, part in enumerate(parts) for row in range(len(part))
    ]


def test_features_of_several_versions_are_not_joined() -> None:
    other = features(["a"])
    newer = Features("http", 2, other.numeric, other.categorical, other.text)
    with pytest.raises(ValueError, match="one kind and version"):
        join([other, newer])


def test_hiding_takes_the_share_it_is_asked_for_and_leaves_the_rest() -> None:
    whole = features(["abc"] * 4000)
    hidden = hide(whole, Dropout(0.2, 0.3, 0.4, whole=0.0), np.random.default_rng(0))
    gone = np.isnan(hidden.numeric)
    assert abs(gone.mean() - 0.2) < 0.03
    assert (hidden.numeric[~gone] == whole.numeric[~gone]).all()
    assert abs((hidden.categorical == 0).mean() - 0.3) < 0.03
    assert abs((hidden.text["uri"].codes == -1).mean() - 0.4) < 0.03
    assert not np.isnan(whole.numeric).any()


def test_nothing_is_hidden_when_nothing_is_asked_for() -> None:
    whole = features(["abc", None])
    hidden = hide(whole, Dropout(0, 0, 0, 0), np.random.default_rng(0))
    assert (hidden.numeric == whole.numeric).all()
    assert strings(hidden.text["uri"]) == ["abc", None]
