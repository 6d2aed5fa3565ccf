"""Baselines that know benign records only (K = 0)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
import torch
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import IsolationForest
from torch import nn

from enricher.detector.table_distance import TableDistance
from enricher.features import SPECS
from enricher.features.rows import Rows
from enricher.learn.protocol.method import Meta, Method, Scores, Traits
from enricher.learn.protocol.methods.nearest import mean_distance
from enricher.learn.views import FloatArray, View

_EPOCHS = 10
_BATCH = 256


class _Novelty(Method):
    """Fits to benign records on the scaled table."""

    def __init__(self, traits: Traits, matrix: FloatArray | None = None) -> None:
        super().__init__(traits)
        self._matrix = matrix

    def prepared(self, view: View, meta: Meta, seed: int) -> Self:  # noqa: ARG002
        """A copy that has the scaled table."""
        return type(self)(self.traits, meta.scaled)

    def scores(
        self,
        view: View,  # noqa: ARG002
        support: Rows,  # noqa: ARG002
        benign: Rows,
        query: Rows,
        seed: int,
    ) -> Scores:
        """See :meth:`Method.scores`."""
        assert self._matrix is not None, "scores() before prepared()"
        return self.distances(self._matrix[benign], self._matrix[query], seed)

    @staticmethod
    @abstractmethod
    def distances(known: FloatArray, asked: FloatArray, seed: int) -> Scores:
        """How unlike the known records [B, S] the asked ones [Q, S] are, float64 [Q]."""


class Isolation(_Novelty):
    """Isolation forest."""

    @staticmethod
    def distances(known: FloatArray, asked: FloatArray, seed: int) -> Scores:
        """See :class:`_Novelty`."""
        forest = IsolationForest(random_state=seed, n_jobs=1).fit(known)
        return np.asarray(-forest.score_samples(asked), np.float64)


class TailProbabilities(_Novelty):
    """ECOD: how far in the tail of each column's empirical distribution a record is (Li 2022)."""

    @staticmethod
    def distances(known: FloatArray, asked: FloatArray, seed: int) -> Scores:  # noqa: ARG004
        """See :class:`_Novelty`."""
        sides = np.zeros((3, len(asked)))
        for column in range(known.shape[1]):
            own, new = np.sort(known[:, column]), asked[:, column]
            count = len(own) + 1
            left = -np.log((np.searchsorted(own, new, "right") + 1) / count)
            right = -np.log((len(own) - np.searchsorted(own, new, "left") + 1) / count)
            skewed = float(((own - own.mean()) ** 3).mean())
            sides += np.stack([left, right, left if skewed < 0 else right])
        return np.asarray(sides.max(axis=0))


class Neighbours(_Novelty):
    """Mean distance to the nearest benign records."""

    @staticmethod
    def distances(known: FloatArray, asked: FloatArray, seed: int) -> Scores:  # noqa: ARG004
        """See :class:`_Novelty`."""
        return mean_distance(asked, known)


class Mahalanobis(_Novelty):
    """Mahalanobis distance with a shrunk covariance (Ledoit and Wolf 2004)."""

    @staticmethod
    def distances(known: FloatArray, asked: FloatArray, seed: int) -> Scores:  # noqa: ARG004
        """See :class:`_Novelty`."""
        return np.asarray(LedoitWolf().fit(known).mahalanobis(asked), np.float64)


class Autoencoder(_Novelty):
    """Reconstruction error of a small autoencoder."""

    @staticmethod
    def distances(known: FloatArray, asked: FloatArray, seed: int) -> Scores:
        """See :class:`_Novelty`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = _trained(torch.from_numpy(known))
        with torch.no_grad():
            values = torch.from_numpy(asked)
            error = (model(values) - values).square().mean(dim=1)
        return np.asarray(error.numpy(), np.float64)


def _trained(values: torch.Tensor) -> nn.Module:
    width = values.shape[1]
    model = nn.Sequential(
        nn.Linear(width, 64),
        nn.ReLU(),
        nn.Linear(64, 8),
        nn.Linear(8, 64),
        nn.ReLU(),
        nn.Linear(64, width),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(_EPOCHS):
        for rows in torch.split(torch.randperm(len(values)), _BATCH):
            loss = nn.functional.mse_loss(model(values[rows]), values[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return model


class Column(Method):
    """What the view itself says of a record without a support set: ours at K = 0.

    Args:
        traits: As for every method.
        novelty: How new the record is; else how much it looks like any attack.
    """

    def __init__(self, traits: Traits, *, novelty: bool) -> None:
        super().__init__(traits)
        self._novelty = novelty

    def scores(
        self,
        view: View,
        support: Rows,  # noqa: ARG002
        benign: Rows,  # noqa: ARG002
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        return (view.novelty if self._novelty else view.base)[query].astype(np.float64)


class SiteNovelty(Method):
    """Novelty with a distance that is fitted to the benign records, as a site calibrates it.

    In a view without the records as the run-time learners take them it is the novelty alone.
    """

    def scores(
        self,
        view: View,
        support: Rows,  # noqa: ARG002
        benign: Rows,
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        novelty = view.novelty[query].astype(np.float64)
        if view.points is None or view.scaling is None or len(benign) < 2:  # noqa: PLR2004
            return novelty
        table, sizes = view.points.table, SPECS[view.kind].categorical_sizes
        numbers = view.scaling.shape[1]
        distance = TableDistance.fit(table[benign], sizes, torch.from_numpy(view.scaling))
        added = distance(
            torch.from_numpy(table[query, :numbers]),
            torch.from_numpy(table[query, numbers:].astype(np.int64)),
        )
        return np.asarray(novelty + added.numpy(), np.float64)


def novelty_methods() -> list[Method]:
    """The baselines of this module."""
    return [
        Isolation(Traits("isolation forest", zero_shot=True, seeded=True)),
        TailProbabilities(Traits("ECOD", zero_shot=True)),
        Neighbours(Traits("kNN distance", zero_shot=True)),
        Mahalanobis(Traits("Mahalanobis", zero_shot=True)),
        Autoencoder(Traits("autoencoder", zero_shot=True, seeded=True)),
    ]


def view_methods() -> list[Method]:
    """What the view says at K = 0."""
    return [
        Column(Traits("base score", "ours", zero_shot=True), novelty=False),
        Column(Traits("novelty", "ours", zero_shot=True), novelty=True),
        SiteNovelty(Traits("novelty, calibrated site", "ours", zero_shot=True)),
    ]
