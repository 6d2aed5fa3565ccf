"""Describes a cluster of records: hosts, times, exemplars, and what sets it apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from enricher.detector.corrections import distances
from enricher.detector.detector import Detector
from enricher.families.bank import load_bank
from enricher.families.discovery.candidates import Candidates, FloatArray
from enricher.families.discovery.clustering import spread
from enricher.families.discovery.figures import (
    MAX_TEXT,
    SHOWN,
    Apart,
    Exemplar,
    Figures,
    Interval,
    Often,
    Values,
)
from enricher.families.discovery.support import support_of
from enricher.logs import Kind

EXEMPLARS = 3
EXPLAINED = 32
"""Of so many records of a cluster it is worked out what sets them apart."""
_FEWEST_TIMES = 5
_MAX_PLACE = 1024
_MAX_WORDS = 4 * MAX_TEXT
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_ENDS = ("id.orig_h", "id.resp_h", "id.resp_p")
_FIELDS: dict[Kind, tuple[str, ...]] = {
    "conn": (
        *_ENDS, "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state", "history",
    ),
    "http": (*_ENDS, "method", "host", "uri", "user_agent", "status_code", "request_body_len"),
    "dns": (*_ENDS, "query", "qtype_name", "rcode_name", "answers"),
    "ssl": (*_ENDS, "server_name", "version", "cipher", "subject", "ja3", "ja4", "established"),
}  # fmt: skip


class Describing:
    """Describes the clusters of one kind.

    Args:
        detector: Found the records.
        state: The state directory: has benign records where the site is calibrated.
        kind: Their kind.

    Raises:
        StateError: If the benign records are damaged.
    """

    def __init__(self, detector: Detector, state: Path, kind: Kind) -> None:
        self._detector, self._thresholds = detector, detector.thresholds(kind)
        spec, bundle = detector.bundle.specs[kind], detector.bundle
        widths = len(spec.numeric) + len(spec.categorical), bundle.model.config.embedding
        bank = load_bank(state, kind, bundle.digest, widths) or bundle.bank.get(kind)
        self._benign = None if bank is None else bank.embedding

    def figures(self, cluster: Candidates, names: Sequence[str]) -> Figures:
        """What there is to say of one cluster.

        Args:
            cluster: Its records.
            names: Path of each file by its number.
        """
        frame = cluster.frame
        times = frame["ts"].drop_nulls().drop_nans()
        times = times.filter(times.is_finite())
        nearest, score, threshold = self._nearest(cluster)
        return Figures(
            kind=cluster.kind,
            records=round(float(cluster.weight.sum())),
            sampled=len(cluster),
            first=_number(times.min()),
            last=_number(times.max()),
            sources=_values(cluster, "id.orig_h"),
            destinations=_values(cluster, "id.resp_h"),
            ports=_values(cluster, "id.resp_p"),
            interval=_interval(cluster),
            exemplars=_exemplars(cluster, names),
            apart=self._apart(cluster),
            nearest=nearest,
            nearest_score=score,
            nearest_threshold=threshold,
            cohesion=_cohesion(cluster.embedding, self._benign),
        )

    def _nearest(self, cluster: Candidates) -> tuple[str | None, float, float]:
        scores = cluster.family_scores.mean(axis=0)
        if not len(scores):
            return None, 0.0, 0.0
        place = int(scores.argmax())
        threshold = float(self._thresholds.values[place])
        return self._thresholds.families[place][:MAX_TEXT], float(scores[place]), threshold

    def _apart(self, cluster: Candidates) -> tuple[Apart, ...]:
        """The fields that make its records new, by their mean share in that."""
        rows = np.arange(min(len(cluster), EXPLAINED))
        reasons = self._detector.explain(cluster.features, rows, None)
        weights: dict[str, float] = defaultdict(float)
        strongest: dict[str, tuple[float, str]] = {}
        for one in (reason for several in reasons for reason in several):
            weights[one.feature] += one.weight / len(rows)
            if one.weight > strongest.get(one.feature, (-1.0, ""))[0]:
                strongest[one.feature] = one.weight, one.words
        best = sorted(weights, key=lambda feature: (-weights[feature], feature))[:SHOWN]
        return tuple(
            Apart(name[:MAX_TEXT], _shorter(strongest[name][1], _MAX_WORDS), weights[name])
            for name in best
        )


def _values(cluster: Candidates, column: str) -> Values:
    counted = (
        cluster.frame.select(pl.col(column).alias("value"))
        .with_columns(pl.Series("weight", cluster.weight))
        .drop_nulls("value")
        .group_by("value")
        .agg(pl.col("weight").sum())
        .sort(["weight", "value"], descending=[True, False])
    )
    top = tuple(
        Often(_shorter(str(value), MAX_TEXT), round(weight))
        for value, weight in counted.head(SHOWN).iter_rows()
    )
    return Values(counted.height, top)


def _interval(cluster: Candidates) -> Interval | None:
    """Of the two hosts and the port with the most records, where all of these are at hand."""
    whole = cluster.frame.filter(pl.Series(cluster.weight == 1.0)).drop_nulls(["ts", *_ENDS])
    if not whole.height:
        return None
    pairs = whole.group_by(_ENDS).agg(pl.col("ts").sort(), pl.len().alias("count"))
    most = pairs.sort(["count", *_ENDS], descending=[True, False, False, False]).row(0, named=True)
    gaps = np.diff(np.array(most["ts"], dtype=np.float64))
    if most["count"] < _FEWEST_TIMES or not np.isfinite(gaps).all():
        return None
    median = float(np.median(gaps))
    return Interval(median, float(np.median(np.abs(gaps - median))))


def _exemplars(cluster: Candidates, names: Sequence[str]) -> tuple[Exemplar, ...]:
    some = cluster.rows(spread(cluster.embedding, EXEMPLARS))
    support = support_of(some, names)
    fields = _FIELDS[cluster.kind]
    return tuple(
        Exemplar(
            origin=_shorter(origin, _MAX_PLACE),
            uid=_shorter(uid, MAX_TEXT),
            ts=_number(when),
            fields={name: _text(row[name]) for name in fields if row[name] not in (None, [])},
        )
        for origin, uid, when, row in zip(
            support.origins,
            support.uids,
            support.times.tolist(),
            some.frame.iter_rows(named=True),
            strict=True,
        )
    )


def _cohesion(embedding: FloatArray, benign: FloatArray | None) -> float:
    """Simplified silhouette: distance to the cluster's middle against that to benign records."""
    if benign is None or not len(benign):
        return 0.0
    some = embedding[:EXPLAINED]
    middle = embedding.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)
    within = distances(some, middle)[:, 0]
    beyond = distances(some, benign).min(axis=1)
    larger = np.maximum(np.maximum(within, beyond), np.finfo(np.float32).tiny)
    return float(((beyond - within) / larger).mean())


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _text(value: object) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return _shorter(shown, MAX_TEXT)


def _shorter(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS
