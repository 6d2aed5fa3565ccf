"""Shares of the base learners as a function of the number of support records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from enricher.logs import Kind

EVEN = (0.25, 0.25, 0.25, 0.25)


@dataclass(frozen=True, slots=True)
class Shares:
    """Convex weights (van der Laan 2007), learned over families; linear in ln K between knots.

    Attributes:
        by_kind: Kind -> K -> share of each base learner, in the order of
            :data:`enricher.detector.adaptation.family_head.MEMBERS`.
    """

    by_kind: Mapping[Kind, Mapping[int, Sequence[float]]] = field(default_factory=dict)

    def at(self, kind: Kind, shots: int) -> tuple[float, ...]:
        """The shares for so many support records; equal ones where nothing was learned."""
        knots = self.by_kind.get(kind)
        if not knots:
            return EVEN
        places = sorted(knots)
        if shots <= places[0] or shots >= places[-1]:
            return _normal(knots[places[0] if shots <= places[0] else places[-1]])
        above = next(place for place in places if place >= shots)
        below = places[places.index(above) - 1]
        part = math.log(shots / below) / math.log(above / below)
        pairs = zip(knots[below], knots[above], strict=True)
        return _normal([(1 - part) * low + part * high for low, high in pairs])

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            kind: {str(shots): list(shares) for shots, shares in knots.items()}
            for kind, knots in self.by_kind.items()
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`.

        Raises:
            TypeError, ValueError: If the values are no shares.
        """
        by_kind: dict[Any, dict[int, tuple[float, ...]]] = {}
        for kind, knots in plain.items():
            by_kind[kind] = {int(shots): _normal(shares) for shots, shares in knots.items()}
        return cls(by_kind)


def _normal(shares: Sequence[float]) -> tuple[float, ...]:
    total = sum(shares)
    if len(shares) != len(EVEN) or min(shares) < 0 or not total > 0 or not math.isfinite(total):
        raise ValueError(f"shares must be {len(EVEN)} numbers, none negative: {shares}")
    return tuple(float(share) / total for share in shares)
