"""From verdicts to alerts: group, keep to the budget, write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from enricher.alerts import (
    UNKNOWN_FAMILY,
    Alert,
    DailyBudget,
    Grouper,
)
from enricher.alerts.chance import ChanceFilter
from enricher.alerts.contenders import Contenders
from enricher.alerts.suppress import Suppressions
from enricher.config import Settings
from enricher.features.rows import rows_of
from enricher.pipeline.drift import DriftWatch
from enricher.pipeline.events import Labels, event_options, lines_of
from enricher.pipeline.explaining import explain
from enricher.pipeline.scoring import ScoredBatch
from enricher.pipeline.singles import single_alerts
from enricher.pipeline.site_detector import Loaded
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
        loaded: The detector that made the scores and knows why, and what else the site has.
        settings: Windows, budget, identity of the sensor.
        on_alert: Gets the row of every alert that is written.

    Attributes:
        held_back: Alerts that the budget held back, by family.
        suppressed: Alerts that a suppression of the settings matches, by its words.
        within_chance: Groups of unknown records that chance explains, and so are no alerts.
        corrected: Flagged records that corrections have made benign.
        called_false: Alerts that an analyst has called false.
        closed_early: Groups that were closed because there were too many.
    """

    def __init__(
        self,
        target: str,
        names: Sequence[str],
        loaded: Loaded,
        settings: Settings,
        on_alert: Callable[[AlertRow], None],
    ) -> None:
        detector = loaded.detector
        self._names = names
        self._loaded = loaded
        self._on_alert = on_alert
        self._every_record = settings.alerts.every_record
        self._labels = Labels(detector)
        self._options = event_options(detector, settings)
        self._suppressions = Suppressions.of(settings.suppressions, self._labels.signature)
        self._grouper = Grouper(
            settings.alerts.window_seconds, settings.alerts.max_groups, self._contenders(settings)
        )
        self._budget = DailyBudget(
            settings.alerts.per_day, lambda name: self._labels[name].severity
        )
        self._chance = ChanceFilter(
            settings.alerts.window_seconds, settings.alerts.false_discovery_rate
        )
        self.drift = DriftWatch(detector.site, settings.alerts.window_seconds)
        self.held_back: Counter[str] = Counter()
        self.suppressed: Counter[str] = Counter()
        self.within_chance = 0
        self.corrected = 0
        self.called_false = 0
        self._sink = open_sink(target)

    @property
    def closed_early(self) -> int:
        """Groups that were closed because there were too many."""
        return self._grouper.closed_early

    def take(self, scored: ScoredBatch) -> None:
        """Take a scored batch."""
        suspended = self.drift.take(scored)
        self.corrected += scored.corrected
        if self._every_record:
            self._write(self._wanted(self._singles(scored, suspended)))
            return
        self._chance.add(scored.batch, scored.scores, scored.verdicts)
        early = self._grouper.add(
            scored.batch,
            scored.scores,
            scored.verdicts,
            self._names,
            lambda rows: rows_of(scored.features, rows),
        )
        self._budget.add(self._wanted(early))

    def finish(self) -> None:
        """Close all groups and write what stands out from chance and the budget lets through.

        Groups that were closed early are not held against chance: their window was not over.
        """
        kept, self.within_chance = self._chance.keep(self._grouper.close_all())
        self._budget.add(self._wanted(kept))
        self._budget.hold_back(self._grouper.held_back)
        kept, self.held_back = self._budget.take()
        for alert in kept:
            alert.suspended = self.drift.suspended(alert)
        self._write(kept)

    def _contenders(self, settings: Settings) -> Contenders | None:
        """Which groups may be shown; None where later steps leave out some of every family."""
        if len(self._suppressions) or self._loaded.false_alarms:
            return None
        return Contenders(
            settings.alerts.per_day, settings.alerts.window_seconds, always={UNKNOWN_FAMILY}
        )

    def _singles(self, scored: ScoredBatch, suspended: int) -> list[Alert]:
        """An alert for every flagged record; unknown ones from row ``suspended`` on are marked."""
        found = single_alerts(
            scored.batch,
            scored.scores,
            scored.verdicts,
            self._names,
            lambda rows: rows_of(scored.features, rows),
        )
        for row, alert in found:
            alert.suspended = alert.family == UNKNOWN_FAMILY and row >= suspended
        return [alert for _, alert in found]

    def _write(self, alerts: Sequence[Alert]) -> None:
        for start in range(0, len(alerts), _EXPLAINED_AT_ONCE):
            some = alerts[start : start + _EXPLAINED_AT_ONCE]
            explain(self._loaded.detector, self._loaded.exemplars, some)
            lines = lines_of(some, self._labels, self._options)
            for alert, line in zip(some, lines, strict=True):
                label = self._labels[alert.family]
                self._sink.write(line)
                self._on_alert(AlertRow.from_alert(alert, label.title, label.severity))

    def _wanted(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Leave out what is suppressed or was called false, before it uses up any of the budget.

        It is counted.
        """
        false_alarms = self._loaded.false_alarms
        if not len(self._suppressions) and not false_alarms:
            return list(alerts)
        wanted = []
        for alert in alerts:
            match = self._suppressions.match(alert)
            if alert.alert_id in false_alarms:
                self.called_false += 1
            elif match is None:
                wanted.append(alert)
            else:
                self.suppressed[self._suppressions.words(match)] += 1
        return wanted

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sink.__exit__(kind, error, trace)
