"""Scans logs once: scores, alerts, summary and report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from enricher import __version__
from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.site import SiteCalibration, load_site
from enricher.errors import OutputError
from enricher.logs import Kind, LogBatch
from enricher.pipeline.ahead import ahead
from enricher.pipeline.alerting import Alerting
from enricher.pipeline.reading import RecordStream, encodable, find_logs
from enricher.pipeline.rejected import RejectedLines
from enricher.pipeline.scores_file import ScoresFile
from enricher.pipeline.scoring import ScoredBatch, Scorer
from enricher.pipeline.site_detector import site_detector
from enricher.pipeline.telling import bundle_info, calibration_info, tell_inputs
from enricher.report.collect import Collector
from enricher.report.plots import prepare
from enricher.report.progress import Progress, ProgressBar
from enricher.report.summary import ScanSummary
from enricher.sources import LogFile

_SUPPRESSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan and what to write.

    Attributes:
        paths: Files and directories.
        out: Folder for ``eve.json``, ``summary.json``, ``report.html`` and ``rejected.jsonl``.
        scores: Write ``scores.parquet`` too.
        calibrate_first: Share of the records of each kind, from the beginning, that is taken as
            benign to set thresholds; None to use what the site has calibrated, or the defaults.
    """

    paths: Sequence[Path]
    out: Path
    scores: bool = False
    calibrate_first: float | None = None


def scan(request: ScanRequest, settings: Settings, bar: ProgressBar) -> ScanSummary:
    """Scan logs and write what was found.

    Args:
        request: What to scan.
        settings: Everything else.
        bar: Opens a progress bar for so many bytes under a label.

    Returns:
        The summary. Files that could not be read to their end are in ``inputs.failed``.

    Raises:
        InputError: If there is no log at the paths.
        OutputError: If an output could not be written; none is left half written.
        BundleError, DeviceError, StateError: If the detector could not be set up.
    """
    started = time.time()
    _make_folder(request.out)
    found = find_logs(request.paths)
    plain = Detector.load(settings.detector.bundle, settings.detector.device)
    if request.calibrate_first is None:
        site = load_site(settings.state)
    else:
        site = _calibrate_on_first(request.calibrate_first, found.files, plain, settings, bar)
    loaded = site_detector(plain, site, settings.state)
    detector = loaded.detector

    collector = Collector()
    outputs = _Outputs.of(request, settings)
    plots: Thread | None = None
    with ExitStack() as stack:
        rejected = stack.enter_context(
            RejectedLines(outputs.rejected, settings.reading.max_rejected)
        )
        names = [encodable(str(file.path)) for file in found.files]
        scorer = Scorer(detector, settings.detector, settings.context)
        alerting = stack.enter_context(
            Alerting(outputs.eve, names, loaded, settings, collector.add_alert)
        )
        scores = stack.enter_context(ScoresFile(outputs.scores, names)) if request.scores else None
        progress = stack.enter_context(bar(_size(found.files), "scan"))
        stream = RecordStream(
            found.files,
            settings.reading,
            settings.detector.batch_records,
            on_rejected=rejected.write,
            on_progress=progress.advance,
        )
        for scored in scorer.run(ahead(stream)):
            alerting.take(scored)
            if scores is not None:
                scores.write(scored)
            _count(collector, scored)
            if plots is None:
                # Not sooner: the first records would wait for it.
                plots = prepare()
        alerting.finish()
    tell_inputs(collector, found, stream)
    for kind, count in scorer.left_out.items():
        collector.account(kind).add_dropped({"not_in_model": count})
    _tell_alerting(collector, alerting, settings)
    _advise(collector, site, request, rejected)
    for sentence in loaded.notes:
        collector.note(sentence, warning=True)
    summary = collector.summary(
        program_version=__version__,
        started=started,
        finished=time.time(),
        device=str(detector.device),
        bundle=bundle_info(detector),
        calibration=calibration_info(site),
        outputs=outputs.named(request),
    )
    if plots is not None:
        plots.join()
    from enricher.report.html import write_report  # noqa: PLC0415  # jinja2: not before records

    write_report(summary, outputs.report)
    summary.write(outputs.summary)
    return summary


def _count(collector: Collector, scored: ScoredBatch) -> None:
    collector.add_scored(
        scored.batch.kind,
        scored.batch.frame["ts"].to_numpy(),
        scored.scores.score,
        scored.verdict_counts(),
    )


