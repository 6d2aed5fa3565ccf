"""Scaling of numbers by what was seen in training."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

CHANNELS: Final = 3
"""Numbers that one value becomes: robust value, rank, missing flag."""

VALUE_BOUND = 8.0
_WIDEST = 100.0
_SMALLEST_STEP = 1e-3
_SMALLEST_SPREAD = 1e-4
_IQR_OF_NORMAL = 1.349  # interquartile range of the standard normal distribution


class QuantileScaler(nn.Module):
    """Turns each number into a robust value, its rank among training values, and a missing flag.

    The robust value is (x - median) / spread, held within ±8. The rank is the training
    distribution function, linear between fitted quantiles, mapped to [-1, 1]; equal values share
    the middle of their ranks. A missing value counts as the median. Nothing can leave its range,
    whatever the input. Fit it on training records only.

    Args:
        features: Number of features D.
        quantiles: Number of pieces Q of the rank function.
    """

    median: Tensor
    inverse_spread: Tensor
    base: Tensor
    low: Tensor
    high: Tensor
    slopes: Tensor

    def __init__(self, features: int, quantiles: int) -> None:
        super().__init__()
        self.register_buffer("median", torch.zeros(features))
        self.register_buffer("inverse_spread", torch.ones(features))
        # The rank is base + sum over pieces of slope * (the value held within the piece).
        self.register_buffer("base", torch.zeros(features))
        self.register_buffer("low", torch.zeros(quantiles, features))
        self.register_buffer("high", torch.zeros(quantiles, features))
        self.register_buffer("slopes", torch.zeros(quantiles, features))

    def fit(self, values: npt.NDArray[np.float32]) -> None:
        """Learn the quantiles of the columns of ``values`` (float32 [N, D]; NaN is missing)."""
        for column in range(self.median.shape[0]):
            seen = values[:, column].astype(np.float64)
            self._fit_column(column, np.sort(seen[np.isfinite(seen)]))

    def _fit_column(self, column: int, seen: npt.NDArray[np.float64]) -> None:
        median, spread = _centre_and_spread(seen)
        knots, ranks = _rank_function((seen - median) / spread, self.low.shape[0])
        pieces = len(knots) - 1
        slopes = np.diff(ranks) / np.diff(knots)
        self.median[column] = median
        self.inverse_spread[column] = 1.0 / spread
        self.base[column] = float(ranks[0] - slopes @ knots[:-1])
        for buffer, learned in (
            (self.low, knots[:-1]),
            (self.high, knots[1:]),
            (self.slopes, slopes),
        ):
            buffer[:, column] = 0.0
            buffer[:pieces, column] = torch.from_numpy(learned)

    def forward(self, values: Tensor) -> Tensor:
        """Scale float32 [N, D] to float32 [N, 3 D]: all values, all ranks, all missing flags."""
        # NaN is the one value that is unequal to itself; written as a number in one go.
        missing = torch.ne(values, values, out=torch.empty_like(values))
        value = values.sub(self.median).mul_(self.inverse_spread).nan_to_num_(nan=0.0)
        rank = self.base.expand_as(value).clone()
        piece = torch.empty_like(value)
        for low, high, slope in zip(self.low, self.high, self.slopes, strict=True):
            rank.addcmul_(torch.clamp(value, low, high, out=piece), slope)
        return torch.cat((value.clamp_(-VALUE_BOUND, VALUE_BOUND), rank, missing), dim=1)


def _centre_and_spread(seen: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Median and a spread that is never 0: by quartiles, else the standard deviation, else 1."""
    if not len(seen):
        return 0.0, 1.0
    low, median, high = np.quantile(seen, (0.25, 0.5, 0.75))
    for spread in ((high - low) / _IQR_OF_NORMAL, float(np.std(seen))):
        if spread > _SMALLEST_SPREAD * max(1.0, abs(median)):
            return float(median), float(spread)
    return float(median), 1.0


def _rank_function(
    scaled: npt.NDArray[np.float64], pieces: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Knots of the distribution function of sorted values, and the rank in [-1, 1] at each."""
    if not len(scaled):
        return np.zeros(1), np.zeros(1)
    bounded = np.clip(scaled, -_WIDEST, _WIDEST)
    candidates = np.quantile(bounded, np.linspace(0.0, 1.0, pieces + 1), method="nearest")
    knots = [float(candidates[0])]
    for candidate in candidates[1:]:
        if candidate - knots[-1] > _SMALLEST_STEP:
            knots.append(float(candidate))
    places = np.asarray(knots)
    below = np.searchsorted(bounded, places, side="left")
    upto = np.searchsorted(bounded, places, side="right")
    return places, (below + upto) / len(bounded) - 1.0
