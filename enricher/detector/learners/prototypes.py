"""Prototypes: how much nearer a point is to the family than to what is benign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from enricher.detector.learners.base import AdaptedHead, Learner
from enricher.detector.learners.centres import centres
from enricher.detector.learners.linear import LinearHead
from enricher.detector.learners.points import bounded, checked, checked_query


@dataclass(frozen=True, slots=True)
class PrototypeHead(AdaptedHead):
    """Squared distance to the nearest benign prototype less that to the nearest of the family.

    Attributes:
        family: float64 [T, P, D], the family's prototypes.
        benign: float64 [T, C, D] or [1, C, D], the benign prototypes.
    """

    family: Tensor
    benign: Tensor

    def scores(self, query: Tensor) -> Tensor:
        """See :meth:`AdaptedHead.scores`."""
        tasks, _, features = self.family.shape
        points = checked_query(query, tasks, features).double()
        # About a common origin, and without the query's own length, which is in both distances.
        origin = self.benign.mean(-2, keepdim=True)
        centred = points - origin
        difference = _nearest(centred, self.benign - origin) - _nearest(
            centred, self.family - origin
        )
        return bounded(difference, query.dtype)


class Prototypes(Learner):
    """Prototypical networks (Snell et al. 2017) with an asymmetric benign side.

    With one prototype on each side the head is linear. Benign traffic is a mixture: with several
    ``centres`` (k-means) a point is compared with the nearest. Finding them is most of the cost;
    the centres of a bank, found once, can stand in for its records.

    Args:
        centres: Benign prototypes of each task.
        nearest: Compare with the nearest support record of the family, instead of their mean.

    Raises:
        ValueError: If there is no centre.
    """

    name: ClassVar[str] = "prototypes"

    def __init__(self, centres: int = 1, *, nearest: bool = False) -> None:
        if centres < 1:
            raise ValueError(f"at least one benign prototype is needed, not {centres}")
        self.centres = centres
        self.nearest = nearest

    @torch.no_grad()
    def fit(self, attack: Tensor, benign: Tensor) -> AdaptedHead:
        """See :meth:`Learner.fit`."""
        return self.solve(attack, benign)

    def solve(self, attack: Tensor, benign: Tensor) -> AdaptedHead:
        """As ``fit``, and gradients flow from the head to the points: for training an encoder."""
        attack, benign = checked(attack, benign)
        points = attack.double()
        family = points if self.nearest else points.mean(-2, keepdim=True)
        other = benign.double() if benign.ndim == attack.ndim else benign.double()[None]
        other = centres(other, self.centres)
        if family.shape[-2] > 1 or other.shape[-2] > 1:
            return PrototypeHead(family, other)
        own, against = family.squeeze(-2), other.squeeze(-2)
        # |q - n|^2 - |q - p|^2 = 2 q (p - n) - (p - n)(p + n)
        step = own - against
        return LinearHead(2 * step, -(step * (own + against)).sum(-1))


class NearestSupport(Prototypes):
    """Nearest neighbour: the nearest support record against the nearest of many benign centres.

    Args:
        centres: Benign prototypes of each task.
    """

    name: ClassVar[str] = "nearest-support"

    def __init__(self, centres: int = 16) -> None:
        super().__init__(centres, nearest=True)


def _nearest(points: Tensor, prototypes: Tensor) -> Tensor:
    """Squared distance to the nearest prototype, less the point's squared length, [T, Q]."""
    products = torch.matmul(points, prototypes.mT)
    return (prototypes.square().sum(-1).unsqueeze(-2) - 2 * products).amin(-1)
