"""What the service knows between two rounds: a fold over records in the order of the log.

The same records in the same order give the same alerts, however they are cut into rounds: so what
was known when the service was killed comes back by reading the same lines once more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from enricher.logs import Block, Kind, LogBatch, LogReader, ReadResult, open_reader
from enricher.pipeline.drift import DriftWatch
from enricher.pipeline.events import Labels
from enricher.pipeline.live.accounting import Accounting
from enricher.pipeline.live.ordering import Run, in_line_order
from enricher.pipeline.reading import REPEATING
from enricher.pipeline.scoring import ScoredBatch, Scorer
from enricher.report.parts import Drift
from enricher.sources.following import LogState, Piece

Arrays = dict[str, npt.NDArray[Any]]

_DAY = 86_400.0


class Fold:
    """Reads, scores and groups pieces of logs.

    Args:
        detector: The model, with the site's calibration and families.
        settings: Everything else.
        logs: The logs whose pieces begin in their middle: their headers are known.

    Attributes:
        accounting: Where every record went.
    """

    def __init__(self, detector: Detector, settings: Settings, logs: Sequence[LogState]) -> None:
        self._alerts = settings.alerts
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
            suppressions=Suppressions.of(settings.suppressions, Labels(detector).signature),
            closing=settings.alerts.closing,
        )
        self._since: dict[Kind, float] = {}
        self._names: dict[int, str] = {}
        self._readers: dict[int, LogReader] = {}
        self._repeating: set[int] = set()
        self.accounting = Accounting()
        for log in logs:
            self._open(log, log.header)

    def take(self, pieces: Iterable[Piece]) -> list[LiveAlert]:
        """Take pieces in order; gives the alerts to write, in order."""
        blocks = [batches for piece in pieces for batches in self._read(piece)]
        scored = self._scorer.run(batch for block in blocks for batch in block)
        alerts: list[LiveAlert] = []
        for block in blocks:
            alerts += self._group(list(islice(scored, len(block))))
        grouping, accounting = self._grouping, self.accounting
        accounting.held_back = Counter(grouping.held_back)
        accounting.suppressed = Counter(grouping.suppressed)
        accounting.late = Counter(grouping.late)
        accounting.within_chance = grouping.within_chance
        accounting.closed_early = grouping.closed_early
        return alerts

    def _read(self, piece: Piece) -> Iterator[list[LogBatch]]:
        """The records of a piece that are scored, block by block; the others are counted."""
        log = piece.log
        if log.number not in self._readers:
            self._open(log, b"")
        for item in piece.items:
            if isinstance(item, Block):
                result = self._readers[log.number].read(item)
            else:
                result = ReadResult(rejected=[item])
            self.accounting.add_read(log.kind, result)
            wanted = [batch for batch in result.batches if self._wanted(batch, log)]
            if wanted:
                yield wanted
        if log.finished:
            self._readers.pop(log.number, None)

    def _open(self, log: LogState, header: bytes) -> None:
        reader = open_reader(log.format, log.name, log.kind)
        if header:
            reader.read(Block(log.number, log.name, header, 1, 0))
        self._readers[log.number] = reader
        self._names[log.number] = log.name
        if log.log_path in REPEATING:
            self._repeating.add(log.number)

    def _wanted(self, batch: LogBatch, log: LogState) -> bool:
        reason = None
        if log.number in self._repeating:
            # conn.log has every one of these connections when it ends.
            reason = "repeated_connection"
        elif batch.kind not in self._scorer.detector.kinds:
            reason = "not_in_model"
        if reason is not None:
            self.accounting.add_dropped(batch.kind, reason, len(batch))
        return reason is None and len(batch) > 0

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

        for found in self._grouping.take(batch, run.scores, run.verdicts, self._names, evidence):
            alert = found.alert
            if alert.family == UNKNOWN_FAMILY:
                known = (self._since.get(kind) for kind in alert.kinds)
                alert.suspended = any(
                    start is not None and alert.last_ts >= start for start in known
                )
                alert.suspended |= past and not found.closing
            if not found.closing:
                self.accounting.alerts[alert.family] += 1
            yield found

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
            self._readers.pop(number, None)
            self._names.pop(number, None)
            self._repeating.discard(number)

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
            "grouping": self._grouping.export(),
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
        self._grouping.restore(words["grouping"])


def _below(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Arrays:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
