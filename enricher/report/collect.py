"""Gathers a summary while a scan runs, in bounded memory."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from enricher.report.bounds import NAME_LIMIT, add_counts, bounded
from enricher.report.parts import (
    SCORE_BINS,
    AlertTotals,
    BundleInfo,
    CalibrationInfo,
    Drift,
    Inputs,
    KindAccount,
    Note,
)
from enricher.report.rows import AlertRow, SourceRow
from enricher.report.summary import ScanSummary
from enricher.report.text import utc
from enricher.report.timeline import TimelineCounter

ALERT_ROWS = 200
SOURCE_ROWS = 20
# Sources that are counted at once; beyond it, those with the fewest alerts are let go.
_SOURCES = 20_000
_NOTES = 50


@dataclass(slots=True)
class Collector:
    """Takes what each stage of a scan reports and makes the summary of it.

    Attributes:
        inputs: The files; the one who reads them adds to it.
        alerts: Budget and window, set by the one who decides; counts are kept here.
        notes: What the user should know.
        kinds: Accounting by log kind; see :meth:`account`.
        drift: Change of the benign traffic, by log kind; see :meth:`add_drift`.
    """

    inputs: Inputs = field(default_factory=Inputs)
    alerts: AlertTotals = field(default_factory=AlertTotals)
    notes: list[Note] = field(default_factory=list)
    kinds: dict[str, KindAccount] = field(default_factory=dict)
    drift: dict[str, Drift] = field(default_factory=dict)
    _times: TimelineCounter = field(default_factory=TimelineCounter)
    _rows: list[tuple[tuple[float, ...], int, AlertRow]] = field(default_factory=list)
    _sources: dict[str, SourceRow] = field(default_factory=dict)
    _sources_let_go: int = 0
    _order: int = 0

    def account(self, kind: str) -> KindAccount:
        """The account of a log kind; ``other`` where a line's kind could not be told."""
        return self.kinds.setdefault(kind, KindAccount())

    def add_scored(
        self,
        kind: str,
        ts: npt.NDArray[np.float64],
        score: npt.NDArray[np.float32],
        verdicts: Mapping[str, int],
    ) -> None:
        """Count scored records of one kind.

        Args:
            kind: Their log kind.
            ts: float64 [N], flow time, seconds UTC.
            score: float32 [N], largest family score, in [0, 1].
            verdicts: Number of records by verdict: ``benign``, ``unknown`` or the family's name.
        """
        account = self.account(kind)
        account.scored += len(ts)
        counts = dict(verdicts)
        account.benign += counts.pop("benign", 0)
        account.unknown += counts.pop("unknown", 0)
        add_counts(account.families, counts)
        finite = score[np.isfinite(score)]
        bins = np.clip(finite * SCORE_BINS, 0, SCORE_BINS - 1).astype(np.int64)
        more = np.bincount(bins, minlength=SCORE_BINS).tolist()
        pairs = zip(account.score_histogram, more, strict=True)
        account.score_histogram = [a + b for a, b in pairs]
        self._times.add_records(ts)

    def add_alert(self, row: AlertRow) -> None:
        """Take an alert that was written. Only the most severe rows are kept."""
        add_counts(self.alerts.written, {row.family: 1})
        self._times.add_alert(row.time, row.family)
        self._add_source(row)
        self._order += 1
        # A heap keeps its smallest on top: the negated rank puts the least severe there.
        entry = (tuple(-part for part in row.rank), -self._order, row)
        if len(self._rows) < ALERT_ROWS:
            heapq.heappush(self._rows, entry)
        else:
            heapq.heappushpop(self._rows, entry)

    def hold_back(self, family: str, number: int = 1) -> None:
        """Count alerts that the budget held back."""
        add_counts(self.alerts.held_back, {family: number})

    def add_drift(self, kind: str, drift: Drift) -> None:
        """Take what was seen of a kind's drift, and tell the user where it costs a promise."""
        self.drift[kind] = drift
        if drift.since is not None:
            self.note(
                f"drift: the benign traffic of {kind} no longer looks like that of the "
                f"calibration since {utc(drift.since)} UTC; its false-alarm promise is suspended. "
                "Run enricher calibrate on recent ordinary traffic.",
                warning=True,
            )

    def note(self, text: str, *, warning: bool = False) -> None:
        """Tell the user something; a note that was given before is not repeated."""
        note = Note("warning" if warning else "info", bounded(text, 1000))
        if note not in self.notes and len(self.notes) < _NOTES:
            self.notes.append(note)

    def summary(
        self,
        *,
        program_version: str,
        started: float,
        finished: float,
        device: str,
        bundle: BundleInfo,
        calibration: CalibrationInfo,
        outputs: Mapping[str, str],
    ) -> ScanSummary:
        """The summary of all that was taken so far; the fields are those of ScanSummary."""
        self.alerts.sources = len(self._sources) + self._sources_let_go
        most = sorted(
            self._sources.values(), key=lambda row: (row.severity, -row.records, row.source)
        )
        return ScanSummary(
            program_version=program_version,
            started=started,
            finished=finished,
            device=device,
            bundle=bundle,
            calibration=calibration,
            inputs=self.inputs,
            kinds=dict(self.kinds),
            alerts=self.alerts,
            drift=dict(self.drift),
            alert_rows=sorted((entry[2] for entry in self._rows), key=lambda row: row.rank),
            sources=most[:SOURCE_ROWS],
            flow_start=self._times.earliest,
            flow_end=self._times.latest,
            timeline=self._times.timeline(),
            outputs=dict(outputs),
            notes=list(self.notes),
        )

    def _add_source(self, row: AlertRow) -> None:
        name = bounded(row.source, NAME_LIMIT)
        source = self._sources.get(name)
        if source is None:
            if len(self._sources) >= _SOURCES:
                self._let_go_sources()
            source = self._sources[name] = SourceRow(name, {}, 0, row.severity)
        add_counts(source.alerts, {row.family: 1})
        source.records += row.count
        source.severity = min(source.severity, row.severity)

    def _let_go_sources(self) -> None:
        """Forget the less severe half, so that spoofed sources cannot fill the memory."""
        order = sorted(self._sources.values(), key=lambda row: (row.severity, -row.records))
        kept = order[: _SOURCES // 2]
        self._sources_let_go += len(order) - len(kept)
        self._sources = {row.source: row for row in kept}
