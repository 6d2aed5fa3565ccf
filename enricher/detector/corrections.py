"""Records that an analyst has called false alarms: what is near one of them is benign.

A correction is a ball around the embedding of one record, for one family. How wide it may be is
known from how far apart benign records lie (k-nearest-neighbour distances as a scale of the local
density: Loftsgaarden and Quesenberry 1965; as a bound for what is new: Knorr and Ng 1998), and it
never reaches more than half the way to a record that is known to be of an attack, so that it can
not blind the detector to a family.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float64]

SITE_PERCENTILE = 99.0
"""Of the distances between a benign record of the site and the nearest other one."""
SHIPPED_PERCENTILE = 90.0
"""The same for the bundle's benign records, which are fewer and so lie further apart. No radius is
wider, and that of a site with benign records of its own is at least half of it. Measured on real
logs: with the shipped model the nearest attack to any of 1,200 benign records that were
flagged, or nearly, was half as far again as this; with eight models that evaluations had trained, a
correction of a connection silenced 0.013 % of what was rightly found as its family, the worst of
3,700 about a quarter of it."""
SMALLEST = 0.01
"""Embeddings of one record on two devices, or in two batches, may differ by less than this."""

_SAMPLE = 1000
_ROWS = 128
_AT_ONCE = 2048


class Corrections:
    """The corrections of one kind of record.

    Args:
        families: The family that each of the M records was wrongly given to; may be ``unknown``.
        embedding: float32 [M, E], of the records.
        radius: float32 [M]; 0 switches a correction off.

    Raises:
        ValueError: If the shapes do not match.
    """

    def __init__(self, families: Sequence[str], embedding: FloatArray, radius: FloatArray) -> None:
        count = len(families)
        if embedding.ndim != 2 or len(embedding) != count or radius.shape != (count,):  # noqa: PLR2004
            raise ValueError(f"{count} corrections need as many embeddings and radii")
        self._radius: dict[str, FloatArray] = {}
        self._embedding: dict[str, FloatArray] = {}
        names = np.array(families, dtype=object)
        for name in dict.fromkeys(families):
            own = np.flatnonzero((names == name) & (radius > 0))
            if len(own):
                self._embedding[name], self._radius[name] = embedding[own], radius[own]

    @property
    def families(self) -> tuple[str, ...]:
        """Families that have a correction."""
        return tuple(self._radius)

    def covers(self, family: str, embedding: FloatArray) -> npt.NDArray[np.bool_]:
        """Which of R flagged records a correction of their family covers, bool [R].

        Args:
            family: What they were flagged as.
            embedding: float32 [R, E].
        """
        covered = np.zeros(len(embedding), dtype=np.bool_)
        if family in self._radius:
            centres, radius = self._embedding[family], self._radius[family]
            for start in range(0, len(embedding), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                covered[some] = (distances(embedding[some], centres) <= radius).any(axis=1)
        return covered


def distances(embedding: FloatArray, others: FloatArray) -> Distances:
    """Euclidean distances of float32 [R, E] to float32 [M, E], float64 [R, M]."""
    left, right = embedding.astype(np.float64), others.astype(np.float64)
    squares = (left * left).sum(1)[:, None] + (right * right).sum(1) - 2.0 * left @ right.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), dtype=np.float64)


def spacing(benign: FloatArray, percentile: float) -> float:
    """How far apart benign records lie: a percentile of the distance to the nearest other one.

    Args:
        benign: float32 [B, E], embeddings of benign records; at most a thousand of them, evenly
            taken, are compared with all.
        percentile: From 0 to 100.

    Returns:
        The distance; 0 for fewer than two records.
    """
    count = len(benign)
    if count < 2:  # noqa: PLR2004 - one record has no other
        return 0.0
    rows = np.unique(np.linspace(0, count - 1, _SAMPLE).astype(np.int64))
    nearest = []
    for some in np.array_split(rows, -(-len(rows) // _ROWS)):  # all at once were 80 MB
        found = distances(benign[some], benign)
        found[np.arange(len(some)), some] = np.inf
        nearest.append(found.min(axis=1))
    return float(np.percentile(np.concatenate(nearest), percentile))


def radii(embedding: FloatArray, widest: float, attacks: FloatArray) -> FloatArray:
    """How wide each correction is, float32 [M].

    Args:
        embedding: float32 [M, E], of the corrected records.
        widest: None is wider.
        attacks: float32 [A, E], records that are known to be of an attack of any family.

    Returns:
        ``widest``, or half the distance to the nearest attack where that is less. A record that
        is the same as one of an attack corrects nothing: 0.
    """
    whole = np.full(len(embedding), max(widest, SMALLEST), dtype=np.float64)
    if len(attacks):
        half = distances(embedding, attacks).min(axis=1) / 2.0
        whole = np.where(half < SMALLEST, 0.0, np.minimum(whole, half))
    return whole.astype(np.float32)
