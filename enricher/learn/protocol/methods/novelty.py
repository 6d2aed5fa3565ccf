"""Baselines that know benign records only (K = 0)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import IsolationForest
from torch import nn

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


class BenignRank(Method):
    """What the view itself says without a support set: ours at K = 0.

    Scores become how rare they are among benign support records, so that they can be added.
    """

    def __init__(self, traits: Traits, *, base: bool, novelty: bool) -> None:
        super().__init__(traits)
        self._parts = (base, novelty)

    def scores(
        self,
        view: View,
        support: Rows,  # noqa: ARG002
        benign: Rows,
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        columns = (view.base, view.novelty)
        chosen = [own for own, wanted in zip(columns, self._parts, strict=True) if wanted]
        if len(chosen) == 1:
            return chosen[0][query].astype(np.float64)
        return np.asarray(sum(_rarity(own[benign], own[query]) for own in chosen), np.float64)


def _rarity(
    known: npt.NDArray[np.float32], asked: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Minus the logarithm of the share of known scores that are as large; grows beyond them."""
    known = np.sort(known)
    above = len(known) - np.searchsorted(known, asked, "left")
    rare = -np.log((above + 1) / (len(known) + 1))
    # Beyond every known score all ranks are the same: the distance goes on telling them apart.
    spread = float(known[-1] - known[len(known) // 2]) + 1e-6
    return np.asarray(rare + np.maximum(asked - known[-1], 0.0) / spread, np.float64)


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
        BenignRank(Traits("base score", "ours", zero_shot=True), base=True, novelty=False),
        BenignRank(Traits("novelty", "ours", zero_shot=True), base=False, novelty=True),
        BenignRank(Traits("base score + novelty", "ours", zero_shot=True), base=True, novelty=True),
    ]
