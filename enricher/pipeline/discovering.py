"""Discovers families that nobody has named: clusters of records far from all that is known."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from enricher.alerts import BENIGN, UNKNOWN, UNKNOWN_FAMILY
from enricher.config import Settings
from enricher.detector.corrections import spacing
from enricher.detector.detector import Detector
from enricher.detector.site import load_site
from enricher.families.discovery.candidates import Candidates, CandidateSampler
from enricher.families.discovery.clustering import cluster
from enricher.families.discovery.figures import Discovery
from enricher.families.discovery.matching import Known, match
from enricher.families.discovery.store import DiscoveryStore, Found
from enricher.families.discovery.support import SUPPORT, support_of
from enricher.families.support import KeptSupport
from enricher.features.rows import take
from enricher.logs import Kind
from enricher.pipeline.adapting import names_digest
from enricher.pipeline.ahead import ahead
from enricher.pipeline.discovery_figures import Describing
from enricher.pipeline.discovery_records import records_of
from enricher.pipeline.reading import RecordStream, encodable, find_logs
from enricher.pipeline.scoring import ScoredBatch, Scorer
from enricher.pipeline.site_detector import site_detector
from enricher.report.progress import ProgressBar

MATCHED = 64
"""Of the records that are kept of a discovery so many are compared with clusters."""

RADIUS_PERCENTILE = 95.0
"""Of the distances between a benign record of the bundle and the nearest other one. On the logs of
fourteen odd captures beside benign days, 75, 90, 95 and 97.5 put 60, 67, 73 and 81 % of their
unknown records into clusters; 100, 99.9, 99.5 and 96.8 % of what is in a cluster is of the capture
that most of it is of."""
MANY = 0.1
"""Where a larger share of a kind's records is new, the calibration may be of another network."""
UNCALIBRATED = 0.01
"""Up to this p-value records are new to the bundle, where the site is not calibrated. Its own bound
of 1 in 2,000 takes more benign records than it has of most kinds. Of 78,000 benign records of two
real networks that the base bundle has not seen, 2 had such a p-value."""

Rows = npt.NDArray[np.int64]


@dataclass(slots=True)
class DiscoverOutcome:
    """What came of it.

    Attributes:
        found: The families that were found and wait for an analyst, the largest first.
        new: Ids of those that were never found before.
        settled: Those that were found again although they were named or dismissed.
        scored: Records that were scored, by kind.
        candidates: Those of them that are far from benign and from every family.
        sampled: Those that were compared.
        clustered: Those of the sample that are in a cluster.
        failed: Files that could not be read to their end: path and why.
        notes: Sentences for the user.
    """

    found: list[Discovery] = field(default_factory=list)
    new: frozenset[str] = frozenset()
    settled: list[Discovery] = field(default_factory=list)
    scored: dict[Kind, int] = field(default_factory=dict)
    candidates: dict[Kind, int] = field(default_factory=dict)
    sampled: dict[Kind, int] = field(default_factory=dict)
    clustered: dict[Kind, int] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def discover(paths: Sequence[Path], settings: Settings, bar: ProgressBar) -> DiscoverOutcome:
    """Cluster what is far from benign and from every family, and keep it in the site's state.

    Args:
        paths: Files and directories.
        settings: State, bundle and bounds.
        bar: Opens a progress bar.

    Raises:
        InputError: If there is no log at the paths.
        StateError: If the state is damaged or can not be written.
        BundleError, DeviceError: If the detector could not be set up.
    """
    plain = Detector.load(settings.detector.bundle, settings.detector.device)
    loaded = site_detector(plain, load_site(settings.state), settings.state)
    outcome = DiscoverOutcome(notes=list(loaded.notes))
    detector, names, samplers = loaded.detector, list[str](), dict[Kind, CandidateSampler]()
    _read(paths, detector, settings, bar, samplers, names, outcome)
    store = DiscoveryStore(settings.state)
    store.reopen(detector.families)
    before = {one.number for one in store.all()}
    numbers: list[int] = []
    for kind, sampler in samplers.items():
        outcome.candidates[kind] = sampler.seen
        candidates = sampler.candidates()
        outcome.sampled[kind] = 0 if candidates is None else len(candidates)
        if candidates is not None:
            clusters = _clusters(candidates, radius_of(detector, kind))
            outcome.clustered[kind] = sum(map(len, clusters))
            numbers += _keep(clusters, detector, settings, names, store)
    _tell(outcome, store, numbers, before)
    _advise(outcome, detector)
    return outcome


def radius_of(detector: Detector, kind: Kind) -> float:
    """How near records of one family lie: the spacing of the bundle's benign records.

    It does not depend on the site, so that clusters are the same after another calibration.
    Where a bundle has no benign records it is 0: then only records that are the same are near.
    """
    bank = detector.bundle.bank.get(kind)
    return 0.0 if bank is None else spacing(bank.embedding, RADIUS_PERCENTILE)


