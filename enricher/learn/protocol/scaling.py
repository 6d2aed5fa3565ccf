"""Tables of features as raw numbers, and scaled for methods that measure distances."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.features import SPECS, Features, without
from enricher.features.spec import Group
from enricher.learn.views import FloatArray

_QUANTILES = 101
_RAREST = 1e-3


def table_of(features: Features, hidden: Collection[Group] = ()) -> FloatArray:
    """Numbers, then categories as they are, float32 [N, D]; groups that are hidden are left out."""
    shown = without(features, hidden) if hidden else features
    return np.concatenate([shown.numeric, shown.categorical.astype(np.float32)], axis=1)


def category_columns(features: Features, hidden: Collection[Group] = ()) -> int:
    """How many of the last columns of :func:`table_of` are categories."""
    return len(SPECS[features.kind].hidden(hidden).categorical)


@dataclass(frozen=True, slots=True)
class TableScaler:
    """Quantiles of numbers, and one column for each category that is not rare.

    Attributes:
        quantiles: float64 [Q, D'], ascending quantiles of the numeric columns.
        varied: bool [D'], columns with more than one value.
        missing: bool [D'], columns that get a second one, telling that the value is missing.
        values: float32 [V, 2], pairs of category column and value.
    """

    quantiles: npt.NDArray[np.float64]
    varied: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.bool_]
    values: FloatArray

    @classmethod
    def fit(cls, table: FloatArray, categories: int) -> TableScaler:
        """Fit to the records of training.

        Args:
            table: float32 [N, D], N at least 1.
            categories: How many of its last columns are categories.
        """
        border = table.shape[1] - categories
        numeric = table[:, :border].astype(np.float64)
        absent = np.isnan(numeric)
        numeric[:, absent.all(axis=0)] = 0.0
        quantiles = np.nanquantile(numeric, np.linspace(0, 1, _QUANTILES), axis=0)
        pairs = [
            (border + place, value)
            for place in range(categories)
            for value, share in _shares(table[:, border + place])
            if share >= _RAREST
        ]
        return cls(
            quantiles,
            np.asarray(quantiles[0] < quantiles[-1]),
            np.asarray(absent.any(axis=0) & ~absent.all(axis=0)),
            np.array(pairs, dtype=np.float32).reshape(-1, 2),
        )

    def apply(self, table: FloatArray) -> FloatArray:
        """Scale to about [-1, 1], float32 [N, S]; a missing value is in the middle."""
        border = self.quantiles.shape[1]
        numeric = table[:, :border]
        ranks = np.zeros(numeric.shape, dtype=np.float32)
        steps = len(self.quantiles)
        for column in np.flatnonzero(self.varied):
            known, own = self.quantiles[:, column], numeric[:, column]
            places = np.searchsorted(known, own, "left") + np.searchsorted(known, own, "right")
            ranks[:, column] = np.where(np.isnan(own), 0.0, places / steps - 1.0)
        flags = np.isnan(numeric[:, self.missing]).astype(np.float32)
        columns = table[:, self.values[:, 0].astype(np.int64)]
        ones = (columns == self.values[:, 1]).astype(np.float32)
        return np.concatenate([ranks[:, self.varied], flags, ones], axis=1)


def _shares(column: FloatArray) -> list[tuple[float, float]]:
    values, counts = np.unique(column, return_counts=True)
    return [
        (float(value), int(count) / len(column))
        for value, count in zip(values, counts, strict=True)
    ]
