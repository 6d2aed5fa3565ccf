"""Clusters of points by their density (DBSCAN: Ester, Kriegel, Sander and Xu 1996).

The same points give the same clusters in whatever order they come, and points that are added
make clusters grow or join, but never fall apart: that is what ids are kept by. HDBSCAN, which needs
no radius, has neither property; here the radius is known from benign records.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from enricher.detector.corrections import distances

FEWEST = 5
"""So many points within the radius of one, itself among them, make a cluster."""
NOISE = -1

_ROWS = 512

FloatArray = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


def cluster(embedding: FloatArray, radius: float, fewest: int = FEWEST) -> list[Rows]:
    """The clusters of some points: which points are in each, the largest cluster first.

    A point that has few neighbours itself belongs to the cluster of the nearest point that has
    enough, where that is within the radius.

    Args:
        embedding: float32 [N, E]; time and memory grow with the square of N.
        radius: How near neighbours are.
        fewest: Of how many neighbours a cluster is made.
    """
    near = _neighbours(embedding, radius)
    core = near.sum(axis=1) >= fewest
    labels = _components(near, core)
    cores = np.flatnonzero(core)
    for some in _split(np.flatnonzero(~core & (near & core).any(axis=1))):
        nearest = distances(embedding[some], embedding[cores]).argmin(axis=1)
        labels[some] = labels[cores[nearest]]
    found = [np.flatnonzero(labels == label) for label in range(int(labels.max(initial=NOISE)) + 1)]
    return sorted(found, key=lambda rows: (-len(rows), int(rows[0])))


def spread(embedding: FloatArray, count: int) -> Rows:
    """Points that stand for all: the one in the middle, then those far from the ones before.

    (Farthest-first traversal: Gonzalez 1985.)

    Args:
        embedding: float32 [N, E].
        count: How many are taken at most; identical ones are not taken twice.
    """
    middle = embedding.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)
    chosen = [int(distances(embedding, middle)[:, 0].argmin())]
    gap = distances(embedding, embedding[chosen])[:, 0]
    gap[chosen] = 0.0
    while len(chosen) < min(count, len(embedding)) and gap.max() > 0.0:
        chosen.append(int(gap.argmax()))
        gap = np.minimum(gap, distances(embedding, embedding[chosen[-1:]])[:, 0])
        gap[chosen] = 0.0
    return np.array(chosen, dtype=np.int64)


def share_near(embedding: FloatArray, others: FloatArray, radius: float) -> float:
    """Share of points float32 [N, E] that have one of the others within the radius."""
    if not len(embedding) or not len(others):
        return 0.0
    near = [(distances(some, others) <= radius).any(axis=1) for some in _parts(embedding)]
    return float(np.concatenate(near).mean())


def _neighbours(embedding: FloatArray, radius: float) -> npt.NDArray[np.bool_]:
    near = np.zeros((len(embedding), len(embedding)), dtype=np.bool_)
    for some in _split(np.arange(len(embedding))):
        near[some] = distances(embedding[some], embedding) <= radius
    near |= near.T  # rounding may see one pair in two ways
    np.fill_diagonal(near, val=True)
    return near


def _components(near: npt.NDArray[np.bool_], core: npt.NDArray[np.bool_]) -> Labels:
    """Numbers of the connected parts among the points with enough neighbours, the rest noise."""
    labels = np.full(len(core), NOISE, dtype=np.int64)
    label = 0
    for seed in np.flatnonzero(core):
        if labels[seed] != NOISE:
            continue
        front = np.array([seed])
        while len(front):
            labels[front] = label
            front = np.flatnonzero(near[front].any(axis=0) & core & (labels == NOISE))
        label += 1
    return labels


def _split(rows: Rows) -> list[Rows]:
    return np.array_split(rows, -(-len(rows) // _ROWS)) if len(rows) else []


def _parts(embedding: FloatArray) -> list[FloatArray]:
    return np.array_split(embedding, -(-len(embedding) // _ROWS))
