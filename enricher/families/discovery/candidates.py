"""Records that are far from benign and from every family, and a bounded, fair sample of them.

A noisy source must not drown the others: of one source's records of one destination port so many
are kept, of one source so many, and of one destination so many. Which of them are kept is drawn by
a hash of each record (bottom-k sampling: Cohen and Kaplan 2007), so that it does not depend on the
order in which they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.features.rows import join, take
from enricher.features.tensors import Features
from enricher.logs import Kind

PER_SERVICE = 100
"""Records of one source and one destination port."""
PER_SOURCE = 500
PER_DESTINATION = 500
CAPACITY = 4000
"""Records of one kind: the distances between all of them fit into memory."""

_MOST_SERVICES = 262_144
_LONGEST, _LONGEST_LIST, _LONGEST_ITEM = 4096, 64, 512

FloatArray = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """N records of one kind; rows correspond.

    Attributes:
        frame: Their canonical columns, ``_file`` and ``_line``; long values are cut.
        features: Of them.
        embedding: float32 [N, E].
        family_scores: float32 [N, F], of the families of the detector.
        weight: float64 [N], of how many records of its source and port each is one: what was seen
            over what was kept.
    """

    frame: pl.DataFrame
    features: Features
    embedding: FloatArray
    family_scores: FloatArray
    weight: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.embedding)

    @property
    def kind(self) -> Kind:
        """The kind of all records."""
        return self.features.kind

    def rows(self, index: Rows) -> Candidates:
        """The records at ``index``."""
        return Candidates(
            self.frame[index],
            take(self.features, index),
            self.embedding[index],
            self.family_scores[index],
            self.weight[index],
        )


class CandidateSampler:
    """Samples the candidates of one kind as they come.

    Args:
        capacity: How many are kept in the end.

    Attributes:
        seen: How many came.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._parts: list[Candidates] = []
        self._seen: dict[tuple[str, int], int] = {}
        self.seen = 0

    def add(
        self, frame: pl.DataFrame, features: Features, embedding: FloatArray, scores: FloatArray
    ) -> None:
        """Take candidates.

        Args:
            frame: The records, with ``_file`` and ``_line``.
            features: Of them.
            embedding: float32 [N, E].
            scores: float32 [N, F], of families.
        """
        if not frame.height:
            return
        self.seen += frame.height
        self._count(frame)
        weight = np.ones(frame.height)
        self._parts.append(Candidates(_cut(frame), features, embedding, scores, weight))
        if sum(map(len, self._parts)) >= 4 * self._capacity:
            self._parts = [self._reduced(2 * self._capacity)]

    def candidates(self) -> Candidates | None:
        """The sample, in the order of its hashes; None where nothing came."""
        if not self._parts:
            return None
        whole = self._reduced(self._capacity)
        groups = list(_services(whole.frame).rows())
        kept: dict[tuple[str, int], int] = {}
        for group in groups:
            kept[group] = kept.get(group, 0) + 1
        weight = [max(1.0, self._seen.get(group, 0) / kept[group]) for group in groups]
        return Candidates(
            whole.frame, whole.features, whole.embedding, whole.family_scores, np.array(weight)
        )

    def _count(self, frame: pl.DataFrame) -> None:
        if len(self._seen) > _MOST_SERVICES:
            return  # of sources beyond, the size is that of the sample
        for source, port, count in _services(frame).group_by("source", "port").len().rows():
            self._seen[source, port] = self._seen.get((source, port), 0) + count

    def _reduced(self, most: int) -> Candidates:
        whole = joined(self._parts)
        return whole.rows(_chosen(whole.frame, most))


def joined(parts: Sequence[Candidates]) -> Candidates:
    """The records of all parts, in order."""
    if len(parts) == 1:
        return parts[0]
    return Candidates(
        pl.concat([part.frame for part in parts], rechunk=True),
        join([part.features for part in parts]),
        np.concatenate([part.embedding for part in parts]),
        np.concatenate([part.family_scores for part in parts]),
        np.concatenate([part.weight for part in parts]),
    )


def _services(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        pl.col("id.orig_h").fill_null("").alias("source"),
        pl.col("id.resp_p").fill_null(-1).alias("port"),
    )


def _chosen(frame: pl.DataFrame, most: int) -> Rows:
    """Which records are kept, int64 [R], in the order of their hashes."""
    own = ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "_line"]
    left = _services(frame).with_columns(
        frame["id.resp_h"].fill_null("").alias("destination"),
        frame.select(pl.struct(own).hash(seed=0)).to_series().alias("key"),
        pl.Series("row", np.arange(frame.height)),
    )
    left = left.sort("key", "row")
    for columns, limit in (
        (["source", "port"], PER_SERVICE),
        (["source"], PER_SOURCE),
        (["destination"], PER_DESTINATION),
    ):
        left = left.with_columns(pl.int_range(pl.len()).over(columns).alias("place"))
        left = left.filter(pl.col("place") < limit)
    if left.height > most:
        place = pl.int_range(pl.len()).over("source").alias("place")
        left = left.with_columns(place).sort("place", "key", "row").head(most).sort("key", "row")
    return left["row"].to_numpy().astype(np.int64)


def _cut(frame: pl.DataFrame) -> pl.DataFrame:
    """Bound what is kept of a record: a log's values may be of any length."""
    lists = [name for name, type_ in frame.schema.items() if type_ == pl.List(pl.String)]
    item = pl.element().str.head(_LONGEST_ITEM)
    return frame.with_columns(
        pl.col(pl.String).str.head(_LONGEST),
        *(pl.col(name).list.head(_LONGEST_LIST).list.eval(item) for name in lists),
    )
