"""Logistic regression on K attacks and the benign records, by Newton's method."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from enricher.detector.learners.base import Learner
from enricher.detector.learners.linear import LinearHead
from enricher.detector.learners.points import checked, spread

_ROUNDS = 40
_TOLERANCE = 1e-9
_STEPS = (1.0, 0.5, 0.25, 0.1, 0.02, 0.0)


class Logistic(Learner):
    """A linear logistic head on a frozen embedding (Tian et al. 2020).

    As in :class:`Ridge`, the weights of all records sum to 1 and regularisation is measured in
    the mean variance of the benign features; the bias is not penalised. A round costs
    T · B · D² operations, for a bank that all tasks share too.

    Args:
        regularisation: Penalty on the squared weight, in units of the benign variance.
        balance: The attacks' share of the total weight; ``None``: every record weighs the same.

    Raises:
        ValueError: If a setting is out of its range.
    """

    name: ClassVar[str] = "logistic"

    def __init__(self, regularisation: float = 1e-2, balance: float | None = 0.5) -> None:
        if not regularisation > 0 or not (balance is None or 0 < balance < 1):
            raise ValueError(
                "regularisation must be above 0 and balance between 0 and 1,"
                f" not {regularisation} and {balance}"
            )
        self.regularisation = regularisation
        self.balance = balance

    @torch.no_grad()
    def fit(self, attack: Tensor, benign: Tensor) -> LinearHead:
        """See :meth:`Learner.fit`."""
        attack, benign = checked(attack, benign)
        tasks, shots, features = attack.shape
        bank = benign.double().expand(tasks, -1, -1)
        origin = bank.mean(-2, keepdim=True)
        variance = (bank - origin).square().mean((-2, -1))
        unit = spread(variance, attack.double(), origin.squeeze(-2)).sqrt()
        points = (torch.cat((attack.double(), bank), dim=-2) - origin) / unit[:, None, None]
        points = functional.pad(points, (0, 1), value=1.0)
        share = shots / points.shape[-2] if self.balance is None else self.balance
        weight = points.new_full((points.shape[-2],), (1 - share) / bank.shape[-2])
        weight[:shots] = share / shots
        sign = torch.ones_like(weight)
        sign[:shots] = -1.0
        penalty = points.new_full((features + 1,), self.regularisation)
        penalty[-1] = 0.0
        solution = _minimise(points, sign, weight, penalty)
        direction = solution[:, :-1] / unit[:, None]
        return LinearHead(direction, solution[:, -1] - (direction * origin.squeeze(-2)).sum(-1))


def _minimise(points: Tensor, sign: Tensor, weight: Tensor, penalty: Tensor) -> Tensor:
    """Minimise ``sum weight log(1 + exp(sign x'theta)) + penalty theta² / 2`` for each task.

    Args:
        points: float64 [T, N, D].
        sign: float64 [N], -1 for attack and 1 for benign.
        weight: float64 [N].
        penalty: float64 [D].

    Returns:
        float64 [T, D].
    """
    theta = points.new_zeros(points.shape[0], points.shape[-1])
    logits = points.new_zeros(points.shape[:-1])
    lengths = points.new_tensor(_STEPS)
    for _ in range(_ROUNDS):
        probability = torch.sigmoid(sign * logits)
        slope = weight * sign * probability
        gradient = (slope.unsqueeze(-2) @ points).squeeze(-2) + penalty * theta
        if float(gradient.abs().max()) < _TOLERANCE:
            break
        curve = weight * probability * (1 - probability)
        hessian = points.mT @ (points * curve.unsqueeze(-1)) + torch.diag(penalty + 1e-12)
        step = torch.linalg.solve(hessian, -gradient)
        change = (points @ step.unsqueeze(-1)).squeeze(-1)
        # The best of a few lengths: a full step can overshoot where classes are far apart.
        tried = logits + lengths[:, None, None] * change
        moved = theta + lengths[:, None, None] * step
        loss = (weight * functional.softplus(sign * tried)).sum(-1)
        loss = loss + (penalty * moved.square()).sum(-1) / 2
        best = lengths[loss.argmin(0)].unsqueeze(-1)
        theta, logits = theta + best * step, logits + best * change
    return theta
