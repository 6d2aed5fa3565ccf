"""The head of one family in one kind of record, as it is served, stored and shared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from enricher.detector.adaptation.gates import Gates
from enricher.detector.adaptation.points import FloatArray, Points
from enricher.detector.adaptation.tail import Tail
from enricher.detector.calibration import Platt
from enricher.detector.learners.forest import Forest
from enricher.features.rows import Rows
from enricher.logs import KINDS, Kind

FLOOR = 1e-3
"""What is ruled out scores up to this, everything else above."""

_STEEP = 80.0
"""Logits beyond this make no other score in float32, and could overflow."""
_NEVER = 2.0
"""A threshold that no score reaches."""
_LARGEST = 1e6
"""No number of a head is larger: what it computes stays finite."""

LINEAR, ATTACK, FOREST, WIDE = "linear", "attack", "forest", "forest_embedding"
MEMBERS = (LINEAR, ATTACK, FOREST, WIDE)
"""The base learners: the linear head on the embedding, 'any attack', a forest on the features,
and a forest on features and embedding together."""


@dataclass(frozen=True, slots=True)
class FamilyHead:
    """A convex combination of base learners, asked only where a cheap one sees something.

    Attributes:
        kind: Kind of the records.
        bundle: SHA-256 of the weights whose embedding it takes.
        context: Whether it looks at the context of a record.
        weight: float32 [E], the linear head, scaled so that benign records spread by 1.
        bias: Shifted so that the widest of the linear gates lies at 0.
        gates: What is ruled out: a record below a linear gate and one of the attack score.
        shares: Share of each base learner, in the order of :data:`MEMBERS`; they sum to 1.
        tails: The scale of each base learner.
        forests: The forests, by name.
        platt: From the combined rarity to a logit.
        threshold: A record is found from this score upwards.
    """

    kind: Kind
    bundle: str
    context: bool
    weight: FloatArray
    bias: float
    gates: Gates
    shares: tuple[float, ...]
    tails: Mapping[str, Tail]
    forests: Mapping[str, Forest]
    platt: Platt
    threshold: float

    def linear(self, embedding: FloatArray) -> FloatArray:
        """The linear head's scores, float32 [N]."""
        return np.asarray(embedding @ self.weight + np.float32(self.bias), dtype=np.float32)

    def members(
        self, points: Points, rows: Rows | None = None, wide: FloatArray | None = None
    ) -> dict[str, FloatArray]:
        """Scores of the base learners, each on its own scale.

        Args:
            points: Records.
            rows: int64 [R], to score these alone.
            wide: What ``points.wide()`` gave, where it is at hand already.
        """
        chosen = slice(None) if rows is None else rows
        scores = {
            LINEAR: self.linear(points.embedding[chosen]),
            ATTACK: points.attack[chosen, int(self.context)],
        }
        for name, forest in self.forests.items():
            if name == FOREST:
                scores[name] = forest.scores(points.table, rows)
            else:
                scores[name] = forest.scores(points.wide() if wide is None else wide, rows)
        return scores

    def rarities(self, points: Points) -> dict[str, FloatArray]:
        """Scores of the base learners, all on the scale of their tails."""
        return {name: self.tails[name](scores) for name, scores in self.members(points).items()}

    def combine(self, members: Mapping[str, FloatArray]) -> FloatArray:
        """Combined rarity of scores of the base learners, float32 [N]."""
        parts = [
            np.float32(share) * self.tails[name](members[name])
            for name, share in zip(MEMBERS, self.shares, strict=True)
            if share > 0.0
        ]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float32)

    def calibrated(self, rarity: FloatArray) -> FloatArray:
        """Scores in [FLOOR, 1] of combined rarities, float32 [N]."""
        logits = np.float32(self.platt.scale) * rarity + np.float32(self.platt.offset)
        logits = np.clip(logits, -_STEEP, _STEEP)
        return np.asarray(FLOOR + (1.0 - FLOOR) / (1.0 + np.exp(-logits)), dtype=np.float32)

    def scores(self, points: Points) -> FloatArray:
        """Scores of records in [0, 1], float32 [N], as served beside few other families."""
        linear = self.linear(points.embedding)
        rows = np.flatnonzero(self.gates.open(linear, points.attack[:, int(self.context)]))
        scores = ruled_out(linear)
        scores[rows] = self.calibrated(self.combine(self.members(points, rows)))
        return scores

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything in it as arrays by name, for a file."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "weight": self.weight,
            "numbers": np.array(
                [self.bias, self.platt.scale, self.platt.offset, self.threshold], np.float32
            ),
            "shares": np.array(self.shares, np.float32),
            "context": np.array([self.context], np.uint8),
        }
        arrays |= self.gates.to_arrays()
        for name, tail in self.tails.items():
            arrays |= {f"tail.{name}.{k}": v for k, v in tail.to_arrays().items()}
        for name, forest in self.forests.items():
            arrays |= {f"{name}.{k}": v for k, v in forest.to_arrays().items()}
        return arrays

    @classmethod
    def from_arrays(cls, kind: str, bundle: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The inverse of :meth:`to_arrays`; the arrays may come from anybody.

        Raises:
            ValueError: If they are no head.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown kind of record {kind!r}")
        weight, numbers, shares = (_floats(arrays, n) for n in ("weight", "numbers", "shares"))
        if numbers.shape != (4,) or shares.shape != (len(MEMBERS),) or (shares < 0.0).any():
            raise ValueError("a head's numbers are not what they should be")
        if not math.isclose(float(shares.sum()), 1.0, abs_tol=1e-3):
            raise ValueError("the shares of a head do not sum to 1")
        context = arrays.get("context")
        if context is None or context.shape != (1,):
            raise ValueError("a head does not say whether it looks at the context")
        used = [name for name, share in zip(MEMBERS, shares, strict=True) if share > 0.0]
        tails = {name: Tail.from_arrays(_below(arrays, f"tail.{name}.")) for name in used}
        trees = [name for name in used if name in (FOREST, WIDE)]
        bias, scale, offset, threshold = (float(number) for number in numbers)
        if scale <= 0.0 or not FLOOR < threshold <= _NEVER:
            raise ValueError("a head's slope or threshold is out of its range")
        return cls(
            kind=kind,
            bundle=bundle,
            context=bool(context[0]),
            weight=weight,
            bias=bias,
            gates=Gates.from_arrays(arrays),
            shares=tuple(float(share) for share in shares),
            tails=tails,
            forests={name: Forest.from_arrays(_below(arrays, f"{name}.")) for name in trees},
            platt=Platt(scale, offset),
            threshold=threshold,
        )

    def fits(self, embedding: int, table: int) -> bool:
        """Whether it takes embeddings [E] and tables [D + C] of these widths."""
        widths = {FOREST: table, WIDE: table + embedding + 2}
        trees = all(forest.width == widths[name] for name, forest in self.forests.items())
        return self.weight.shape == (embedding,) and trees


def ruled_out(linear: FloatArray) -> FloatArray:
    """Scores up to FLOOR in the order of the linear head's, float32, any shape."""
    scores = np.minimum(linear, np.float32(0.0))
    np.subtract(np.float32(1.0), scores, out=scores)  # in place: there may be many families
    return np.divide(np.float32(FLOOR), scores, out=scores)


def _floats(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> FloatArray:
    array = arrays.get(name)
    if array is None or array.ndim != 1 or array.dtype != np.float32:
        raise ValueError(f"a head lacks its {name}")
    if not (np.abs(array) <= _LARGEST).all():
        raise ValueError(f"{name} of a head is not finite, or too large")
    return array


def _below(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
