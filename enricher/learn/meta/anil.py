"""Almost no inner loop: only the head is adapted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from enricher.detector.learners import LinearHead
from enricher.detector.learners.descent import Parameters, descend
from enricher.learn.meta.episode import support_loss
from enricher.learn.meta.learner import EmbeddedHead, GradientLearner
from enricher.learn.meta.network import Network, embed


class ANIL(GradientLearner):
    """MAML whose inner loop moves the head alone (Raghu et al. 2020).

    The body, learned in the outer loop, sees each record once, and adapted families differ in one
    line of a matrix.

    Args:
        network: The network, with the body and the head's initialisation to learn.
        steps: Steps of the inner loop; they cost little.
        rate: Learning rate of the inner loop.
    """

    name: ClassVar[str] = "anil"
    second_order = True

    def __init__(self, network: Network, steps: int = 10, rate: float = 0.5) -> None:
        super().__init__(network, steps, rate)

    def adapt(self, start: Mapping[str, Tensor], attack: Tensor, benign: Tensor) -> Parameters:
        """As :meth:`GradientLearner.adapt`; the body is the network's own.

        Returns:
            ``head.weight`` and ``head.bias``.
        """
        embedded = embed(self.network.body, attack), embed(self.network.body, benign)

        def loss(head: Parameters, _step: int) -> Tensor:
            attacks, others = (
                functional.linear(points, head["head.weight"], head["head.bias"]).squeeze(-1)
                for points in embedded
            )
            return support_loss(attacks, others)

        head = {name: start[name] for name in ("head.weight", "head.bias")}
        return descend(loss, head, self.rates(), self.steps, second_order=self.second_order)

    @torch.no_grad()
    def fit(self, attack: Tensor, benign: Tensor) -> EmbeddedHead:
        """See :meth:`Learner.fit`."""
        adapted = self.adapted(attack, benign)
        head = LinearHead(adapted["head.weight"].squeeze(-2), adapted["head.bias"].squeeze(-1))
        return EmbeddedHead(self.network.body, head, attack.shape[-1])
