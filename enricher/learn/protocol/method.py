"""The contract of methods that are compared: K records and benign ones in, scores out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from enricher.features.rows import Rows
from enricher.learn.views import FloatArray, View

Role: TypeAlias = Literal["baseline", "control", "ours"]
Scores: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Meta:
    """What training has seen, for methods that learn from it themselves.

    Attributes:
        table: float32 [M, D], the columns of ``View.table`` for the records of training.
        attack: bool [M].
        scaled: float32 [N, S], ``View.table`` scaled with quantiles of the records of training.
        samples: int16 [L], labels of the last L records of the view, which are some of training:
            0 is benign, above it a family. No task asks about them.
    """

    table: FloatArray
    attack: npt.NDArray[np.bool_]
    scaled: FloatArray
    samples: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a table and the harness have to know of a method.

    Attributes:
        name: Its name in tables.
        role: ``control``: shown, but neither a baseline to beat nor ours.
        zero_shot: It takes no attack record (K = 0), else it needs at least one.
        benign: Benign support records that it is given, at most; None for all of them.
        as_many: It is given as many benign records as attack records instead.
        seeded: Its scores depend on the seed.
        costly: It may be run on fewer draws.
        probabilities: Its scores are meant as probabilities.
    """

    name: str
    role: Role = "baseline"
    zero_shot: bool = False
    benign: int | None = None
    as_many: bool = False
    seeded: bool = False
    costly: bool = False
    probabilities: bool = False

    def benign_count(self, shots: int, available: int) -> int:
        """How many benign records it is given."""
        if self.as_many:
            return min(max(shots, 1), available)
        return available if self.benign is None else min(self.benign, available)


class Method(ABC):
    """Scores a query set, given a support set."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits

    def prepared(self, view: View, meta: Meta, seed: int) -> Method:  # noqa: ARG002
        """A copy that knows the training and the view; called once for a fold and kind.

        Args:
            view: The records that support and query sets are taken from.
            meta: What training has seen.
            seed: Of what is drawn.
        """
        return self

    @abstractmethod
    def scores(self, view: View, support: Rows, benign: Rows, query: Rows, seed: int) -> Scores:
        """Score records; larger is more like the family, or for K = 0 more like an attack.

        Args:
            view: The records.
            support: int64 [K], rows of the family's records; empty for K = 0.
            benign: int64 [B], rows of benign records.
            query: int64 [Q], rows to score.
            seed: Of what is drawn.

        Returns:
            float64 [Q]. A record's score does not depend on the records beside it.
        """
