"""What the service knows between two rounds: a fold over records in the order of the log.

The same records in the same order give the same alerts, however they are cut into rounds: so what
was known when the service was killed comes back by reading the same lines once more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from enricher.alerts import UNKNOWN_FAMILY
from enricher.alerts.live import LiveAlert, LiveGrouping
from enricher.alerts.suppress import Suppressions
from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.features.rows import rows_of
from enricher.logs import Kind
from enricher.pipeline.drift import DriftWatch
from enricher.pipeline.events import Labels
from enricher.pipeline.live.accounting import Accounting
from enricher.pipeline.live.enriching import Enriching
from enricher.pipeline.live.ordering import Run, in_line_order
from enricher.pipeline.live.piece_reader import PieceReader
from enricher.pipeline.packed_rows import pack_row, unpack_row
from enricher.pipeline.scoring import ScoredBatch, Scorer
from enricher.pipeline.singles import single_alerts
from enricher.report.parts import Drift
from enricher.sources.following import LogState, Piece

Arrays = dict[str, npt.NDArray[Any]]
Evidence = Callable[[npt.NDArray[np.int64]], Sequence[object]]

_DAY = 86_400.0


@dataclass(slots=True)
class Taken:
    """What some pieces gave.

    Attributes:
        alerts: Alerts to be written, in order.
        enriched: Records with the detector's view, as lines, in order; only where they are wanted.
    """

    alerts: list[LiveAlert] = field(default_factory=list)
    enriched: list[bytes] = field(default_factory=list)


class Fold:
    """Reads, scores and groups pieces of logs.

    Args:
        detector: The model, with the site's calibration and families.
        settings: Everything else.
        logs: The logs whose pieces begin in their middle: their headers are known.
        false_alarms: Ids of alerts that an analyst has called false: they do not come again.

    Attributes:
        accounting: Where every record went.
    """

    def __init__(
        self,
        detector: Detector,
        settings: Settings,
        logs: Sequence[LogState],
        false_alarms: Collection[str] = (),
    ) -> None:
        self._alerts = settings.alerts
        self._false_alarms = false_alarms
        self._suppressions = Suppressions.of(settings.suppressions, Labels(detector).signature)
        self._scorer = Scorer(detector, settings.detector, settings.context)
        self._drift = DriftWatch(detector.site, settings.alerts.window_seconds)
        self._grouping = LiveGrouping(
            window_seconds=settings.alerts.window_seconds,
            late_seconds=settings.alerts.late_seconds,
            max_groups=settings.alerts.max_groups,
            per_day=settings.alerts.per_day,
            false_discovery_rate=settings.alerts.false_discovery_rate,
            typical={
                kind: one.records / one.days * settings.alerts.window_seconds / _DAY
                for kind, one in detector.site.items()
            },
            suppressions=self._suppressions,
            closing=settings.alerts.closing,
        )
        self._since: dict[Kind, float] = {}
        self._reader = PieceReader(detector.kinds, logs)
        self._enriching = (
            None if settings.outputs.enriched is None else Enriching(settings.alerts.late_seconds)
        )
        self.accounting = Accounting()

    def take(self, pieces: Iterable[Piece]) -> Taken:
        """Take pieces in order."""
        blocks = [block for piece in pieces for block in self._reader.read(piece, self.accounting)]
        scored = self._scorer.run(batch for block in blocks for batch in block.batches)
        taken = Taken()
        for block in blocks:
            own = list(islice(scored, len(block.batches)))
            if own:
                taken.alerts += self._group(own)
            if self._enriching is not None:
                log = block.log
                taken.enriched += self._enriching.take(block.block, log.format, block.header, own)
        grouping, accounting = self._grouping, self.accounting
        accounting.held_back = Counter(grouping.held_back)
        accounting.suppressed = Counter(grouping.suppressed)
        accounting.late = Counter(grouping.late)
        accounting.within_chance = grouping.within_chance
        accounting.closed_early = grouping.closed_early
        return taken

    def _group(self, block: list[ScoredBatch]) -> Iterator[LiveAlert]:
        suspended = [self._drift.take(scored) for scored in block]
        for scored in block:
            self.accounting.add_scored(
                scored.batch.kind, len(scored.batch), scored.verdict_counts()
            )
        marks = dict(zip(map(id, block), suspended, strict=True))
        runs = in_line_order(
            block, suspended, self._alerts.window_seconds, self._alerts.late_seconds
        )
        for run in runs:
            yield from self._run(run, marks[id(run.scored)])

    def _run(self, run: Run, suspended: int) -> Iterator[LiveAlert]:
        batch = run.batch
        past = run.start >= suspended
        since = self._drift.since(batch.kind)
        if past and since is not None:
            self._since[batch.kind] = since

        def evidence(rows: npt.NDArray[np.int64]) -> Sequence[object]:
            return rows_of(run.scored.features, rows + run.start)

        if self._alerts.every_record:
            yield from self._every(run, evidence, past=past)
            return
        for found in self._grouping.take(
            batch, run.scores, run.verdicts, self._reader.names, evidence
        ):
            alert = found.alert
            if alert.family == UNKNOWN_FAMILY:
                known = (self._since.get(kind) for kind in alert.kinds)
                alert.suspended = any(
                    start is not None and alert.last_ts >= start for start in known
                )
                alert.suspended |= past and not found.closing
            if alert.alert_id in self._false_alarms and not found.closing:
                continue  # a closing alert files away what was opened before
            if not found.closing:
                self.accounting.alerts[alert.family] += 1
            yield found

    def _every(self, run: Run, evidence: Evidence, *, past: bool) -> Iterator[LiveAlert]:
        """An alert for every flagged record."""
        for _, alert in single_alerts(
            run.batch, run.scores, run.verdicts, self._reader.names, evidence
        ):
            alert.suspended = alert.family == UNKNOWN_FAMILY and past
            match = self._suppressions.match(alert)
            if match is not None:
                self._grouping.suppressed[self._suppressions.words(match)] += 1
            elif alert.alert_id not in self._false_alarms:
                self.accounting.alerts[alert.family] += 1
                yield LiveAlert(alert, closing=False)

    @property
    def clock(self) -> float | None:
        """Flow time, seconds UTC; None before the first record."""
        now = self._grouping.clock.now
        return now if math.isfinite(now) else None

    def drift(self) -> dict[Kind, Drift]:
        """What was seen of each kind that is watched for drift."""
        return self._drift.seen()

    def forget(self, numbers: Iterable[int]) -> None:
        """Let go of logs that are read to their end."""
        for number in numbers:
            self._reader.forget(number)

    def export(self) -> tuple[Arrays, dict[str, Any]]:
        """All that :meth:`restore` needs: arrays, and plain values for JSON."""
        arrays: Arrays = {
            f"context/{kind}/{name}": array
            for kind, tracker in self._scorer.trackers.items()
            for name, array in tracker.export().items()
        }
        drift, words = self._drift.export()
        arrays |= {f"drift/{name}": array for name, array in drift.items()}
        return arrays, {
            "drift": words,
            "since": dict(self._since),
            "grouping": self._grouping.export(pack_row),
            "enriching": None if self._enriching is None else self._enriching.export(),
        }

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], words: Mapping[str, Any]) -> None:
        """Go on from where another one's :meth:`export` was made, under the same settings.

        Raises:
            ValueError, KeyError, TypeError: If it is no such state, or the settings differ in
                what bounds it.
        """
        for kind, tracker in self._scorer.trackers.items():
            tracker.restore(_below(arrays, f"context/{kind}/"))
        self._drift.restore(_below(arrays, "drift/"), words["drift"])
        self._since = {kind: float(since) for kind, since in words["since"].items()}
        self._grouping.restore(words["grouping"], unpack_row)
        if self._enriching is not None and words["enriching"] is not None:
            self._enriching.restore(words["enriching"])


def _below(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Arrays:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
