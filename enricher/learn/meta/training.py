"""The outer loop: a learner learns from episodes how to adapt."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from enricher.learn.meta.episode import Episode
from enricher.learn.meta.learner import MetaLearner

Sample = Callable[[torch.Generator], Sequence[Episode]]
"""Draws the episodes of one outer step, each of its own K."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, steps done, steps in all."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """When to look at tasks that are not trained on, and when to stop.

    Attributes:
        validate: How good the learner is on them; larger is better.
        every: Outer steps between two looks.
        patience: Looks without a better result before stopping.
    """

    validate: Callable[[], float]
    every: int = 50
    patience: int = 5


@dataclass(frozen=True, slots=True)
class History:
    """How training went.

    Attributes:
        losses: The mean loss of each outer step.
        validation: What each look gave; the first is before training.
        best: Outer steps taken by the weights that are kept.
    """

    losses: list[float]
    validation: list[float]
    best: int


def meta_train(
    learner: MetaLearner,
    sample: Sample,
    steps: int,
    *,
    optimizer: Optimizer,
    seed: int,
    clip: float = 1.0,
    stopping: Stopping | None = None,
    progress: Progress = lambda *_: None,
) -> History:
    """Train a learner on episodes; it keeps the weights of the best look, or else the last.

    The same arguments give the same weights on the same machine.

    Args:
        learner: Is changed in place.
        sample: Draws episodes.
        steps: Outer steps at most.
        optimizer: Of the learner's parameters.
        seed: Of the draws.
        clip: The gradient's length is cut to this.
        stopping: Early stopping; without it all steps are taken.
        progress: Told of every step.

    Raises:
        ValueError: If a loss is no longer finite: the rates are too large.
    """
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    keeper = None if stopping is None else _Keeper(learner, stopping)
    for step in range(steps):
        progress("meta-training", step, steps)
        losses.append(_outer_step(learner, sample(generator), optimizer, clip))
        if keeper is not None and keeper.looked(step + 1):
            break
    progress("meta-training", steps, steps)
    if keeper is None:
        return History(losses, [], len(losses))
    return keeper.restored(losses)


def _outer_step(
    learner: MetaLearner, episodes: Sequence[Episode], optimizer: Optimizer, clip: float
) -> float:
    optimizer.zero_grad(set_to_none=True)
    loss = sum(learner.accumulate(episode) for episode in episodes) / len(episodes)
    parameters = [value for value in learner.parameters() if value.grad is not None]
    for value in parameters:
        assert value.grad is not None
        value.grad /= len(episodes)
    length = nn.utils.clip_grad_norm_(parameters, clip)
    if not bool(torch.isfinite(length)):
        raise ValueError("meta-training diverged: use smaller rates or fewer inner steps")
    optimizer.step()
    return loss


class _Keeper:
    """Keeps the best weights so far."""

    def __init__(self, learner: MetaLearner, stopping: Stopping) -> None:
        self.learner, self.stopping = learner, stopping
        self.scores: list[float] = []
        self.best, self.score, self.state = 0, float("-inf"), learner.state_dict()
        self._look(0)

    def looked(self, step: int) -> bool:
        """Look if it is time to; whether training should stop."""
        if step % self.stopping.every:
            return False
        self._look(step)
        return step - self.best >= self.stopping.patience * self.stopping.every

    def restored(self, losses: list[float]) -> History:
        """Give the learner the best weights."""
        self.learner.load_state_dict(self.state)
        return History(losses, self.scores, self.best)

    def _look(self, step: int) -> None:
        self.scores.append(self.stopping.validate())
        if self.scores[-1] > self.score:
            self.best, self.score = step, self.scores[-1]
            self.state = copy.deepcopy(self.learner.state_dict())
