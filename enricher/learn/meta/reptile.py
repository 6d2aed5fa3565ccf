"""Reptile: move to where plain training ends."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.func import vmap

from enricher.detector.learners.descent import Parameters, descend
from enricher.learn.meta.episode import Episode, query_loss
from enricher.learn.meta.learner import GradientLearner


class Reptile(GradientLearner):
    """Moves the initialisation towards each task's solution (Nichol, Achiam and Schulman 2018).

    ``accumulate`` adds the start less the mean of where the tasks end, so that a step of plain
    gradient descent with rate e is Reptile's update with step size e. In training the steps of the
    inner loop take the support and the query set in turn: what Reptile learns comes from
    different batches of one task.
    """

    name: ClassVar[str] = "reptile"

    @torch.no_grad()
    def accumulate(self, episode: Episode) -> float:
        """See :meth:`MetaLearner.accumulate`; the loss is that of the query set, adapted."""
        start = {name: value.detach() for name, value in self.network.named_parameters()}

        def task(
            attack: Tensor, benign: Tensor, query: Tensor, labels: Tensor
        ) -> tuple[Parameters, Tensor]:
            def loss(parameters: Parameters, step: int) -> Tensor:
                if step % 2:
                    return query_loss(self.network.call(parameters, query), labels)
                return self.support_loss(parameters, attack, benign)

            end = descend(loss, start, self.rates(), self.steps)
            return end, query_loss(self.network.call(end, query), labels)

        ends, losses = vmap(task, in_dims=episode.in_dims)(*episode.tensors)
        for name, value in self.network.named_parameters():
            gradient = start[name] - ends[name].mean(0)
            value.grad = gradient if value.grad is None else value.grad + gradient
        return float(losses.mean())
