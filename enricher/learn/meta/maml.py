"""Model-agnostic meta-learning, its first-order form, and learned inner rates."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from enricher.detector.learners.descent import Parameters
from enricher.learn.meta.learner import GradientLearner
from enricher.learn.meta.network import Network


class MAML(GradientLearner):
    """Learns an initialisation through the inner loop (Finn, Abbeel and Levine 2017)."""

    name: ClassVar[str] = "maml"
    second_order = True


class FirstOrderMAML(GradientLearner):
    """MAML that takes the inner loop's gradients for constants (Finn et al. 2017)."""

    name: ClassVar[str] = "fomaml"


class MetaSGD(GradientLearner):
    """MAML with a learned rate, of either sign, for every parameter (Li et al. 2017).

    Args:
        network: The network, with the initialisation to learn.
        steps: Steps of the inner loop.
        rate: Every rate's first value.
    """

    name: ClassVar[str] = "meta-sgd"
    second_order = True

    def __init__(self, network: Network, steps: int = 5, rate: float = 0.1) -> None:
        super().__init__(network, steps, rate)
        self.learned = nn.ParameterList(
            nn.Parameter(torch.full_like(value, rate)) for value in network.parameters()
        )

    def rates(self) -> Parameters:
        """Learning rates of the inner loop, by the name of the parameter."""
        names = (name for name, _ in self.network.named_parameters())
        return dict(zip(names, self.learned, strict=True))
