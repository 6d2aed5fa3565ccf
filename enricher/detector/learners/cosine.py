"""Cosine heads, trained by gradient descent on one direction for each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn import functional

from enricher.detector.learners.base import AdaptedHead, Learner
from enricher.detector.learners.descent import Parameters, descend
from enricher.detector.learners.points import bounded, checked, checked_query


@dataclass(frozen=True, slots=True)
class CosineHead(AdaptedHead):
    """Cosine to the family's direction less cosine to the benign one.

    Attributes:
        weight: Floats [T, D], the difference of the two directions: the head is linear in a point
            that is moved by ``centre`` and brought to unit length.
        centre: float64 [T, D].
    """

    weight: Tensor
    centre: Tensor

    def scores(self, query: Tensor) -> Tensor:
        """See :meth:`AdaptedHead.scores`."""
        points = checked_query(query, *self.weight.shape)
        unit = _directions(points, self.centre.unsqueeze(-2)).to(self.weight.dtype)
        return bounded(torch.matmul(unit, self.weight.unsqueeze(-1)).squeeze(-1), query.dtype)


class Cosine(Learner):
    """Baseline++ (Chen et al. 2019) with as many benign records as there are.

    Points are first moved to the benign mean, as in SimpleShot (Wang et al. 2019): a cosine says
    little about points that share a large mean. The directions start at the class means; both
    classes weigh the same, however many records they have.

    Args:
        steps: Steps of gradient descent.
        rate: Learning rate.
        scale: What cosines are multiplied by before the softmax.
    """

    name: ClassVar[str] = "cosine"

    def __init__(self, steps: int = 30, rate: float = 0.1, scale: float = 10.0) -> None:
        self.steps = steps
        self.rate = rate
        self.scale = scale

    @torch.inference_mode(mode=False)
    @torch.no_grad()
    def fit(self, attack: Tensor, benign: Tensor) -> CosineHead:
        """See :meth:`Learner.fit`."""
        attack, benign = checked(attack, benign)
        attack, benign = attack.detach(), benign.detach()
        centre = benign.double().mean(-2, keepdim=True)
        family = _directions(attack, centre).to(attack.dtype)
        other = _directions(benign, centre).to(attack.dtype)
        per_task = 0 if benign.ndim == attack.ndim else None
        trained = vmap(self._train, in_dims=(0, per_task))(family, other)
        weight = _unit(trained["family"]) - _unit(trained["benign"])
        return CosineHead(weight, centre.squeeze(-2).expand(attack.shape[0], -1))

    def _train(self, family: Tensor, benign: Tensor) -> Parameters:
        """The directions of one task, from unit vectors [K, D] and [B, D]."""

        def loss(parameters: Parameters, _step: int) -> Tensor:
            step = _unit(parameters["family"]) - _unit(parameters["benign"])
            missed = functional.softplus(-self.scale * (family @ step)).mean()
            return missed + functional.softplus(self.scale * (benign @ step)).mean()

        start = {"family": _unit(family.mean(0)), "benign": _unit(benign.mean(0))}
        return descend(loss, start, self.rate, self.steps)


def _directions(points: Tensor, centre: Tensor) -> Tensor:
    """Unit vectors from a centre to the points, float64 of the points' shape."""
    return _unit(points.double() - centre)


def _unit(vectors: Tensor) -> Tensor:
    """Vectors at length 1; those without a direction stay 0, and their gradient is finite."""
    square = vectors.square().sum(-1, keepdim=True)
    return vectors * torch.rsqrt(square.clamp(min=torch.finfo(vectors.dtype).tiny))
