"""How far a record's features are from those of a site's own benign records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from enricher.detector.covariance import whitening
from enricher.detector.layers import Stem
from enricher.detector.scaling import VALUE_BOUND
from enricher.detector.unseen import own_unit

WEIGHT = 2.0
"""How much a unit of this distance counts beside one of the distance of embeddings (and 6 of the
attack score). On families left out of training weights of 1, 2, 3, 6 and 12 were compared, and the
larger of both scores in place of their sum."""

FEWEST = 2_000
"""Records that it takes: of a thousand, the tail of rare but ordinary requests is not seen."""

_RAREST = 1e-2
_MOST = 4096
_ARRAYS = ("median", "inverse_spread", "mean", "numeric", "categorical", "middle", "unit")

FloatArray = npt.NDArray[np.float32]


class TableDistance(nn.Module):
    """Mahalanobis distance of numbers and categories, with a shrunk covariance.

    A number counts as its robust value (see :class:`~enricher.detector.scaling.QuantileScaler`),
    within ±8, and as the median where it is missing. A category has a column for each of its values
    that is not rare at the site, and one for all others. Nothing a record holds leaves the range.

    Args:
        numbers: Number of numeric features D.
        sizes: Size of the vocabulary of each of the C categorical features, V in all.
        width: Columns S.
    """

    median: Tensor
    inverse_spread: Tensor
    mean: Tensor
    numeric: Tensor
    categorical: Tensor
    starts: Tensor
    middle: Tensor
    unit: Tensor

    def __init__(self, numbers: int, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.register_buffer("median", torch.zeros(numbers))
        self.register_buffer("inverse_spread", torch.ones(numbers))
        self.register_buffer("mean", torch.zeros(numbers))
        # Both whitened already: what a unit of a number and what a value of a category adds.
        self.register_buffer("numeric", torch.zeros(numbers, width))
        self.register_buffer("categorical", torch.zeros(sum(self.sizes), width))
        self.register_buffer("starts", torch.tensor((0, *self.sizes)).cumsum(0)[:-1])
        self.register_buffer("middle", torch.zeros(()))
        self.register_buffer("unit", torch.ones(()))

    @classmethod
    def fit(cls, table: FloatArray, sizes: Sequence[int], scaling: Tensor) -> Self:
        """Fit to benign records. The same records give the same distance.

        Args:
            table: float32 [N, D + C], numbers and categories as they are, NaN where missing.
            sizes: Size of the vocabulary of each category.
            scaling: float32 [2, D], see :func:`scaling_of`.

        Raises:
            ValueError: If there are fewer than two records.
        """
        if len(table) < 2:  # noqa: PLR2004 - a covariance needs two points
            raise ValueError("a distance needs at least two benign records")
        numbers = scaling.shape[1]
        made = cls(numbers, sizes, 0)
        made.median, made.inverse_spread = scaling[0].clone(), scaling[1].clone()
        values = made._values(torch.from_numpy(table[:, :numbers])).double()
        made.mean = values.mean(0).float()
        codes = torch.from_numpy(table[:, numbers:].astype(np.int64))
        coded = [_columns(codes[:, place], size) for place, size in enumerate(sizes)]
        blocks = [values - values.mean(0)]
        blocks += [rows[codes[:, place]] for place, rows in enumerate(coded)]
        white = whitening(torch.cat(blocks, dim=1))
        parts = torch.split(white, [block.shape[1] for block in blocks])
        made.numeric = parts[0].float()
        made.categorical = torch.cat(
            [
                white.new_zeros(0, len(white)),
                *(r @ p for r, p in zip(coded, parts[1:], strict=True)),
            ]
        ).float()
        made.middle, made.unit = (
            value.float()
            for value in own_unit(made.distances(torch.from_numpy(table[:, :numbers]), codes))
        )
        return made

    def distances(self, numeric: Tensor, categorical: Tensor) -> Tensor:
        """Distance of float32 [N, D] numbers and int64 [N, C] categories, float32 [N]."""
        white = self._white(self._centred(numeric), categorical)
        return cast(Tensor, torch.linalg.vector_norm(white, dim=1))

    def forward(self, numeric: Tensor, categorical: Tensor) -> Tensor:
        """What it adds to the novelty of records, float32 [N]: 0 for the median benign record."""
        return WEIGHT * (self.distances(numeric, categorical) - self.middle) / self.unit

    def credits(self, numeric: Tensor, categorical: Tensor) -> Tensor:
        """How much each field adds to the novelty, float32 [N, D + C].

        They are the integrated gradients of the distance from the site's mean benign record, in
        closed form, for it is the root of a quadratic form; so they add up to it.
        """
        value = self._centred(numeric)
        white = self._white(value, categorical)
        length = torch.linalg.vector_norm(white, dim=1, keepdim=True).clamp(min=1e-12)
        direction = white / length * (WEIGHT / self.unit)
        rows = functional.embedding(categorical + self.starts, self.categorical)
        of_categories = (rows * direction[:, None]).sum(2)
        return torch.cat((value * (direction @ self.numeric.t()), of_categories), dim=1)

    def _values(self, numeric: Tensor) -> Tensor:
        scaled = numeric.sub(self.median).mul_(self.inverse_spread).nan_to_num_(nan=0.0)
        return scaled.clamp_(-VALUE_BOUND, VALUE_BOUND)

    def _centred(self, numeric: Tensor) -> Tensor:
        return self._values(numeric).sub_(self.mean)

    def _white(self, centred: Tensor, categorical: Tensor) -> Tensor:
        white = centred @ self.numeric
        if not self.sizes:
            return white
        return white + functional.embedding_bag(
            categorical + self.starts, self.categorical, mode="sum"
        )

    def to_plain(self) -> dict[str, Any]:
        """As plain values and arrays for JSON."""
        tensors = {name: getattr(self, name).cpu().contiguous() for name in _ARRAYS}
        arrays = {name: one.numpy() if one.ndim else one.item() for name, one in tensors.items()}
        return {"sizes": list(self.sizes), **arrays}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """From what :meth:`to_plain` gave.

        Raises:
            KeyError, TypeError, ValueError: If the values are of another shape, or not finite.
        """
        sizes = [int(size) for size in plain["sizes"]]
        with np.errstate(over="ignore"):  # becomes infinite, and is refused below
            arrays = {name: np.asarray(plain[name], dtype=np.float32) for name in _ARRAYS}
        if arrays["numeric"].ndim != 2:  # noqa: PLR2004
            raise ValueError("the distance is of another shape")
        numbers, width = arrays["numeric"].shape
        if min(sizes, default=0) < 0 or max(numbers, width, sum(sizes)) > _MOST:
            raise ValueError("the distance is of another shape")
        made = cls(numbers, sizes, width)
        for name, array in arrays.items():
            if array.shape != tuple(getattr(made, name).shape):
                raise ValueError("the distance is of another shape")
            if not np.isfinite(array).all():
                raise ValueError("a number of the distance is not finite")
            getattr(made, name).copy_(torch.from_numpy(array))
        if float(made.unit) <= 0.0:
            raise ValueError("the unit of the distance is not positive")
        return made

    def fits(self, numbers: int, sizes: Sequence[int]) -> bool:
        """Whether it takes records with so many numbers and categories of these sizes."""
        return len(self.median) == numbers and self.sizes == tuple(sizes)


def scaling_of(stem: Stem) -> Tensor:
    """Medians and inverse spreads of all numbers of a kind as the encoder has them, [2, D]."""
    scalers = (stem.scaler, stem.context_scaler)
    return torch.stack(
        (
            torch.cat([scaler.median for scaler in scalers]),
            torch.cat([scaler.inverse_spread for scaler in scalers]),
        )
    ).cpu()


def _columns(codes: Tensor, size: int) -> Tensor:
    """What each value of a category has in its columns, less their means, float64 [V, K + 1].

    Values that are not rare have a column of their own, all others share the last.
    """
    counts = torch.bincount(codes, minlength=size)
    own = torch.nonzero(counts >= max(2.0, _RAREST * len(codes))).flatten()
    rows = torch.zeros(size, len(own) + 1, dtype=torch.float64)
    rows[:, -1] = 1.0
    rows[own, -1] = 0.0
    rows[own, torch.arange(len(own))] = 1.0
    return rows - rows[codes].mean(0)
