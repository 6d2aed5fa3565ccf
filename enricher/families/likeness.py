"""Which records are the same to the learners of a family, and which are near."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from enricher.detector.adaptation.points import FloatArray, Points
from enricher.features.spec import SPECS


def distinct(points: Points, context: bool) -> int:
    """How many different records there are.

    Args:
        points: Records.
        context: Whether records in another context are others.
    """
    return len(set(_signs(points, context)))


def shared(points: Points, others: Points, context: bool) -> int:
    """How many of the records are among some others too."""
    known = set(_signs(others, context))
    return sum(sign in known for sign in _signs(points, context))


def view(embedding: FloatArray, context: bool) -> FloatArray:
    """The part of embeddings float32 [N, E] that a head looks at."""
    return embedding if context else embedding[:, : embedding.shape[1] // 2]


def nearest(
    embedding: FloatArray, exemplars: FloatArray, count: int
) -> list[npt.NDArray[np.int64]]:
    """Numbers of the nearest exemplars of each record, nearest first.

    Args:
        embedding: float32 [N, E].
        exemplars: float32 [K, E].
        count: How many, at most K.
    """
    distance = np.linalg.norm(embedding[:, None] - exemplars[None], axis=2)
    return list(np.argsort(distance, axis=1, kind="stable")[:, :count])


def _signs(points: Points, context: bool) -> list[bytes]:
    """Bytes of each record that are the same where records are: values and embedding."""
    spec = SPECS[points.kind]
    groups = [one.group for one in spec.numeric] + [one.group for one in spec.categorical]
    own = [place for place, group in enumerate(groups) if context or group != "context"]
    table = np.nan_to_num(points.table[:, own], nan=-math.pi)
    embedding = view(points.embedding, context)
    whole = np.ascontiguousarray(np.concatenate((table, embedding), axis=1) + np.float32(0.0))
    return [row.tobytes() for row in whole]
