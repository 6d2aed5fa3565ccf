"""How far a record is from the nearest benign records that were kept."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

POINTS = 256
"""Benign records kept: four times as many find hardly more and cost four times as much."""
NEIGHBOURS = 5
_PASS = 16_384


class NeighbourModel(nn.Module):
    """Mean squared distance to the nearest benign embeddings (Ramaswamy et al. 2000).

    It has the interface of :class:`enricher.detector.novelty.NoveltyModel` and can take its place.
    Embeddings are compared as they are: an encoder that was trained to tell attacks apart spends
    its wide directions on them, and whitening takes that away.

    Args:
        embedding: Size E of the embedding.
        centres: Number of benign embeddings that are kept.
    """

    centres: Tensor
    usual: Tensor

    def __init__(self, embedding: int, centres: int = POINTS) -> None:
        super().__init__()
        self.register_buffer("centres", torch.zeros(centres, embedding))
        self.register_buffer("usual", torch.ones(()))

    @classmethod
    def fit(cls, embeddings: Tensor, centres: int = POINTS) -> Self:
        """Fit on benign embeddings float32 [N, E]. The same input gives the same model.

        Raises:
            ValueError: If there are fewer than two records.
        """
        count, size = embeddings.shape
        if count < 2:  # noqa: PLR2004 - distance needs another one
            raise ValueError("novelty needs at least two benign records")
        order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
        order = order.to(embeddings.device)
        kept = embeddings.detach()[order[:centres]]
        model = cls(size, len(kept)).to(embeddings.device)
        model.centres.copy_(kept)
        # Of a record that is kept itself, the nearest is itself: others say what is usual.
        others = embeddings.detach()[order[centres : centres + _PASS]]
        with torch.no_grad():
            median = model.squared(others if len(others) else kept).median()
        model.usual.copy_(median.clamp(min=1e-12))
        return model

    def squared(self, embeddings: Tensor) -> Tensor:
        """Mean squared distance of float32 [N, E] embeddings, float32 [N]; has gradients."""
        return torch.cat([self._of_pass(part) for part in torch.split(embeddings, _PASS)])

    def _of_pass(self, embeddings: Tensor) -> Tensor:
        with torch.no_grad():
            squares = (embeddings * embeddings).sum(1, keepdim=True) + (self.centres**2).sum(1)
            distances = torch.addmm(squares, embeddings, self.centres.t(), alpha=-2.0)
            number = min(NEIGHBOURS, len(self.centres))
            nearest = distances.topk(number, dim=1, largest=False, sorted=False).indices
        # The sum above says well which are near, but loses digits where all is far from zero.
        return ((embeddings[:, None] - self.centres[nearest]) ** 2).sum(2).mean(1)

    def score(self, embeddings: Tensor) -> Tensor:
        """Distance in units of the median of benign records, float32 [N]; near 1 is usual."""
        return (self.squared(embeddings) / self.usual).sqrt()
