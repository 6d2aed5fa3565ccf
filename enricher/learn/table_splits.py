"""Tables in a random order, so that they can be cut in two like a log.

A log is cut in time, and a table has none. Its rows are put in a random order in which rows that
are nearly the same stand side by side: an earlier and a later half then share none of them, but
for those at the edge, which have the same number and are left out by whoever cuts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from enricher.learn.dataset import Dataset
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.tables import (
    FloatMatrix,
    Identity,
    Table,
    all_columns,
    distinct_rows,
    row_identity,
    table_dataset,
)

STEP: Final = 0.05
"""Numbers in one step of their logarithm count as the same."""


@dataclass(frozen=True, slots=True)
class MixedTable:
    """A table's rows in a random order.

    Attributes:
        dataset: The rows as ``conn`` records; ``sources`` is the row of ``columns``.
        identity: int64 [N], the same for rows that are nearly the same in what a model sees.
        columns: float32 [N, D], all columns: numbers, then words; NaN is missing.
        names: Names of the columns.
        words: How many of the last columns are words.
    """

    dataset: Dataset
    identity: Identity
    columns: FloatMatrix
    names: tuple[str, ...]
    words: int


def conn_like(table: Table, seed: int) -> MixedTable:
    """A table of which a model sees what a ``conn`` record tells too."""
    return _mixed(table, seed, by_columns=False)


def with_all_columns(table: Table, seed: int, *, time_to_live: bool = False) -> MixedTable:
    """A table of which a model sees all columns, those that tell the time to live on demand."""
    return _mixed(table, seed, by_columns=True, time_to_live=time_to_live)


def near_identity(numbers: FloatMatrix, words: npt.NDArray[np.integer]) -> Identity:
    """A number for each row; rows whose logarithms fall into the same steps have the same.

    Args:
        numbers: float32 [N, D], logarithms where they spread widely; NaN is like NaN.
        words: Integers [N, C].

    Returns:
        int64 [N], counted from 0.
    """
    return row_identity(np.round(numbers / np.float32(STEP)), words)


@dataclass(frozen=True, slots=True)
class Alike:
    """How much of a family can be told apart at all.

    Attributes:
        rows: Its rows.
        distinct: Of these, what is left where rows that are nearly the same count once.
        benign: Share of its rows that are nearly the same as a benign row.
        others: Share of its rows that are nearly the same as a row of another family.
    """

    rows: int
    distinct: int
    benign: float
    others: float


def rows_alike(table: MixedTable) -> dict[str, Alike]:
    """What of each family of a table is nearly the same as something else, by its name."""
    labels, identity = table.dataset.labels, table.identity
    benign = identity[labels == BENIGN_LABEL]
    found = {}
    for number, name in enumerate(table.dataset.space.families, 1):
        own = identity[labels == number]
        others = identity[(labels > BENIGN_LABEL) & (labels != number)]
        found[name] = Alike(
            rows=len(own),
            distinct=len(np.unique(own)),
            benign=float(np.isin(own, benign).mean()),
            others=float(np.isin(own, others).mean()),
        )
    return found


def _mixed(table: Table, seed: int, *, by_columns: bool, time_to_live: bool = False) -> MixedTable:
    columns, names = all_columns(table, time_to_live=time_to_live)
    columns = columns[distinct_rows(table)]
    words = len(table.layout.words)
    dataset = table_dataset(table)
    if by_columns:
        numbers = columns[:, : columns.shape[1] - words]
        logarithms = np.sign(numbers) * np.log1p(np.abs(numbers))
        identity = near_identity(logarithms, columns[:, len(names) - words :].astype(np.int64))
    else:
        identity = near_identity(dataset.features.numeric, dataset.features.categorical)
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.permutation(int(identity.max()) + 1)[identity], kind="stable")
    mixed = replace(dataset.take(order), sources=np.arange(len(order), dtype=np.int64))
    return MixedTable(mixed, identity[order], columns[order], names, words)
