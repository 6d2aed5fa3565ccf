"""The literature's tables (UNSW-NB15, NSL-KDD, KDD Cup 99, CICIDS2017) as data sets.

They are read in two ways. As ``conn`` records (:func:`conn_features`), with what the table tells
in the sense of a sensor's log and the rest missing: for training beside logs, and for evaluation
across data sets. And with all their columns (:func:`all_columns`), for trees and linear models
that are compared with papers. The modules ``table_kdd``, ``table_unsw`` and ``table_cicids`` say
what is mapped, and which attacks of the originals are not here.

Rows have no address and no order, so context is missing, never that of a first record. KDD Cup 99
and NSL-KDD hold the same connections: one of them in training rules out the other in a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.features import SPECS, ContextTracker, Features, extract
from enricher.features.rows import Rows, take
from enricher.learn.dataset import Dataset, LabelledLog, Strings, build
from enricher.learn.labels import LabelSpace, label_space
from enricher.learn.manifest import BENIGN
from enricher.learn.table_reading import Table, TableSource, read_table, table_sources
from enricher.logs import PROVENANCE, SCHEMAS, LogBatch

__all__ = [
    "TABLE_CAPTURE",
    "RepeatedRows",
    "Table",
    "TableSource",
    "all_columns",
    "categories",
    "conn_features",
    "distinct_rows",
    "first_rows",
    "read_table",
    "repeated_rows",
    "row_identity",
    "table_dataset",
    "table_sources",
    "table_space",
]

TABLE_CAPTURE: Final = "table-"
"""Begins the names of captures that are tables: their records have no order and no sources."""

FloatMatrix = npt.NDArray[np.float32]
Identity = npt.NDArray[np.int64]

_SPEEDS: Final = ("bytes_per_second", "pkts_per_second")


@dataclass(frozen=True, slots=True)
class RepeatedRows:
    """How many rows of a table say nothing new.

    Attributes:
        rows: Labelled rows.
        repeated: Of these, rows that are like an earlier one in every column.
        contradicted: Of these, rows that are like one of another family in every column.
    """

    rows: int
    repeated: int
    contradicted: int


def conn_features(table: Table) -> Features:
    """A table's rows as ``conn`` records: what it does not tell in a log's sense is missing.

    Returns:
        Features of ``SPECS["conn"]``, N records. Every context feature is NaN. Speeds are NaN
        where the table's durations are in whole seconds and a duration is 0.
    """
    frame = table.frame.select(
        table.layout.conn.get(name, pl.lit(None)).cast(kind, strict=False).alias(name)
        for name, kind in SCHEMAS["conn"].items()
    ).with_columns(
        pl.lit(0.0).alias("ts"),
        pl.lit(0, PROVENANCE["_file"]).alias("_file"),
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt64()).alias("_line"),
    )
    features = extract(LogBatch("conn", frame), ContextTracker("conn"))
    spec = SPECS["conn"]
    context = [place for place, column in enumerate(spec.numeric) if column.group == "context"]
    features.numeric[:, context] = np.nan
    if table.layout.whole_seconds:
        unknown = features.numeric[:, spec.numeric_names.index("duration")] == 0.0
        speeds = [spec.numeric_names.index(name) for name in _SPEEDS]
        features.numeric[np.ix_(unknown, speeds)] = np.nan
    return features


def all_columns(table: Table, *, time_to_live: bool = False) -> tuple[FloatMatrix, tuple[str, ...]]:
    """All columns that a model may see, as numbers, for trees and linear baselines.

    Numbers of rows, labels, addresses, ports, times and random numbers are left out.

    Args:
        table: The table.
        time_to_live: Also the columns that tell the time to live. Papers use them; in UNSW-NB15
            they tell the machine that played the attacker, so say so beside the figures.

    Returns:
        float32 [N, D], NaN where missing, words as their place in the sorted words of the table;
        and the names of the columns.
    """
    left_out = frozenset() if time_to_live else table.layout.time_to_live
    names = tuple(name for name in table.frame.columns if name not in left_out)
    numeric = table.frame.select(
        (pl.col(name).rank("dense") - 1 if name in table.layout.words else pl.col(name))
        .cast(pl.Float32())
        .fill_null(float("nan"))
        for name in names
    )
    return numeric.to_numpy(order="c"), names


def row_identity(*matrices: npt.NDArray[Any]) -> Identity:
    """A number for each row; rows that are alike in every column have the same number.

    For what a model sees as ``conn`` records, give ``features.numeric, features.categorical``.

    Args:
        matrices: Arrays of numbers, N rows each; NaN is like NaN.

    Returns:
        int64 [N], counted from 0.
    """
    # Adding 0 makes one zero of two, and one NaN is written over all of them.
    parts = [np.asarray(matrix, np.float64) + 0.0 for matrix in matrices]
    joined = np.ascontiguousarray(np.concatenate(parts, axis=1))
    joined[np.isnan(joined)] = np.nan
    rows = joined.view(np.dtype((np.void, joined.dtype.itemsize * joined.shape[1]))).reshape(-1)
    return np.asarray(np.unique(rows, return_inverse=True)[1], np.int64).reshape(-1)


def first_rows(identity: Identity) -> Rows:
    """int64 [R], in order: the first row of each identity, that is, without exact duplicates."""
    return np.sort(np.unique(identity, return_index=True)[1]).astype(np.int64)


def distinct_rows(table: Table) -> Rows:
    """int64 [R], in order: the rows without those that repeat every column and the label."""
    columns, _ = all_columns(table, time_to_live=True)
    family = np.unique(table.families, return_inverse=True)[1].reshape(-1, 1)
    return first_rows(row_identity(columns, family))


def repeated_rows(families: Strings, identity: Identity) -> RepeatedRows:
    """Count the rows that are like others in every column (strings [N], int64 [N])."""
    distinct, number = np.unique(families, return_inverse=True)
    pairs = np.unique(identity * len(distinct) + number.reshape(-1))
    owners = np.bincount(pairs // len(distinct))
    return RepeatedRows(
        rows=len(identity),
        repeated=len(identity) - len(owners),
        contradicted=int(np.count_nonzero(owners[identity] > 1)),
    )


def categories(table: Table) -> Strings:
    """Strings [N], the category of each row: KDD's dos, probe, r2l and u2r, or the family."""
    space = table_space(table)
    names, place = np.unique(table.families, return_inverse=True)
    return np.array([space.group(str(name)) for name in names])[place.reshape(-1)]


def table_space(table: Table) -> LabelSpace:
    """The label space of a table: its families, and its categories as groups."""
    families = {str(name) for name in np.unique(table.families)} - {BENIGN}
    groups = {
        category: tuple(name for name in members if name in families)
        for category, members in table.layout.categories.items()
    }
    return label_space(families, {name: own for name, own in groups.items() if own})


def table_dataset(table: Table, *, duplicates: bool = False) -> Dataset:
    """A table as a data set of ``conn`` records, capture ``table-<name>``.

    ``times`` are 0, for there are none. ``sources`` is the identity of the ``conn`` record, so that
    a split by source keeps records that a model can not tell apart on one side. They are many:
    rows that differ in the table can be one and the same record.

    Args:
        table: The table.
        duplicates: Keep rows that are like an earlier one in every column and in the label.
    """
    features, families = conn_features(table), table.families
    if not duplicates:
        kept = distinct_rows(table)
        features, families = take(features, kept), families[kept]
    log = LabelledLog(
        capture=f"{TABLE_CAPTURE}{table.name}",
        weak=False,
        features=features,
        families=families,
        times=np.zeros(len(features), np.float64),
        sources=row_identity(features.numeric, features.categorical),
    )
    return build([log], table_space(table))
