"""Live grouping fed with records as dicts, one batch or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pytest

from enricher.alerts.live import LiveAlert, LiveGrouping
from enricher.detector.scores import Scores
from enricher.logs import Kind, LogBatch

FAMILIES = ("scan", "tunnel")
Row: TypeAlias = Mapping[str, Any]
Feed: TypeAlias = Callable[..., list[LiveAlert]]
Live: TypeAlias = Callable[..., LiveGrouping]
Plain: TypeAlias = Callable[[LiveAlert], tuple[Any, ...]]


@pytest.fixture(scope="session")
def live() -> Live:
    """Live grouping with windows of a minute and room for everything, unless told otherwise."""

    def make(**changes: Any) -> LiveGrouping:
        return LiveGrouping(**{**_DEFAULTS, **changes})

    return make


_DEFAULTS: dict[str, Any] = {
    "window_seconds": 60,
    "late_seconds": 10,
    "max_groups": 1000,
    "per_day": 0,
    "false_discovery_rate": 0.1,
    "typical": {},
}


@pytest.fixture(scope="session")
def plain() -> Plain:
    """All that an alert says, to be compared."""
    return _plain


def _plain(found: LiveAlert) -> tuple[Any, ...]:
    one = found.alert
    return (
        one.alert_id, one.state, found.closing, one.source, one.family, one.window_start,
        one.count, one.first_ts, one.last_ts, one.kinds, one.destinations, one.lowest_p,
        one.strongest.origin, one.strongest.score, one.strongest.p_value, one.evidence,
        dict(one.strongest.record),
    )  # fmt: skip


@pytest.fixture(scope="session")
def feed(make_batch: Callable[..., LogBatch], make_scores: Callable[..., Scores]) -> Feed:
    """Gives rows (``verdict``, ``score``, ``p`` beside the columns) in batches that end at cuts."""

    def take(
        grouping: LiveGrouping,
        rows: Sequence[Row],
        cuts: Sequence[int] = (),
        kind: Kind = "conn",
        first_line: int = 1,
    ) -> list[LiveAlert]:
        alerts: list[LiveAlert] = []
        edges = sorted({0, len(rows), *(c for c in cuts if 0 < c < len(rows))})
        for start, end in pairwise(edges):
            some = [
                {"_line": line, **row}
                for line, row in enumerate(rows[start:end], first_line + start)
            ]
            lines = [row["_line"] for row in some]

            def evidence(places: Any, lines: list[int] = lines) -> list[str]:
                return [f"line {lines[place]}" for place in places]

            alerts += grouping.take(
                make_batch(some, kind),
                make_scores(
                    FAMILIES,
                    [[row.get("score", 0.9)] * 2 for row in some],
                    [row.get("p", 1.0) for row in some],
                    kind,
                ),
                np.array([row.get("verdict", 0) for row in some], np.int32),
                {0: "conn.log"},
                evidence,
            )
        return alerts

    return take
