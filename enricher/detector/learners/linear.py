"""Linear heads: one weight vector and one bias for each task."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from enricher.detector.learners.base import AdaptedHead
from enricher.detector.learners.points import bounded, checked_query


@dataclass(frozen=True, slots=True)
class LinearHead(AdaptedHead):
    """Scores that are linear in the point. Heads of many families stack into one matrix.

    Attributes:
        weight: Floats [T, D].
        bias: Floats [T].
    """

    weight: Tensor
    bias: Tensor

    def scores(self, query: Tensor) -> Tensor:
        """See :meth:`AdaptedHead.scores`."""
        points = checked_query(query, *self.weight.shape).to(self.weight.dtype)
        if points.ndim == self.weight.ndim:
            products = torch.matmul(points, self.weight.t()).t()
        else:
            products = torch.matmul(points, self.weight.unsqueeze(-1)).squeeze(-1)
        return bounded(products + self.bias.unsqueeze(-1), query.dtype)
