"""Covariances of few records in many dimensions."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALLEST_VARIANCE = 1e-6


def whitening(centred: Tensor) -> Tensor:
    """The matrix that takes centred points to unit covariance, after shrinkage.

    The covariance is shrunk towards a multiple of the identity with the weight of Ledoit and Wolf
    2004: how much of the distance to that target is noise of the estimate.

    Args:
        centred: float64 [N, S], points whose mean is 0.

    Returns:
        float64 [S, S]; multiply points with it from the right.
    """
    count, size = centred.shape
    covariance = centred.t() @ centred / count
    mean_variance = covariance.diagonal().mean().clamp(min=_SMALLEST_VARIANCE)
    target = mean_variance * torch.eye(size, dtype=centred.dtype)
    distance = ((covariance - target) ** 2).sum()
    fourth = ((centred**2).sum(1) ** 2).sum() / count
    noise = ((fourth - (covariance**2).sum()) / count).clamp(min=0.0)
    share = (noise / distance.clamp(min=1e-30)).clamp(max=1.0)
    values, vectors = torch.linalg.eigh((1.0 - share) * covariance + share * target)
    values = values.clamp(min=1e-4 * float(mean_variance))
    result: Tensor = vectors / values.sqrt()
    return result
