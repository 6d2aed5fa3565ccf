"""Gradient-based meta-learners, trained on the families of training over the same embedding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from enricher.features.rows import Rows
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.meta.anil import ANIL
from enricher.learn.meta.episode import Episode
from enricher.learn.meta.learner import GradientLearner
from enricher.learn.meta.maml import MAML, FirstOrderMAML
from enricher.learn.meta.network import Network, multilayer
from enricher.learn.meta.reptile import Reptile
from enricher.learn.meta.training import meta_train
from enricher.learn.protocol.method import Meta, Method, Scores, Traits
from enricher.learn.views import View

_WIDTH = 32
_SHOTS = (1, 5, 10)
_TASKS = 4
_BENIGN = 64
_QUERY = 32
_RATE = 2e-3
_REPTILE_RATE = 0.5


class MetaTrained(Method):
    """A meta-learner whose episodes are families of training against benign records.

    Args:
        traits: What the tables have to know.
        kind: Its class.
        steps: Outer steps.
        learner: When it is trained.
        spread: float32 [2, E], middle and scale of the embedding in training.
    """

    def __init__(
        self,
        traits: Traits,
        kind: type[GradientLearner],
        steps: int,
        learner: GradientLearner | None = None,
        spread: Tensor | None = None,
    ) -> None:
        super().__init__(traits)
        self._kind = kind
        self._steps = steps
        self._learner = learner
        self._spread = spread

    def prepared(self, view: View, meta: Meta, seed: int) -> MetaTrained:
        """A copy that has been trained; without two families of training it stays as it began."""
        points = torch.from_numpy(view.embedding[len(view.embedding) - len(meta.samples) :])
        spread = torch.stack([points.mean(dim=0), points.std(dim=0) + 1e-3])
        learner = self._kind(Network(multilayer(points.shape[1], (_WIDTH,), seed), _WIDTH))
        episodes = _Episodes((points - spread[0]) / spread[1], meta.samples)
        if episodes.families:
            parameters = list(learner.parameters())
            optimizer: torch.optim.Optimizer = (
                torch.optim.SGD(parameters, _REPTILE_RATE)
                if self._kind is Reptile
                else torch.optim.Adam(parameters, _RATE)
            )
            meta_train(learner, episodes, self._steps, optimizer=optimizer, seed=seed)
        return MetaTrained(self.traits, self._kind, self._steps, learner, spread)

    def scores(
        self,
        view: View,
        support: Rows,
        benign: Rows,
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        assert self._learner is not None, "scores() before prepared()"
        assert self._spread is not None
        own, known, asked = (
            (torch.from_numpy(view.embedding[rows]) - self._spread[0]) / self._spread[1]
            for rows in (support, benign, query)
        )
        head = self._learner.fit(own[None], known)
        with torch.no_grad():
            return np.asarray(head.scores(asked)[0].numpy(), np.float64)


class _Episodes:
    """Draws episodes: other records of a family are asked about among benign ones."""

    def __init__(self, points: Tensor, labels: np.typing.NDArray[np.int16]) -> None:
        self._points = points
        self._benign = torch.from_numpy(np.flatnonzero(labels == BENIGN_LABEL))
        fewest = max(_SHOTS) + 2
        self.families = (
            [
                torch.from_numpy(rows)
                for label in np.unique(labels[labels > BENIGN_LABEL])
                if len(rows := np.flatnonzero(labels == label)) >= fewest
            ]
            if len(self._benign)
            else []
        )

    def __call__(self, generator: torch.Generator) -> Sequence[Episode]:
        """One episode of a few tasks with one number of shots."""

        def draw(rows: Tensor, count: int) -> Tensor:
            return rows[torch.randint(len(rows), (count,), generator=generator)]

        shots = _SHOTS[int(torch.randint(len(_SHOTS), (1,), generator=generator))]
        support, benign, query = [], [], []
        for _ in range(_TASKS):
            family = self.families[
                int(torch.randint(len(self.families), (1,), generator=generator))
            ]
            order = family[torch.randperm(len(family), generator=generator)]
            support.append(order[:shots])
            benign.append(draw(self._benign, _BENIGN))
            query.append(torch.cat([draw(order[shots:], _QUERY), draw(self._benign, _QUERY)]))
        labels = torch.arange(2 * _QUERY).expand(_TASKS, -1) < _QUERY
        attack, known, asked = (
            self._points[torch.stack(rows)] for rows in (support, benign, query)
        )
        return [Episode(attack, known, asked, labels)]


def meta_methods(steps: int) -> list[Method]:
    """The baselines of this module, trained for so many outer steps."""
    return [
        MetaTrained(Traits(f"{words} on the embedding"), kind, steps)
        for words, kind in (
            ("MAML", MAML),
            ("FOMAML", FirstOrderMAML),
            ("ANIL", ANIL),
            ("Reptile", Reptile),
        )
    ]
