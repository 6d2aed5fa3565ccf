"""What every learner is: fit a support set, get a head, score a query set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor


class AdaptedHead(ABC):
    """What a learner has made of the support sets of T tasks."""

    @abstractmethod
    def scores(self, query: Tensor) -> Tensor:
        """Score a query set; larger is more like the family. The scale is the learner's own.

        Args:
            query: float32 [T, Q, D], the query set of each task, or [Q, D], the same for all.

        Returns:
            float32 [T, Q]. A record's score does not depend on the records beside it.
        """


class Learner(ABC):
    """Adapts to T new families at once, each from K records and B benign ones.

    The same arguments give the same head. Neither the order of the support set nor that of the
    benign records matters beyond rounding, unless a learner says so.
    """

    name: ClassVar[str]
    """Its name in tables and settings."""

    @abstractmethod
    def fit(self, attack: Tensor, benign: Tensor) -> AdaptedHead:
        """Adapt.

        Args:
            attack: float32 [T, K, D], K records of each of T families; K may be 1.
            benign: float32 [T, B, D], benign records for each task, or [B, D], one bank for all.

        Returns:
            A head for each task.

        Raises:
            ValueError: If the shapes do not fit, or a value is not finite.
        """