def _tell_alerting(collector: Collector, alerting: Alerting, settings: Settings) -> None:
    every_record = settings.alerts.every_record
    collector.alerts.window_seconds = 0.0 if every_record else settings.alerts.window_seconds
    collector.alerts.per_day = None if every_record else settings.alerts.per_day
    collector.alerts.within_chance = alerting.within_chance
    for kind, drift in alerting.drift.seen().items():
        collector.add_drift(kind, drift)
    for family, count in alerting.held_back.items():
        collector.hold_back(family, count)
    for words, count in alerting.suppressed.most_common(_SUPPRESSIONS_SHOWN):
        collector.note(f"Suppressed alerts: {count}, {words}.")
    more = len(alerting.suppressed) - _SUPPRESSIONS_SHOWN
    if more > 0:
        collector.note(f"{more} more suppressions matched alerts.")
    if alerting.corrected or alerting.called_false:
        collector.note(
            f"{alerting.corrected} flagged records and {alerting.called_false} alerts were left "
            "out because analysts have called them, or records like them, false alarms: "
            "'enricher feedback --list' shows which."
        )
    if alerting.closed_early:
        collector.note(
            f"{alerting.closed_early} groups of alerts were closed early because more than "
            f"{settings.alerts.max_groups} were open: some alerts may stand twice under one id.",
            warning=True,
        )


def _calibrate_on_first(
    share: float,
    files: Sequence[LogFile],
    detector: Detector,
    settings: Settings,
    bar: ProgressBar,
) -> dict[Kind, SiteCalibration]:
    """Count the records of each kind, then calibrate on the first ``share`` of them."""
    from enricher.pipeline.calibration import calibrate  # noqa: PLC0415  # few scans need it

    def stream(progress: Progress) -> RecordStream:
        return RecordStream(
            files, settings.reading, settings.detector.batch_records, on_progress=progress.advance
        )

    counts: dict[Kind, int] = {}
    with bar(_size(files), "count") as progress:
        for batch in stream(progress):
            counts[batch.kind] = counts.get(batch.kind, 0) + len(batch)
    quotas = {kind: max(1, round(share * count)) for kind, count in counts.items()}
    with bar(_size(files), "calibrate") as progress:
        first = _first(ahead(stream(progress)), quotas)
        return calibrate(first, Scorer(detector, settings.detector, settings.context), settings)


def _first(batches: Iterator[LogBatch], quotas: Mapping[Kind, int]) -> Iterator[LogBatch]:
    """The first records of each kind, so many of each."""
    left = dict(quotas)
    for batch in batches:
        take = min(left[batch.kind], len(batch))
        if take:
            left[batch.kind] -= take
            yield LogBatch(batch.kind, batch.frame.head(take))
        if not any(left.values()):
            return


def _advise(
    collector: Collector,
    site: Mapping[Kind, SiteCalibration],
    request: ScanRequest,
    rejected: RejectedLines,
) -> None:
    if request.calibrate_first is not None:
        collector.note(
            f"Thresholds were set on the first {request.calibrate_first:.0%} of these records, "
            "as if they were benign: what is in them is judged mildly."
        )
    for calibration in site.values():
        for sentence in calibration.notes:
            collector.note(f"{calibration.kind}: {sentence}", warning=True)
        if calibration.trimmed_sources:
            collector.note(
                f"{calibration.kind}: {calibration.trimmed_records} records of "
                f"{', '.join(calibration.trimmed_sources[:5])} were left out of the calibration "
                "because they looked like attacks; look at them.",
                warning=True,
            )
    if rejected.not_kept:
        collector.note(
            f"{rejected.not_kept} more rejected lines are counted but not kept in rejected.jsonl; "
            "reading.max_rejected says how many are."
        )


@dataclass(frozen=True, slots=True)
class _Outputs:
    eve: str
    summary: Path
    report: Path
    rejected: Path
    scores: Path

    @classmethod
    def of(cls, request: ScanRequest, settings: Settings) -> _Outputs:
        out = request.out
        return cls(
            eve=settings.outputs.eve or str(out / "eve.json"),
            summary=out / "summary.json",
            report=out / "report.html",
            rejected=out / "rejected.jsonl",
            scores=out / "scores.parquet",
        )

    def named(self, request: ScanRequest) -> dict[str, str]:
        paths: dict[str, Path | str] = {
            "alerts": self.eve,
            "summary": self.summary,
            "report": self.report,
            "rejected": self.rejected,
        }
        if request.scores:
            paths["scores"] = self.scores
        return {name: str(path) for name, path in paths.items()}


def _size(files: Sequence[LogFile]) -> int:
    return sum(file.size for file in files)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{out}: {error.strerror or error}; name a folder that can be written with --out"
        ) from error
