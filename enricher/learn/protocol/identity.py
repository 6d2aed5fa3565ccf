"""Which records are alike in every feature, so that no copy is on both sides of a split."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from enricher.features.tensors import Features, TextColumn

Identity = npt.NDArray[np.int64]
_SEED = 5


def record_identity(features: Features) -> Identity:
    """A number for each record; records that are alike in every feature and text share it.

    Returns:
        int64 [N], counted from 0. A missing number is like a missing number.
    """
    # Adding 0 makes one zero of two, and one NaN is written over all of them.
    numeric = features.numeric + np.float32(0.0)
    numeric[np.isnan(numeric)] = np.nan
    texts = [_distinct(column)[:, None] for column in features.text.values()]
    words = np.concatenate(
        [numeric.view(np.uint32), features.categorical.astype(np.uint32), *texts], axis=1
    )
    # A random linear function modulo 2^64 (that wraps as it should): a million records collide
    # with a probability of about 1e-7, and sorting whole rows would take a minute.
    weights = np.random.default_rng(_SEED).integers(0, 2**64, words.shape[1], np.uint64)
    mixed = np.zeros(len(words), np.uint64)
    for column, weight in zip(words.T, weights | np.uint64(1), strict=True):
        mixed += column.astype(np.uint64) * weight
    return np.asarray(np.unique(mixed, return_inverse=True)[1], np.int64).reshape(-1)


def _distinct(column: TextColumn) -> npt.NDArray[np.uint32]:
    """uint32 [N]: equal for equal strings. Columns that were joined may hold a string twice."""
    numbers: dict[bytes, int] = {}
    data, offsets = column.data.tobytes(), column.offsets.tolist()
    table = [numbers.setdefault(data[begin:end], len(numbers)) for begin, end in pairwise(offsets)]
    # The last place is for records without a string, whose code is -1.
    return np.array([*table, len(table)], dtype=np.uint32)[column.codes]
