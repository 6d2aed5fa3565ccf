"""How far a record is from what was seen as benign."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from enricher.detector.covariance import whitening

CENTRES = 16
_RECORDS_PER_CENTRE = 64
_ROUNDS = 20
_MAX_FIT = 100_000


class NoveltyModel(nn.Module):
    """Distance to the nearest of several benign centres, under one shared, shrunk covariance.

    Benign traffic of a kind is a mixture (a query to a resolver is no download), so one Gaussian
    does not fit it: the embeddings are clustered by k-means under the covariance within clusters,
    found anew in each round, and the Mahalanobis distance to the nearest centre is the score (Lee
    et al. 2018, with clusters for classes). The covariance is shrunk towards a multiple of the
    identity with the weight of Ledoit and Wolf 2004.

    Args:
        embedding: Size E of the embedding.
        centres: Number of centres.
    """

    mean: Tensor
    centres: Tensor
    whitening: Tensor

    def __init__(self, embedding: int, centres: int = CENTRES) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(embedding))
        self.register_buffer("centres", torch.zeros(centres, embedding))
        self.register_buffer("whitening", torch.eye(embedding))

    @classmethod
    def fit(cls, embeddings: Tensor, centres: int = CENTRES) -> Self:
        """Fit on benign embeddings float32 [N, E]. The same input gives the same model.

        Raises:
            ValueError: If there are fewer than two records.
        """
        count, size = embeddings.shape
        if count < 2:  # noqa: PLR2004 - a covariance needs two points
            raise ValueError("novelty needs at least two benign records")
        points = _subset(embeddings.detach().double().cpu(), _MAX_FIT)
        mean = points.mean(0)
        points = points - mean
        means = _first_centres(points, min(centres, max(1, len(points) // _RECORDS_PER_CENTRE)))
        white = torch.eye(size, dtype=points.dtype)
        for _ in range(_ROUNDS):
            nearest = _nearest(points @ white, means @ white)
            means, nearest = _centres_of(points, nearest, len(means))
            white = whitening(points - means[nearest])
        model = cls(size, len(means))
        model.mean.copy_(mean)
        model.whitening.copy_(white)
        model.centres.copy_(means @ white)
        return model.to(embeddings.device)

    def squared(self, embeddings: Tensor) -> Tensor:
        """Squared distance of float32 [N, E] embeddings, float32 [N]; has gradients everywhere."""
        white = (embeddings - self.mean) @ self.whitening
        squares = (white * white).sum(1, keepdim=True) + (self.centres * self.centres).sum(1)
        return torch.addmm(squares, white, self.centres.t(), alpha=-2.0).amin(1)

    def score(self, embeddings: Tensor) -> Tensor:
        """Distance per root of E of float32 [N, E] embeddings, float32 [N]; near 1 is usual.

        Has gradients, also in a centre.
        """
        return (self.squared(embeddings).clamp(min=1e-12) / embeddings.shape[1]).sqrt()


def _subset(points: Tensor, limit: int) -> Tensor:
    if len(points) <= limit:
        return points
    chosen = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))[:limit]
    return points[chosen]


def _first_centres(points: Tensor, centres: int) -> Tensor:
    """Centres far from each other (k-means++, Arthur and Vassilvitskii 2007), by a fixed seed."""
    generator = torch.Generator().manual_seed(0)
    means = points[:1].clone()
    gap = ((points - means[0]) ** 2).sum(1)
    for _ in range(centres - 1):
        if float(gap.sum()) <= 0.0:
            break
        draw = torch.rand(1, generator=generator, dtype=points.dtype) * gap.sum()
        chosen = torch.searchsorted(torch.cumsum(gap, 0), draw).clamp(max=len(points) - 1)
        means = torch.cat((means, points[chosen]))
        gap = torch.minimum(gap, ((points - means[-1]) ** 2).sum(1))
    return means


def _centres_of(points: Tensor, nearest: Tensor, centres: int) -> tuple[Tensor, Tensor]:
    """Means of the clusters that are not empty, and the number of each point's cluster."""
    counts = torch.bincount(nearest, minlength=centres)
    sums = points.new_zeros(centres, points.shape[1]).index_add_(0, nearest, points)
    means = sums / counts.clamp(min=1)[:, None]
    numbers = torch.cumsum(counts > 0, 0) - 1
    return means[counts > 0], numbers[nearest]


def _nearest(points: Tensor, means: Tensor) -> Tensor:
    """Index of the nearest centre, in passes so that memory stays bounded."""
    parts = [torch.cdist(part, means).argmin(1) for part in torch.split(points, 8192)]
    return torch.cat(parts)
