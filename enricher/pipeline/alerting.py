"""From verdicts to alerts: group, keep to the budget, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from enricher.alerts import (
    BENIGN,
    Alert,
    DailyBudget,
    EventOptions,
    Grouper,
    detections,
    family_label,
    render,
    single,
    to_event,
)
from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.labels import FamilyLabel
from enricher.features.rows import rows_of
from enricher.pipeline.explaining import explain
from enricher.pipeline.scoring import ScoredBatch
from enricher.report.rows import AlertRow
from enricher.sinks import open_sink

_EXPLAINED_AT_ONCE = 1024


class Alerting:
    """Turns verdicts into EVE events.

    Alerts are written in the order of time when everything is read: the daily budget keeps the
    best of each day. With ``alerts.every_record`` every flagged record is written as it comes.

    Args:
        target: Where events go, see :func:`enricher.sinks.open_sink`; a file gets its name when
            it is whole.
        names: Path of each log file by its number.
        detector: Made the scores, and knows why.
        settings: Windows, budget, identity of the sensor.
        on_alert: Gets the row of every alert that is written.

    Attributes:
        held_back: Alerts that the budget held back, by family.
        closed_early: Groups that were closed because there were too many.
    """

    def __init__(
        self,
        target: str,
        names: Sequence[str],
        detector: Detector,
        settings: Settings,
        on_alert: Callable[[AlertRow], None],
    ) -> None:
        self._names = names
        self._detector = detector
        self._on_alert = on_alert
        self._every_record = settings.alerts.every_record
        self._labels = {label.name: label for label in detector.labels}
        self._options = _options(detector, settings)
        self._grouper = Grouper(settings.alerts.window_seconds, settings.alerts.max_groups)
        self._budget = DailyBudget(settings.alerts.per_day, lambda name: self._label(name).severity)
        self.held_back: Counter[str] = Counter()
        self._sink = open_sink(target)

    @property
    def closed_early(self) -> int:
        """Groups that were closed because there were too many."""
        return self._grouper.closed_early

    def take(self, scored: ScoredBatch) -> None:
        """Take the flagged records of a batch."""
        if self._every_record:
            found = detections(scored.batch, scored.scores, scored.verdicts, self._names)
            kept = rows_of(scored.features, np.flatnonzero(scored.verdicts != BENIGN))
            self._write([single(one, what) for one, what in zip(found, kept, strict=True)])
            return
        early = self._grouper.add(
            scored.batch,
            scored.scores,
            scored.verdicts,
            self._names,
            lambda rows: rows_of(scored.features, rows),
        )
        self._budget.add(early)

    def finish(self) -> None:
        """Close all groups and write what the budget lets through."""
        self._budget.add(self._grouper.close_all())
        kept, self.held_back = self._budget.take()
        self._write(kept)

    def _write(self, alerts: Sequence[Alert]) -> None:
        for start in range(0, len(alerts), _EXPLAINED_AT_ONCE):
            some = alerts[start : start + _EXPLAINED_AT_ONCE]
            explain(self._detector, some)
            for alert in some:
                label = self._label(alert.family)
                self._sink.write(render(to_event(alert, label, self._options)))
                self._on_alert(AlertRow.from_alert(alert, label.title, label.severity))

    def _label(self, name: str) -> FamilyLabel:
        return self._labels.get(name) or family_label(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sink.__exit__(kind, error, trace)


def _options(detector: Detector, settings: Settings) -> EventOptions:
    bundle = detector.bundle
    return EventOptions(
        eve_version=settings.outputs.eve_version,
        gid=settings.alerts.gid,
        rev=_revision(bundle.version),
        model=f"{bundle.name} {bundle.version}",
        sensor=settings.outputs.sensor or "",
        in_iface=settings.outputs.in_iface or "",
    )


def _revision(version: str) -> int:
    """A bundle's version as a number that grows with it: 1.2.3 is 10203."""
    parts = [int(part) for part in version.split(".") if part.isdecimal()][:3]
    major, minor, patch = parts + [0] * (3 - len(parts))
    return major * 10_000 + minor * 100 + patch
