"""The groups of one batch, made in columns before any object is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from enricher.alerts.flagged import Flagged, flow_time

MAX_DESTINATIONS = 1000
"""Distinct destinations of an alert are counted exactly up to this; one more means 'more'."""
MAX_SOURCE_CHARACTERS = 64

Rank = tuple[float, float, float, int, int]
"""Minus the score, p-value, time, file, line: the smallest is the strongest record."""
Key = tuple[str, str, int]
"""Source, family, number of the window."""


@dataclass(frozen=True, slots=True)
class Partials:
    """The groups of part of a batch, in the order of their first records; one entry each."""

    sources: list[str]
    codes: list[int]
    windows: list[int]
    best: list[int]
    first_places: list[int]
    ranks: list[Rank]
    counts: list[int]
    lowest_p: list[float]
    first_ts: list[float]
    last_ts: list[float]
    destinations: list[list[int]]

    def keys(self, flagged: Flagged) -> list[Key]:
        """Source, name of the family and window of each group."""
        names: dict[int, str] = {code: flagged.name(code) for code in set(self.codes)}
        return [
            (source, names[code], window)
            for source, code, window in zip(self.sources, self.codes, self.windows, strict=True)
        ]

    def numbers(self, number: int) -> tuple[int, float, float, float, list[int]]:
        """What is counted of a group: as :meth:`enricher.alerts.group.Group.take` takes it."""
        return (
            self.counts[number],
            self.lowest_p[number],
            self.first_ts[number],
            self.last_ts[number],
            self.destinations[number],
        )


_KEY = ("source", "code", "window")
_RANK = ("minus_score", "p_value", "ts", "file", "line")


def keyed_records(flagged: Flagged, window_seconds: float) -> pl.DataFrame:
    """Key, rank and destination of every flagged record."""
    return flagged.frame.select(
        pl.col("id.orig_h").fill_null("").str.slice(0, MAX_SOURCE_CHARACTERS).alias("source"),
        pl.Series("code", flagged.verdicts),
        (flow_time() / window_seconds).floor().cast(pl.Int64).alias("window"),
        pl.Series("place", np.arange(len(flagged), dtype=np.int64)),
        pl.Series("minus_score", -flagged.score.astype(np.float64)),
        pl.Series("p_value", flagged.p_value.astype(np.float64)),
        flow_time().alias("ts"),
        pl.col("_file").fill_null(0).cast(pl.Int64).alias("file"),
        pl.col("_line").fill_null(0).cast(pl.Int64).alias("line"),
        pl.when(pl.col("id.resp_h").is_not_null()).then(pl.col("id.resp_h").hash()).alias("to"),
    )


def grouped(keyed: pl.DataFrame) -> Partials:
    """Group what :func:`keyed_records` gave, in columns."""
    # One query: each step by itself would wait for the threads of Polars once more.
    query = keyed.lazy()
    strongest_first = query.sort(_RANK)
    groups = strongest_first.group_by(_KEY, maintain_order=True).agg(
        pl.col("place").first().alias("best"),
        pl.col("place").min().alias("first_place"),
        *(pl.col(name).first() for name in _RANK if name != "ts"),
        pl.col("ts").first().alias("best_ts"),
        pl.len().alias("count"),
        pl.col("p_value").min().alias("lowest_p"),
        pl.col("ts").min().alias("first_ts"),
        pl.col("ts").max().alias("last_ts"),
    )
    pairs = (
        query.select(*_KEY, "to")
        .drop_nulls("to")
        .unique()
        .group_by(_KEY)
        .agg(pl.col("to").head(MAX_DESTINATIONS + 1))
    )
    groups = groups.join(pairs, on=list(_KEY), how="left").sort("first_place")
    columns: dict[str, list[Any]] = groups.collect().to_dict(as_series=False)
    rank = zip(
        columns["minus_score"], columns["p_value"], columns["best_ts"], columns["file"],
        columns["line"], strict=True,
    )  # fmt: skip
    return Partials(
        sources=columns["source"],
        codes=columns["code"],
        windows=columns["window"],
        best=columns["best"],
        first_places=columns["first_place"],
        ranks=list(rank),
        counts=columns["count"],
        lowest_p=columns["lowest_p"],
        first_ts=columns["first_ts"],
        last_ts=columns["last_ts"],
        destinations=[found or [] for found in columns["to"]],
    )
