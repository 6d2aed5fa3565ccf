"""Scaling of numbers by what was seen in training."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

CHANNELS: Final = 3
"""Numbers that one value becomes: robust value, rank, missing flag."""

_VALUE_BOUND = 8.0
_WIDE_BOUND = 1e4
_SMALLEST_STEP = 1e-4
_IQR_OF_NORMAL = 1.349  # interquartile range of the standard normal distribution


class QuantileScaler(nn.Module):
    """Turns each number into a robust value, its rank among training values, and a missing flag.

    The robust value is (x - median) / spread, held within ±8. The rank is the training
    distribution function, linear between fitted quantiles, mapped to [-1, 1]; equal values share
    the middle of their ranks. Neither can leave its range, whatever the input. Fit it on training
    records only.

    Args:
        features: Number of features D.
        quantiles: Number of pieces Q of the rank function.
    """

    median: Tensor
    spread: Tensor
    base: Tensor
    knots: Tensor
    steepness: Tensor
    rises: Tensor

    def __init__(self, features: int, quantiles: int) -> None:
        super().__init__()
        self.register_buffer("median", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.register_buffer("base", torch.full((features,), 0.5))
        self.register_buffer("knots", torch.zeros(quantiles, features))
        self.register_buffer("steepness", torch.ones(quantiles, features))
        self.register_buffer("rises", torch.zeros(quantiles, features))

    def fit(self, values: npt.NDArray[np.float32]) -> None:
        """Learn the quantiles of the columns of ``values`` (float32 [N, D]; NaN is missing)."""
        quantiles = self.knots.shape[0]
        for column in range(self.median.shape[0]):
            seen = values[:, column].astype(np.float64)
            seen = np.sort(seen[np.isfinite(seen)])
            median, spread = _centre_and_spread(seen)
            knots, ranks = _rank_function((seen - median) / spread, quantiles)
            pieces = len(knots) - 1
            self.median[column] = median
            self.spread[column] = spread
            self.base[column] = float(ranks[0])
            self.knots[:, column] = 0.0
            self.steepness[:, column] = 1.0
            self.rises[:, column] = 0.0
            self.knots[:pieces, column] = torch.from_numpy(knots[:-1])
            self.steepness[:pieces, column] = torch.from_numpy(1.0 / np.diff(knots))
            self.rises[:pieces, column] = torch.from_numpy(np.diff(ranks))

    def forward(self, values: Tensor) -> Tensor:
        """Scale float32 [N, D] to float32 [N, 3 D]: all values, all ranks, all missing flags."""
        missing = torch.isnan(values)
        wide = torch.where(missing, self.median, values).sub_(self.median).div_(self.spread)
        wide.clamp_(-_WIDE_BOUND, _WIDE_BOUND)
        rank = self.base.expand_as(wide).clone()
        for knot, steepness, rise in zip(self.knots, self.steepness, self.rises, strict=True):
            rank.addcmul_((wide - knot).mul_(steepness).clamp_(0.0, 1.0), rise)
        rank.mul_(2.0).sub_(1.0).masked_fill_(missing, 0.0)
        value = wide.clamp_(-_VALUE_BOUND, _VALUE_BOUND)
        return torch.cat((value, rank, missing.to(value.dtype)), dim=1)


def _centre_and_spread(seen: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Median and a spread that is never 0: by quartiles, else the standard deviation, else 1."""
    if not len(seen):
        return 0.0, 1.0
    low, median, high = np.quantile(seen, (0.25, 0.5, 0.75))
    for spread in ((high - low) / _IQR_OF_NORMAL, float(np.std(seen))):
        if spread > _SMALLEST_STEP * max(1.0, abs(median)):
            return float(median), float(spread)
    return float(median), 1.0


def _rank_function(
    scaled: npt.NDArray[np.float64], pieces: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Knots of the empirical distribution function of sorted values, and the rank at each."""
    if not len(scaled):
        return np.zeros(1), np.full(1, 0.5)
    bounded = np.clip(scaled, -_WIDE_BOUND, _WIDE_BOUND)
    candidates = np.quantile(bounded, np.linspace(0.0, 1.0, pieces + 1), method="nearest")
    knots = [float(candidates[0])]
    for candidate in candidates[1:]:
        if candidate - knots[-1] > _SMALLEST_STEP:
            knots.append(float(candidate))
    places = np.asarray(knots)
    below = np.searchsorted(bounded, places, side="left")
    upto = np.searchsorted(bounded, places, side="right")
    return places, (below + upto) / (2.0 * len(bounded))
