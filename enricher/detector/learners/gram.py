"""A bank of benign records that is kept as what least squares needs of it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from enricher.detector.learners.points import usable


@dataclass(frozen=True, slots=True)
class GramBank:
    """Count, mean and centred Gram matrix of benign records, of any number, in one size.

    Built once, it serves every family. The Gram matrix is kept about the mean, because the plain
    one cancels where features vary little about a large mean (Chan, Golub and LeVeque 1983).

    Attributes:
        count: Records in the bank (of each task).
        mean: float64 [D], or [T, D] where each task has its own records.
        scatter: float64 [D, D] or [T, D, D], the sum of (x - mean)(x - mean)'.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, records: Tensor) -> GramBank:
        """A bank of records.

        Args:
            records: Floats [B, D] or [T, B, D].

        Raises:
            ValueError: If there are none, or a value is not finite.
        """
        points = usable(records, "benign").double()
        mean = points.mean(-2)
        centred = points - mean.unsqueeze(-2)
        return cls(points.shape[-2], mean, centred.mT @ centred)

    def merged(self, other: GramBank) -> GramBank:
        """The bank of both banks' records.

        Raises:
            ValueError: If the other bank has other features or tasks.
        """
        if other.mean.shape != self.mean.shape:
            raise ValueError(
                f"banks of different shapes: {list(self.mean.shape)}, {list(other.mean.shape)}"
            )
        count = self.count + other.count
        step = other.mean - self.mean
        between = step.unsqueeze(-1) * step.unsqueeze(-2) * (self.count * other.count / count)
        return GramBank(
            count, self.mean + step * (other.count / count), self.scatter + other.scatter + between
        )

    def variance(self) -> Tensor:
        """Mean variance of the features, float64 scalar or [T]."""
        return self.scatter.diagonal(dim1=-2, dim2=-1).mean(-1) / self.count