def _read(
    paths: Sequence[Path],
    detector: Detector,
    settings: Settings,
    bar: ProgressBar,
    samplers: dict[Kind, CandidateSampler],
    names: list[str],
    outcome: DiscoverOutcome,
) -> None:
    """Score all records as a scan does, and take the candidates."""
    found = find_logs(paths)
    names += [encodable(str(file.path)) for file in found.files]
    scorer = Scorer(detector, settings.detector, settings.context)
    with bar(sum(file.size for file in found.files), "discover") as progress:
        stream = RecordStream(
            found.files,
            settings.reading,
            settings.detector.batch_records,
            on_progress=progress.advance,
        )
        for scored in scorer.run(ahead(stream)):
            kind, rows = scored.batch.kind, unknown_rows(scored, detector)
            outcome.scored[kind] = outcome.scored.get(kind, 0) + len(scored.batch)
            samplers.setdefault(kind, CandidateSampler()).add(
                scored.batch.frame[rows],
                take(scored.features, rows),
                scored.scores.embedding[rows],
                scored.scores.family_scores[rows],
            )
    outcome.failed += [(str(one.path), one.detail) for one in found.skipped if one.error]
    outcome.failed += [(str(one.file.path), one.error) for one in stream.files if one.error]
    for kind, count in scorer.left_out.items():
        outcome.notes.append(
            f"{kind}: the model does not score these records; {count} are left out"
        )


def unknown_rows(scored: ScoredBatch, detector: Detector) -> Rows:
    """Records that are far from benign and from every family, int64 [R].

    They are those that a scan calls unknown, and of those that it leaves alone the ones whose
    p-value is at most :func:`_bound` and that no correction covers.
    """
    kind, scores, verdicts = scored.batch.kind, scored.scores, scored.verdicts
    unknown, far = verdicts == UNKNOWN, scores.p_value <= _bound(detector, kind)
    more = np.flatnonzero(far & (verdicts == BENIGN))
    corrections = detector.corrections.get(kind)
    if corrections is not None:
        more = more[~corrections.covers(UNKNOWN_FAMILY, scores.embedding[more])]
    return np.sort(np.concatenate((np.flatnonzero(unknown), more)))


def _bound(detector: Detector, kind: Kind) -> np.float32:
    """Up to which p-value records are looked at that a scan does not call unknown.

    Where a site has calibrated on so few records that a scan calls nothing unknown: the smallest
    that there is, 1 / (n + 1), which a record has that is newer than all of them. Where it has
    not calibrated: :data:`UNCALIBRATED`. Otherwise 0, for a scan finds them all.
    """
    site = detector.site.get(kind)
    if site is None:
        return np.float32(UNCALIBRATED)
    return np.float32(0.0 if site.novelty_alpha > 0.0 else 1.0 / (1.0 + len(site.conformal)))


def _clusters(candidates: Candidates, radius: float) -> list[Candidates]:
    return [candidates.rows(rows) for rows in cluster(candidates.embedding, radius)]


def _keep(
    clusters: Sequence[Candidates],
    detector: Detector,
    settings: Settings,
    names: Sequence[str],
    store: DiscoveryStore,
) -> list[int]:
    """Keep the clusters of one kind; gives their numbers."""
    if not clusters:
        return []
    kind = clusters[0].kind
    matches = match(
        [one.embedding for one in clusters],
        _known(store, detector, kind),
        radius_of(detector, kind),
    )
    digest, describing = names_digest(detector.bundle), Describing(detector, settings.state, kind)
    found = []
    for one in clusters:
        # They stand in the order of their hashes: the first are a random sample.
        kept = one.rows(np.arange(min(len(one), SUPPORT)))
        support = KeptSupport({kind: support_of(kept, names)}, digest)
        found.append(Found(describing.figures(one, names), support, records_of(kept)))
    return store.keep(found, matches, time.time())


def _known(store: DiscoveryStore, detector: Detector, kind: Kind) -> list[Known]:
    """The discoveries of one kind whose records can be seen with this model."""
    digest, known = names_digest(detector.bundle), []
    for one in store.all():
        if one.figures.kind != kind or one.status == "merged":
            continue
        kept = store.support(one.id)
        if kept.names == digest and kind in kept.sets:
            some = take(kept.sets[kind].features, np.arange(min(len(kept.sets[kind]), MATCHED)))
            known.append(Known(one.number, one.status, detector.represent(some).embedding))
    return known


def _tell(
    outcome: DiscoverOutcome, store: DiscoveryStore, numbers: Sequence[int], before: set[int]
) -> None:
    kept = {one.number: one for one in store.all()}
    found = sorted(
        (kept[number] for number in numbers if number in kept),
        key=lambda one: (-one.figures.records, one.number),
    )
    outcome.found = [one for one in found if one.status == "open"]
    outcome.settled = [one for one in found if one.status != "open"]
    outcome.new = frozenset(one.id for one in outcome.found if one.number not in before)


def _advise(outcome: DiscoverOutcome, detector: Detector) -> None:
    bare = [kind for kind in outcome.scored if kind not in detector.site]
    if bare:
        outcome.notes.append(
            f"{', '.join(bare)}: this site's ordinary records are not known, so much of what is "
            "found may be ordinary here: run 'enricher calibrate' first"
        )
    for kind, count in outcome.candidates.items():
        if kind in detector.site and count > MANY * outcome.scored[kind]:
            outcome.notes.append(
                f"{kind}: {count / outcome.scored[kind]:.0%} of the records are new to this site: "
                "where the logs are of another network, calibrate on its ordinary ones first; what "
                "is one discovery here may be many families"
            )
    dismissed = [one.id for one in outcome.settled if one.status == "dismissed"]
    if dismissed:
        outcome.notes.append(
            f"{', '.join(dismissed)} had more records, and stay dismissed: 'enricher families "
            "discover' without a path shows them"
        )
    for one in outcome.settled:
        if one.status == "named":
            outcome.notes.append(
                f"{one.id} was named {one.became!a}, which does not find all of its records"
            )
