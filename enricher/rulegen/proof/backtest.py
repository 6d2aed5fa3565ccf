"""A rule on the history: what of a family it covers, what it hits that is benign, how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from enricher.logs import SCHEMAS, Kind
from enricher.rulegen.matching.buffers import Buffers
from enricher.rulegen.matching.evaluate import Matches, evaluate
from enricher.rulegen.matching.packets import Counts
from enricher.rulegen.matching.reading import Readable, read_rule
from enricher.rulegen.matching.values import Mask
from enricher.rulegen.proof.bounds import CONFIDENCE, poisson_upper, share_upper
from enricher.rulegen.rule.rule import Rule

EXEMPLARS, FALSE_HITS = 5, 50
_SECONDS_A_DAY = 86400.0
_SHOWN = 300
Records = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class History:
    """Records by kind, each kind's buffers made once.

    Attributes:
        buffers: By kind.
        logs: Paths of the logs they come from.
        days: How long the logs are, in days; by kind.
    """

    buffers: Mapping[Kind, Buffers]
    logs: tuple[str, ...] = ()
    days: Mapping[Kind, float] = field(default_factory=dict)

    @classmethod
    def of(cls, frames: Mapping[Kind, pl.DataFrame], logs: tuple[str, ...] = ()) -> History:
        """A history of some records.

        Args:
            frames: Canonical columns by kind.
            logs: Where they come from.
        """
        buffers = {kind: Buffers(kind, frame) for kind, frame in frames.items()}
        return cls(buffers, logs, {kind: days_of(frame) for kind, frame in frames.items()})


def days_of(frame: pl.DataFrame) -> float:
    """How long some records last together, in days: hours without a record do not count."""
    hours = frame.select(pl.col("ts").drop_nulls().drop_nans() // 3600).to_series().n_unique()
    return hours / 24.0


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a rule does in the history.

    Attributes:
        readable: The rule, as far as logs can tell.
        family: What it matches of the family; None where there are no records of its kind.
        benign: What it matches that is benign; None where there are none of its kind.
    """

    readable: Readable
    family: Matches | None
    benign: Matches | None

    @property
    def covered(self) -> Mask | None:
        """Which records of the family an alert stands for, bool [N]."""
        return None if self.family is None else self.family.covered

    @property
    def false_rows(self) -> Counts:
        """Benign records that an alert stands for."""
        if self.benign is None:
            return np.zeros(0, dtype=np.int64)
        rows: Counts = np.flatnonzero(self.benign.covered)
        return rows


def backtest(rule: Rule, family: History, benign: History) -> Backtest:
    """Evaluate a rule on both histories.

    Raises:
        ValueError: If the rule has a value that the engine would refuse.
        TimeoutError: If an expression of it takes too long on a value.
    """
    readable = read_rule(rule)
    found = [
        evaluate(readable, history.buffers[readable.kind])
        if readable.kind in history.buffers
        else None
        for history in (family, benign)
    ]
    return Backtest(readable, found[0], found[1])


def family_figures(test: Backtest, others: Mask | None) -> dict[str, Any]:
    """What is kept of the family's side.

    Args:
        test: The backtest.
        others: bool [N], which records the family's other rules cover.
    """
    if test.family is None:
        return {"records": 0, "covered": 0, "only_here": 0, "alerts": 0}
    covered = test.family.covered
    alone = covered if others is None else covered & ~others
    return {
        "records": len(covered),
        "covered": int(covered.sum()),
        "only_here": int(alone.sum()),
        "alerts": len(test.family.alerts),
    }


def benign_figures(test: Backtest, benign: History) -> dict[str, Any]:
    """What is kept of the benign side: hits, alerts a day, and what both may be at most."""
    kind = test.readable.kind
    logs = [_printable(log) for log in benign.logs[:20]]
    if test.benign is None:
        return {"records": 0, "hits": 0, "alerts": 0, "days": 0.0, "logs": logs}
    frame, days = benign.buffers[kind].frame, benign.days[kind]
    hits, alerts = len(test.false_rows), len(test.benign.alerts)
    return {
        "records": len(frame),
        "hits": hits,
        "alerts": alerts,
        "days": days,
        "alerts_a_day": alerts / days if days else None,
        "alerts_a_day_upper": poisson_upper(alerts) / days if days else None,
        "hit_rate_upper": share_upper(hits, len(frame)),
        "confidence": CONFIDENCE,
        "sources": frame["id.orig_h"].n_unique(),
        "logs": logs,
    }


def exemplars(test: Backtest, family: History, benign: History) -> dict[str, Records]:
    """Some records that the rule matches, misses, and hits by mistake."""
    found: dict[str, Records] = {"matched": [], "missed": [], "benign": []}
    kind = test.readable.kind
    if test.family is not None:
        frame, covered = family.buffers[kind].frame, test.family.covered
        found["matched"] = plain_records(kind, frame, _some(np.flatnonzero(covered)))
        found["missed"] = plain_records(kind, frame, _some(np.flatnonzero(~covered)))
    if test.benign is not None:
        rows = _some(test.false_rows)
        found["benign"] = plain_records(kind, benign.buffers[kind].frame, rows)
    return found


def false_hits(test: Backtest, benign: History) -> Records:
    """The benign records that the rule hits, as many as are kept."""
    kind = test.readable.kind
    if test.benign is None:
        return []
    return plain_records(kind, benign.buffers[kind].frame, _some(test.false_rows, FALSE_HITS))


def _some(rows: Counts, most: int = EXEMPLARS) -> Counts:
    """So many of them at most, evenly."""
    if len(rows) <= most:
        return rows
    chosen: Counts = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
    return chosen


def plain_records(kind: Kind, frame: pl.DataFrame, rows: Counts) -> Records:
    """Records as plain values for JSON, without what they do not have; long texts are cut."""
    names = [*SCHEMAS[kind], *(name for name in ("_place",) if name in frame.columns)]
    return [
        {"_kind": kind} | {n: _short(v) for n, v in row.items() if v is not None}
        for row in frame[rows].select(names).to_dicts()
    ]


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_SHOWN]
    if isinstance(value, list):
        return [_short(one) for one in value[:10]]
    return value


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
