"""Hiding part of the features of records, as poorer sensors do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from enricher.features.tensors import Features, TextColumn


@dataclass(frozen=True, slots=True)
class Dropout:
    """How often a value is hidden in training, so that a model copes with poorer records.

    Attributes:
        numeric: Share of numbers that become missing.
        categorical: Share of categories that become absent.
        text: Share of texts that become absent.
        whole: Share of records that lose a random half of all their fields at once, as a record
            of another sensor would.
    """

    numeric: float = 0.1
    categorical: float = 0.1
    text: float = 0.15
    whole: float = 0.15


def hide(features: Features, share: Dropout, rng: np.random.Generator) -> Features:
    """A copy of the features in which a random part of the values is missing."""
    count = len(features)
    poorer = rng.random(count) < share.whole
    numeric_share = np.where(poorer, 0.5, share.numeric)[:, None]
    categorical_share = np.where(poorer, 0.5, share.categorical)[:, None]
    text_share = np.where(poorer, 0.5, share.text)
    numeric_gone = rng.random(features.numeric.shape, dtype=np.float32) < numeric_share
    categorical_gone = rng.random(features.categorical.shape) < categorical_share
    return Features(
        kind=features.kind,
        spec_version=features.spec_version,
        numeric=np.where(numeric_gone, np.float32(np.nan), features.numeric),
        categorical=np.where(categorical_gone, 0, features.categorical).astype(np.int32),
        text={
            name: TextColumn(
                column.data,
                column.offsets,
                np.where(rng.random(count) < text_share, -1, column.codes).astype(np.int32),
            )
            for name, column in features.text.items()
        },
    )
