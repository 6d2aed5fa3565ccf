"""Baselines that measure distances or look at one feature."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import torch

from enricher.features.rows import Rows
from enricher.learn.protocol.method import Meta, Method, Scores, Traits
from enricher.learn.views import FloatArray, View

_NEIGHBOURS = 3
_BENIGN_NEIGHBOURS = 1_000
_AT_ONCE = 2_048


class _Scaled(Method):
    """A method on the scaled table."""

    def __init__(self, traits: Traits, matrix: FloatArray | None = None) -> None:
        super().__init__(traits)
        self._matrix = matrix

    def prepared(self, view: View, meta: Meta, seed: int) -> Self:  # noqa: ARG002
        """A copy that has the scaled table."""
        return type(self)(self.traits, meta.scaled)

    @property
    def matrix(self) -> FloatArray:
        """float32 [N, S]."""
        assert self._matrix is not None, "scores() before prepared()"
        return self._matrix


class NearestRecords(_Scaled):
    """Distance to the nearest benign records minus that to the nearest attack records."""

    def scores(
        self,
        view: View,  # noqa: ARG002
        support: Rows,
        benign: Rows,
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        asked = self.matrix[query]
        return mean_distance(asked, self.matrix[benign]) - mean_distance(
            asked, self.matrix[support]
        )


class NearestCentroid(_Scaled):
    """Distance to the mean of the benign records minus that to the mean of the attack records."""

    def scores(
        self,
        view: View,  # noqa: ARG002
        support: Rows,
        benign: Rows,
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        asked = self.matrix[query]
        far, near = (
            np.linalg.norm(asked - self.matrix[rows].mean(axis=0), axis=1).astype(np.float64)
            for rows in (benign, support)
        )
        return np.asarray(far - near)


def mean_distance(asked: FloatArray, known: FloatArray, neighbours: int = _NEIGHBOURS) -> Scores:
    """Mean Euclidean distance of each record to its nearest known ones, float64 [Q]."""
    bank = torch.from_numpy(known)
    lengths = bank.square().sum(dim=1)
    found = []
    for part in torch.split(torch.from_numpy(asked), _AT_ONCE):
        squares = part.square().sum(dim=1, keepdim=True) + lengths - 2 * part @ bank.T
        nearest = squares.topk(min(neighbours, len(bank)), dim=1, largest=False).values
        found.append(nearest.clamp(min=0.0).sqrt().mean(dim=1))
    return np.asarray(torch.cat(found).numpy(), np.float64)


class OneThreshold(Method):
    """One threshold on the one number that tells support from benign records best.

    Which number, and whether more or less of it is suspicious, is decided by the area under the
    ROC curve, and among equals by the distance from benign records in their standard deviations.
    """

    def scores(
        self,
        view: View,
        support: Rows,
        benign: Rows,
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        known, own = view.table[benign], view.table[support]
        column, side = _best(known, own)
        sign = 1.0 if side == "above" else -1.0
        values = sign * view.table[query, column].astype(np.float64)
        return np.asarray(np.nan_to_num(values, nan=-np.inf), np.float64)


def _best(known: FloatArray, own: FloatArray) -> tuple[int, Literal["above", "below"]]:
    best: tuple[float, float, int] = (-1.0, 0.0, 0)
    better: Literal["above", "below"] = "above"
    for column in range(known.shape[1]):
        values = own[:, column]
        if np.isnan(values).any():
            continue
        benign = np.sort(known[:, column][~np.isnan(known[:, column])])
        gap = (
            abs(float(values.mean() - benign.mean())) / (float(benign.std()) + 1e-6)
            if len(benign)
            else np.inf
        )
        area = _area(benign, values, len(known))
        sides: tuple[tuple[float, Literal["above", "below"]], ...] = (
            (area, "above"),
            (_area(-benign[::-1], -values, len(known)), "below"),
        )
        for found, side in sides:
            if (found, gap) > best[:2]:
                best, better = (found, gap, column), side
    return best[2], better


def _area(benign: npt.NDArray[np.float32], own: npt.NDArray[np.float32], count: int) -> float:
    """Area under the ROC curve; benign records without a value (of ``count``) are below all."""
    left = np.searchsorted(benign, own, "left") + np.searchsorted(benign, own, "right")
    return float((left / 2 + (count - len(benign))).mean() / count)


def nearest_methods() -> list[Method]:
    """The baselines of this module."""
    return [
        OneThreshold(Traits("one threshold")),
        NearestRecords(Traits("kNN, 1,000 benign", benign=_BENIGN_NEIGHBOURS)),
        NearestCentroid(Traits("nearest centroid")),
    ]
