"""Learns a site's thresholds from its own benign logs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from enricher.config import Settings
from enricher.detector.adaptation.points import Points, table_of
from enricher.detector.detector import Detector
from enricher.detector.site import SiteCalibration
from enricher.detector.site_fit import (
    FALSE_ALARM_RATE,
    SiteBudget,
    SiteObservations,
    calibrate_site,
)
from enricher.errors import InputError
from enricher.families.bank import BankSampler, BankSamplers, save_bank
from enricher.families.store import FamilyStore
from enricher.logs import Kind, LogBatch
from enricher.pipeline.ahead import ahead
from enricher.pipeline.distance_sample import DistanceSamples, SetAside
from enricher.pipeline.reading import RecordStream, find_logs
from enricher.pipeline.scoring import ScoredBatch, Scorer
from enricher.report.progress import ProgressBar
from enricher.sources import Discovery

# Records of a kind that are kept at most; of more, the most recent count.
MAX_RECORDS = 2_000_000
_SECONDS_AN_HOUR = 3600
_HOURS_A_DAY = 24


@dataclass(slots=True)
class _Recent:
    """The scores of the most recent records of one kind."""

    parts: deque[SiteObservations] = field(default_factory=deque)
    records: int = 0
    cut: bool = False

    def add(self, part: SiteObservations) -> None:
        self.parts.append(part)
        self.records += len(part)
        while self.records - len(self.parts[0]) >= MAX_RECORDS:
            self.records -= len(self.parts.popleft())
            self.cut = True

    def first_window(self) -> int:
        """The first window that is there whole."""
        return int(self.parts[0].window.min()) + 1 if self.cut else 0

    def since(self, window: int) -> SiteObservations:
        """The records from a window on."""
        joined = SiteObservations(
            family_scores=np.concatenate([p.family_scores for p in self.parts]),
            novelty=np.concatenate([p.novelty for p in self.parts]),
            source=np.concatenate([p.source for p in self.parts]),
            window=np.concatenate([p.window for p in self.parts]),
            apart=_joined([p.apart for p in self.parts]),
        )
        return joined.only(joined.window >= window)


def _joined(
    parts: Sequence[npt.NDArray[np.bool_] | None],
) -> npt.NDArray[np.bool_] | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if there else None


def calibrate(
    batches: Iterable[LogBatch],
    scorer: Scorer,
    settings: Settings,
    banks: BankSamplers | None = None,
    samples: DistanceSamples | None = None,
) -> dict[Kind, SiteCalibration]:
    """Set thresholds from records that are taken as benign.

    Args:
        batches: The records, in the order of the log.
        scorer: A scorer that has seen nothing yet.
        settings: Alert budget, window and false-alarm rate.
        banks: Take a sample of the records, to adapt families against.
        samples: Take a sample of the records that are set aside, to fit distances to.

    Raises:
        InputError: If there are no records.
    """
    recent: dict[Kind, _Recent] = {}
    hours: set[int] = set()
    distances = scorer.detector.distances
    apart = {kind: SetAside(kind) for kind in distances}
    for scored in scorer.run(batches):
        observed, seconds = _observe(scored, settings.alerts.window_seconds)
        kind = scored.batch.kind
        if kind in apart:
            observed = replace(observed, apart=apart[kind].draw(len(observed)))
        recent.setdefault(kind, _Recent()).add(observed)
        if banks is not None:
            _sample(banks.of(kind), scored)
        if samples is not None:
            samples.take(scored)
        hours.update(np.unique(seconds // _SECONDS_AN_HOUR).astype(np.int64).tolist())
    if not recent:
        raise InputError("there are no records to calibrate on; name logs with benign traffic")
    # All kinds cover the same time, so that their alerts a day can be added.
    start = max(one.first_window() for one in recent.values())
    first_hour = start * settings.alerts.window_seconds / _SECONDS_AN_HOUR
    site = calibrate_site(
        {kind: one.since(start) for kind, one in recent.items()},
        {kind: scorer.detector.thresholds(kind) for kind in recent},
        bundle=scorer.detector.bundle.digest,
        budget=SiteBudget(
            alerts_per_day=settings.alerts.per_day,
            days=max(1, sum(hour >= first_hour for hour in hours)) / _HOURS_A_DAY,
            max_rate=settings.alerts.false_alarm_rate or FALSE_ALARM_RATE,
        ),
    )
    return {kind: replace(one, distance=distances.get(kind)) for kind, one in site.items()}


def _sample(sampler: BankSampler, scored: ScoredBatch) -> None:
    rows = sampler.choose(scored.batch.frame)
    scores = scored.scores
    table = table_of(scored.features, rows)
    sampler.add(Points(scores.kind, table, scores.embedding[rows], scores.attack[rows]))


def _observe(
    scored: ScoredBatch, window_seconds: int
) -> tuple[SiteObservations, npt.NDArray[np.float64]]:
    frame = scored.batch.frame
    seconds = frame["ts"].fill_null(0.0).fill_nan(0.0).to_numpy()
    observed = SiteObservations(
        family_scores=scored.scores.family_scores,
        novelty=scored.scores.novelty,
        source=frame["id.orig_h"].fill_null("").to_numpy(),
        window=np.floor(seconds / window_seconds).astype(np.int64),
    )
    return observed, seconds


@dataclass(frozen=True, slots=True)
class Learned:
    """What calibration gave.

    Attributes:
        site: Per kind.
        failed: Files that could not be read to their end: path and why.
        families: Families of the site; the calibration leaves them as they are.
    """

    site: dict[Kind, SiteCalibration]
    failed: list[tuple[str, str]]
    families: list[str]


def calibrate_paths(paths: Sequence[Path], settings: Settings, bar: ProgressBar) -> Learned:
    """Calibrate on logs and keep the result in the site's state.

    Raises:
        InputError: If there is no log at the paths, or no record in the logs.
        StateError: If the result could not be kept.
        BundleError, DeviceError: If the detector could not be set up.
    """
    found = find_logs(paths)
    # The site's earlier calibration has no say in the new one.
    detector = Detector.load(settings.detector.bundle, settings.detector.device)
    banks, samples = BankSamplers(), DistanceSamples()
    site, stream = _pass(found, detector, settings, bar, "calibrate", banks, samples)
    distances = samples.fit(
        detector, {name for one in site.values() for name in one.trimmed_sources}
    )
    if distances:
        detector = Detector(detector.bundle, detector.device, distances=distances)
        site, stream = _pass(found, detector, settings, bar, "novelty")
    for kind, one in site.items():
        one.save(settings.state)
        bank = banks.of(kind).points(left_out=one.trimmed_sources)
        if bank is not None:
            save_bank(settings.state, bank, detector.bundle.digest)
    families = [family.name for family in FamilyStore(settings.state).families()]
    failed = [(str(s.path), s.detail) for s in found.skipped if s.error]
    failed += [(str(t.file.path), t.error) for t in stream.files if t.error is not None]
    return Learned(site, failed, families)


def _pass(
    found: Discovery,
    detector: Detector,
    settings: Settings,
    bar: ProgressBar,
    label: str,
    banks: BankSamplers | None = None,
    samples: DistanceSamples | None = None,
) -> tuple[dict[Kind, SiteCalibration], RecordStream]:
    """Calibrate on all logs once; also gives what was read of each file."""
    with bar(sum(file.size for file in found.files), label) as progress:
        stream = RecordStream(
            found.files,
            settings.reading,
            settings.detector.batch_records,
            on_progress=progress.advance,
        )
        scorer = Scorer(detector, settings.detector, settings.context)
        return calibrate(ahead(stream), scorer, settings, banks, samples), stream
