"""Records that an evaluation of a finished model asks about: benign ones, and of each family."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from enricher.features import NameModel
from enricher.features.rows import Rows, join, take
from enricher.features.tensors import Features
from enricher.learn.benign_names import digest
from enricher.learn.cache import Cache
from enricher.learn.dataset import NOT_BELIEVED, NOT_LABELLED, LabelledLog
from enricher.learn.loading import read_source
from enricher.learn.manifest import BENIGN, Manifest
from enricher.learn.recipe import Recipe
from enricher.logs import Kind

Key: TypeAlias = tuple[Kind, str]
"""A kind of record and a family."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many records are taken at most.

    Attributes:
        benign: Benign records of a log for each of support and query set.
        pool: Records of a family that support sets are drawn from.
        query: Records of a family in one log that are asked about.
        seed: Of what is drawn.
    """

    benign: int = 1500
    pool: int = 200
    query: int = 1000
    seed: int = 0


@dataclass(slots=True)
class Sample:
    """Features of the records that are asked about.

    Attributes:
        benign: Kind -> records of the first half of each log, for support sets and thresholds
            of heads.
        held: Kind -> records of the second half, which false-positive rates are taken from.
        support: Records of the beginning of the first log that has the family.
        query: The others.
    """

    benign: dict[Kind, Features] = field(default_factory=dict)
    held: dict[Kind, Features] = field(default_factory=dict)
    support: dict[Key, Features] = field(default_factory=dict)
    query: dict[Key, Features] = field(default_factory=dict)


def collect(logs: Iterable[LabelledLog], limits: Limits) -> Sample:
    """Draw records of every family and benign ones.

    Which records are drawn depends on the order of the logs, on their labels and on the seed
    alone: two readings of the same logs with other values give the same records in the same order.
    """
    parts: list[dict[tuple[Kind, str], list[Features]]] = [{} for _ in range(4)]
    benign, held, support, query = parts
    for number, log in enumerate(logs):
        for family in map(str, np.unique(log.families)):
            rows = np.flatnonzero(log.families == family)
            rng = np.random.default_rng([limits.seed, number, zlib.crc32(family.encode())])
            key = (log.features.kind, family)
            if family in (NOT_LABELLED, NOT_BELIEVED):
                continue
            if family == BENIGN:
                middle = len(rows) // 2
                halves = ((benign, rows[:middle]), (held, rows[middle:]))
                for where, some in halves:
                    where.setdefault(key, []).append(_drawn(log, some, limits.benign, rng))
                continue
            if key not in support:
                pool = min(len(rows) // 2, limits.pool)
                support[key] = [take(log.features, rows[:pool])]
                rows = rows[pool:]
            query.setdefault(key, []).append(_drawn(log, rows, limits.query, rng))
    whole = [{key: join(some) for key, some in part.items()} for part in parts]
    return Sample(
        benign={kind: features for (kind, _), features in whole[0].items()},
        held={kind: features for (kind, _), features in whole[1].items()},
        support=whole[2],
        query=whole[3],
    )


def _drawn(log: LabelledLog, rows: Rows, most: int, rng: np.random.Generator) -> Features:
    if len(rows) > most:
        rows = np.sort(rng.choice(rows, most, replace=False))
    return take(log.features, rows)


def unattacked_logs(
    manifest: Manifest, recipe: Recipe, names: NameModel | None, cache: Path | None
) -> Iterator[LabelledLog]:
    """The logs of a manifest without any attack.

    Raises:
        InputError: If a log can not be read.
    """
    read = partial(read_source, names=names)
    store = None if cache is None else Cache(cache)
    for listed in manifest.logs:
        if not listed.families:
            source = replace(listed, doubtful=recipe.data.doubted(listed.capture))
            if store is None:
                yield from read(source)
            else:
                yield from store.get(source, read, digest(names))
