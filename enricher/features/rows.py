"""Taking some records out of features, and joining features of several batches or records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.features.tensors import Features, FloatArray, IntArray, TextColumn
from enricher.logs import Kind

Rows = npt.NDArray[np.int64]


def take(features: Features, rows: Rows) -> Features:
    """The records at ``rows`` (int64 [R]), with only the strings that they have."""
    return Features(
        kind=features.kind,
        spec_version=features.spec_version,
        numeric=features.numeric[rows],
        categorical=features.categorical[rows],
        text={name: _take_text(column, rows) for name, column in features.text.items()},
    )


def _take_text(column: TextColumn, rows: Rows) -> TextColumn:
    codes = column.codes[rows]
    kept, place = np.unique(codes[codes >= 0], return_inverse=True)
    begins = column.offsets[kept]
    lengths = column.offsets[kept + 1] - begins
    offsets = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    shift = np.repeat(begins - offsets[:-1], lengths)
    renumbered = np.full(len(codes), -1, dtype=np.int32)
    renumbered[codes >= 0] = place
    return TextColumn(
        data=column.data[np.arange(offsets[-1]) + shift], offsets=offsets, codes=renumbered
    )


def join(parts: Sequence[Features]) -> Features:
    """The records of all parts, in order.

    Raises:
        ValueError: If there are none, or they differ in kind or specification.
    """
    signs = {(part.kind, part.spec_version, tuple(part.text)) for part in parts}
    if len(signs) != 1:
        raise ValueError(f"features of one kind and version are needed, got {sorted(signs)}")
    kind, version, names = signs.pop()
    return Features(
        kind=kind,
        spec_version=version,
        numeric=np.concatenate([part.numeric for part in parts]),
        categorical=np.concatenate([part.categorical for part in parts]),
        text={name: _join_text([part.text[name] for part in parts]) for name in names},
    )


def _join_text(columns: Sequence[TextColumn]) -> TextColumn:
    data, offsets, codes = [], [np.zeros(1, dtype=np.int64)], []
    strings = size = 0
    for column in columns:
        data.append(column.data[column.offsets[0] : column.offsets[-1]])
        offsets.append(column.offsets[1:] - column.offsets[0] + size)
        codes.append(np.where(column.codes >= 0, column.codes + strings, -1).astype(np.int32))
        strings += len(column.offsets) - 1
        size += len(data[-1])
    return TextColumn(np.concatenate(data), np.concatenate(offsets), np.concatenate(codes))


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """The features of one record, apart from those of the others in its batch.

    Attributes:
        kind: Kind of the record.
        spec_version: Version of the feature specification.
        numeric: float32 [D].
        categorical: int32 [C].
        text: Bytes of each text field, None where the record has none.
    """

    kind: Kind
    spec_version: int
    numeric: FloatArray
    categorical: IntArray
    text: dict[str, bytes | None]


def rows_of(features: Features, rows: Rows) -> list[FeatureRow]:
    """The records at ``rows`` (int64 [R]), each by itself, so that none keeps a batch alive."""
    names = list(features.text)
    texts = [_strings(features.text[name], rows) for name in names]
    return [
        FeatureRow(
            features.kind,
            features.spec_version,
            features.numeric[row].copy(),
            features.categorical[row].copy(),
            {name: column[place] for name, column in zip(names, texts, strict=True)},
        )
        for place, row in enumerate(rows.tolist())
    ]


def _strings(column: TextColumn, rows: Rows) -> list[bytes | None]:
    offsets, data = column.offsets, column.data
    return [
        None if code < 0 else data[offsets[code] : offsets[code + 1]].tobytes()
        for code in column.codes[rows].tolist()
    ]


def features_of(rows: Sequence[FeatureRow]) -> Features:
    """Put records of one kind together again, in order.

    Raises:
        ValueError: If there are none, or they differ in kind or specification.
    """
    signs = {(row.kind, row.spec_version, tuple(row.text)) for row in rows}
    if len(signs) != 1:
        raise ValueError(f"records of one kind and version are needed, got {sorted(signs)}")
    kind, version, names = signs.pop()
    return Features(
        kind=kind,
        spec_version=version,
        numeric=np.stack([row.numeric for row in rows]),
        categorical=np.stack([row.categorical for row in rows]),
        text={name: _column([row.text[name] for row in rows]) for name in names},
    )


def _column(strings: Sequence[bytes | None]) -> TextColumn:
    codes: dict[bytes, int] = {}
    places = [-1 if s is None else codes.setdefault(s, len(codes)) for s in strings]
    offsets = np.zeros(len(codes) + 1, dtype=np.int64)
    np.cumsum([len(s) for s in codes], out=offsets[1:])
    data = np.frombuffer(b"".join(codes), dtype=np.uint8)
    return TextColumn(data, offsets, np.asarray(places, dtype=np.int32))
