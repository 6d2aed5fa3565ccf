"""Which clusters are discoveries that the site has already: by how far they cover each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from enricher.families.discovery.clustering import share_near
from enricher.families.discovery.figures import Status

ENOUGH = 0.5
"""Share of one's records that must lie within the radius of the other's."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Known:
    """A discovery of the site.

    Attributes:
        number: Its number.
        status: What became of it.
        embedding: float32 [K, E], of the records that are kept of it.
    """

    number: int
    status: Status
    embedding: FloatArray


@dataclass(slots=True)
class Matches:
    """Which is which.

    Attributes:
        numbers: Number of the discovery that each cluster is; None where it is a new one.
        merged: Discoveries that a cluster has taken in: number -> number of that cluster's.
    """

    numbers: list[int | None]
    merged: dict[int, int] = field(default_factory=dict)


def match(clusters: Sequence[FloatArray], known: Sequence[Known], radius: float) -> Matches:
    """Match the clusters of one kind with the discoveries of that kind.

    A cluster is an open discovery where half of either's records are near the other's. It is one
    that was named or dismissed only where half of the cluster's own records are near that one's:
    an attack that grows around what was dismissed is not hidden by it.

    Args:
        clusters: float32 [N, E] of each.
        known: In the order in which they came: of two that fit equally well the older is taken.
        radius: How near neighbours are.
    """
    pairs: list[tuple[float, int, int, float]] = []
    for at, one in enumerate(known):
        for place, embedding in enumerate(clusters):
            inside = share_near(embedding, one.embedding, radius)
            covered = share_near(one.embedding, embedding, radius)
            share = max(inside, covered) if one.status == "open" else inside
            if share >= ENOUGH:
                pairs.append((-share, at, place, covered))
    matches = Matches([None] * len(clusters))
    taken: set[int] = set()
    for _, at, place, _ in sorted(pairs):
        if matches.numbers[place] is None and at not in taken:
            matches.numbers[place] = known[at].number
            taken.add(at)
    for _, at, place, covered in sorted(pairs):
        into = matches.numbers[place]
        if (
            at not in taken
            and known[at].status == "open"
            and covered >= ENOUGH
            and into is not None
        ):
            matches.merged.setdefault(known[at].number, into)
    return matches
