"""How usual the letters of names are: learned from the names of benign DNS logs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import polars as pl

from enricher.features import NameModel, text_of
from enricher.learn.manifest import BENIGN, LogSource
from enricher.logs import LogBatch


def names_of(source: LogSource, batch: LogBatch) -> pl.Series:
    """Queried names of the benign records in the first half of a log.

    The second half is left for evaluations, whose benign names the model must not have seen.
    """
    half = batch.frame.head(len(batch) // 2)
    if source.family == BENIGN:
        return half["query"]
    wanted = [value for value, family in source.labels.items() if family == BENIGN]
    if source.label_column is None or not wanted:
        return half["query"].clear()
    return half.filter(pl.col(source.label_column).fill_null("-").is_in(wanted))["query"]


def fit_names(names: Iterable[pl.Series]) -> NameModel | None:
    """A model of the distinct names; None where there are none."""
    parts = list(names)
    if not parts:
        return None
    distinct = pl.concat(parts).drop_nulls().str.to_lowercase().unique().sort()
    return NameModel.fit(text_of(distinct)) if len(distinct) else None


def digest(model: NameModel | None) -> str:
    """Changes with the model: what was made with another is made again."""
    return "" if model is None else hashlib.sha256(model.table.tobytes()).hexdigest()
