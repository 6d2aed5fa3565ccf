"""What learners that are trained on episodes share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import vmap

from enricher.detector.learners import AdaptedHead, Learner
from enricher.detector.learners.descent import Parameters, descend
from enricher.detector.learners.points import PER_TASK, bounded, checked, checked_query
from enricher.learn.meta.episode import Episode, benign_dim, query_loss, support_loss
from enricher.learn.meta.network import Network, embed


class MetaLearner(nn.Module, Learner):
    """A learner with parameters of its own, which episodes teach to adapt."""

    @abstractmethod
    def accumulate(self, episode: Episode) -> float:
        """Add the gradient of an episode's loss to the parameters' ``grad``.

        Args:
            episode: Tasks; their losses are averaged.

        Returns:
            The loss.
        """


@dataclass(frozen=True, slots=True)
class AdaptedNetwork(AdaptedHead):
    """A network with other parameters for each task.

    Attributes:
        network: Where the parameters belong.
        parameters: Floats [T, ...] by name.
        features: D.
    """

    network: Network
    parameters: Parameters
    features: int

    @torch.no_grad()
    def scores(self, query: Tensor) -> Tensor:
        """See :meth:`AdaptedHead.scores`."""
        tasks = len(next(iter(self.parameters.values())))
        points = checked_query(query, tasks, self.features)
        per_task = 0 if points.ndim == PER_TASK else None
        logits = vmap(self.network.call, in_dims=(0, per_task))(self.parameters, points)
        return bounded(logits, query.dtype)


@dataclass(frozen=True, slots=True)
class EmbeddedHead(AdaptedHead):
    """A head on what a body, the same for all tasks, makes of the points.

    Attributes:
        body: From floats [..., D] to [..., H].
        head: Of points of H features.
        features: D.
    """

    body: nn.Module
    head: AdaptedHead
    features: int

    @torch.no_grad()
    def scores(self, query: Tensor) -> Tensor:
        """See :meth:`AdaptedHead.scores`."""
        tasks = query.shape[0] if query.ndim == PER_TASK else 0
        return self.head.scores(embed(self.body, checked_query(query, tasks, self.features)))


class GradientLearner(MetaLearner):
    """Adapts a network by a few steps of gradient descent on the support set.

    Args:
        network: The network, with the initialisation to learn.
        steps: Steps of the inner loop.
        rate: Learning rate of the inner loop.
    """

    second_order: bool = False

    def __init__(self, network: Network, steps: int = 5, rate: float = 0.1) -> None:
        super().__init__()
        self.network = network
        self.steps = steps
        self.rate = rate

    @torch.no_grad()
    def fit(self, attack: Tensor, benign: Tensor) -> AdaptedHead:
        """See :meth:`Learner.fit`."""
        return AdaptedNetwork(self.network, self.adapted(attack, benign), attack.shape[-1])

    @torch.inference_mode(mode=False)
    def adapted(self, attack: Tensor, benign: Tensor) -> Parameters:
        """The parameters of T tasks, detached, each [T, ...]; arguments as those of ``fit``."""
        attack, benign = checked(attack, benign)
        start = {name: value.detach() for name, value in self.network.named_parameters()}

        def task(attack: Tensor, benign: Tensor) -> Parameters:
            return self.adapt(start, attack, benign)

        in_dims = (0, benign_dim(attack, benign))
        with torch.no_grad():
            return vmap(task, in_dims=in_dims)(attack.detach(), benign.detach())

    def adapt(self, start: Mapping[str, Tensor], attack: Tensor, benign: Tensor) -> Parameters:
        """The inner loop of one task.

        Args:
            start: Parameters to start from.
            attack: Floats [K, D].
            benign: Floats [B, D].
        """

        def loss(parameters: Parameters, _step: int) -> Tensor:
            return self.support_loss(parameters, attack, benign)

        return descend(loss, start, self.rates(), self.steps, second_order=self.second_order)

    def support_loss(self, parameters: Parameters, attack: Tensor, benign: Tensor) -> Tensor:
        """The loss of some parameters on the support set of one task, a scalar."""
        logits = self.network.call(parameters, attack), self.network.call(parameters, benign)
        return support_loss(*logits)

    def rates(self) -> float | Parameters:
        """Learning rates of the inner loop."""
        return self.rate

    def accumulate(self, episode: Episode) -> float:
        """See :meth:`MetaLearner.accumulate`."""
        start = dict(self.network.named_parameters())

        def task(attack: Tensor, benign: Tensor, query: Tensor, labels: Tensor) -> Tensor:
            adapted = self.adapt(start, attack, benign)
            return query_loss(self.network.call(adapted, query), labels)

        loss = vmap(task, in_dims=episode.in_dims)(*episode.tensors).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())
