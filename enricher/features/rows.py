"""Taking some records out of features, and joining features of several batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from enricher.features.tensors import Features, TextColumn

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
