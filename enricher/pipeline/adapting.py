"""Adapts to a family from logs, and keeps it in the site's state."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import torch

from enricher.config import Settings
from enricher.detector.adaptation.adapting import AdaptOptions
from enricher.detector.adaptation.family_head import FamilyHead
from enricher.detector.adaptation.points import Points
from enricher.detector.bundle import Bundle
from enricher.detector.detector import Detector
from enricher.detector.family_names import check_name
from enricher.errors import InputError
from enricher.families.adapting import AdaptedFamily, adapt_family
from enricher.families.bank import load_bank
from enricher.families.family import Family
from enricher.families.feedback import Feedback, FeedbackStore
from enricher.families.feedback_use import Given
from enricher.families.heads_file import arrays_of
from enricher.families.kept import load_support
from enricher.families.loading import heads_of_family
from enricher.families.records import records_to_bytes
from enricher.families.store import FamilyStore
from enricher.families.support import KeptSupport, SupportSet
from enricher.families.tensor_file import encode
from enricher.logs import Kind
from enricher.pipeline.support_reading import LogFeatures, read_benign, read_support
from enricher.report.progress import ProgressBar


@dataclass(frozen=True, slots=True)
class AdaptRequest:
    """What to adapt to.

    Attributes:
        name: Name of the family; one of this name is replaced.
        support: Logs with its records. None: those that are kept of the family are taken again.
        benign: Logs with benign records; for kinds that they lack, those that
            calibration has kept are taken, or the bundle's where there are none.
        uids: The records in the support logs that belong to the family; all where it is empty.
        context: Whether the context of the support records counts; by default where they are
            named by ``uids``, for a log that was cut out has lost it, or where they are many.
    """

    name: str
    support: Sequence[Path] = ()
    benign: Sequence[Path] = ()
    uids: Sequence[str] = ()
    context: bool | None = None


@dataclass(frozen=True, slots=True)
class AdaptOutcome:
    """What came of it.

    Attributes:
        family: What is kept of it.
        replaced: Whether there was a family of this name.
        milliseconds: What the work took, from features to heads.
        failed: Files that could not be read to their end: path and why.
    """

    family: Family
    replaced: bool
    milliseconds: float
    failed: list[tuple[str, str]] = field(default_factory=list)


def adapt_from_logs(request: AdaptRequest, settings: Settings, bar: ProgressBar) -> AdaptOutcome:
    """Adapt to a family and keep it in the site's state.

    Raises:
        InputError: If the name can not be had, records or benign records are missing.
        StateError: If the state is damaged or can not be written.
        BundleError, DeviceError: If the detector could not be set up.
    """
    try:
        check_name(request.name)
    except ValueError as error:
        raise InputError(str(error)) from error
    # As in a scan: torch's own threads would wait for one another.
    torch.set_num_threads(1)
    store = FamilyStore(settings.state)
    detector = Detector.load(settings.detector.bundle, settings.detector.device)
    failed: list[tuple[str, str]] = []
    records: dict[Kind, pl.DataFrame] = {}
    support, context, warnings = _support(request, store, detector, settings, bar, failed, records)
    banks, notes = _banks(request, support, detector, settings, bar, failed)
    outcome = adapt_and_keep(
        request.name, support, banks, detector, settings,
        context=context, warnings=[*warnings, *notes], records=records,
    )  # fmt: skip
    return replace(outcome, failed=failed)


def adapt_and_keep(
    name: str,
    support: Mapping[Kind, SupportSet],
    banks: Mapping[Kind, Points],
    plain: Detector,
    settings: Settings,
    *,
    context: bool | None,
    warnings: Sequence[str] = (),
    records: Mapping[Kind, pl.DataFrame] | None = None,
) -> AdaptOutcome:
    """Adapt to a family whose records are at hand, and keep it in the site's state.

    Args:
        name: Of the family; one of this name is replaced.
        support: Its records by kind.
        banks: Benign records by kind; the bundle's where it lacks a kind.
        plain: The bundle on its device.
        settings: State and rates.
        context: Whether the context of the support records counts; None: by their number.
        warnings: Sentences to keep with it.
        records: The records as they stood in the logs; none where those kept of it are to stay.

    Raises:
        InputError: If no kind can be adapted to.
        StateError: If the state is damaged or can not be written.
    """
    store = FamilyStore(settings.state)
    known = {family.name: family for family in store.families()}
    detector = Detector(plain.bundle, plain.device, families=_others(store, known, plain, name))
    adapted = adapt_family(
        name,
        support,
        banks,
        detector,
        context=context,
        options=AdaptOptions(rate=settings.alerts.false_alarm_rate or AdaptOptions().rate),
    )
    family = _family(name, adapted, detector.bundle, known.get(name), warnings)
    kept = KeptSupport({kind: support[kind] for kind in adapted.heads}, names_digest(plain.bundle))
    raw = records_to_bytes(records) if records else None
    store.save(family, encode(arrays_of(adapted.heads), {}), kept.to_bytes(), raw)
    return AdaptOutcome(family, name in known, adapted.milliseconds)


def _others(
    store: FamilyStore, known: Mapping[str, Family], detector: Detector, name: str
) -> dict[str, dict[Kind, FamilyHead]]:
    """Heads of the site's other families, where they were made with this bundle."""
    return {
        family.name: heads_of_family(store, family)
        for family in known.values()
        if family.name != name and family.bundle == detector.bundle.digest
    }


def _support(
    request: AdaptRequest,
    store: FamilyStore,
    detector: Detector,
    settings: Settings,
    bar: ProgressBar,
    failed: list[tuple[str, str]],
    records: dict[Kind, pl.DataFrame],
) -> tuple[Mapping[Kind, SupportSet], bool | None, list[str]]:
    """Support records, whether their context counts (None: by their number), and warnings.

    Puts what is to be kept of the records as they stand in the logs into ``records``.
    """
    if request.support:
        logs = LogFeatures(request.support, detector, settings, bar, "support")
        support, warnings = read_support(logs, frozenset(request.uids), records)
        failed += logs.failed
        context = True if request.uids and request.context is None else request.context
        return support, context, warnings
    kept = load_support(store, request.name)
    if kept is None or kept.names != names_digest(detector.bundle):
        why = "came without its records" if kept is None else "has records of another model"
        raise InputError(f"family {request.name!a} {why}: name logs with them with --support")
    figures = store.get(request.name).kinds
    context = any(one.context for one in figures.values())
    return kept.sets, context if request.context is None else request.context, []


def _banks(
    request: AdaptRequest,
    support: Mapping[Kind, SupportSet],
    detector: Detector,
    settings: Settings,
    bar: ProgressBar,
    failed: list[tuple[str, str]],
) -> tuple[dict[Kind, Points], list[str]]:
    """Benign records by kind, and what was left out of their logs."""
    banks: dict[Kind, Points] = {}
    notes: list[str] = []
    if request.benign:
        logs = LogFeatures(request.benign, detector, settings, bar, "benign")
        banks = read_benign(logs, detector)
        failed += logs.failed
        notes = logs.notes()
    lacking = [kind for kind in support if kind not in banks]
    return banks | site_banks(settings.state, detector, lacking), notes


def site_banks(
    state: Path,
    detector: Detector,
    kinds: Iterable[Kind],
    feedback: Sequence[Feedback] | None = None,
) -> dict[Kind, Points]:
    """The benign records that calibration has kept, of those kinds of which it has.

    With them are the records that analysts have called false alarms.

    Args:
        state: The state directory.
        detector: The bundle on its device.
        kinds: Of which kinds.
        feedback: What analysts have said; None to take what is kept of it.

    Raises:
        StateError: If a bank is damaged, or made with another bundle.
    """
    said = FeedbackStore(state).all() if feedback is None else feedback
    given = Given(detector, names_digest(detector.bundle), said)
    banks: dict[Kind, Points] = {}
    for kind in kinds:
        spec = detector.bundle.specs.get(kind)
        if spec is not None:
            table = len(spec.numeric) + len(spec.categorical)
            widths = table, detector.bundle.model.config.embedding
            kept = load_bank(state, kind, detector.bundle.digest, widths)
            if kept is not None:
                more = given.benign(kind)
                banks[kind] = kept if more is None else kept.joined(more)
    return banks


def _family(
    name: str,
    adapted: AdaptedFamily,
    bundle: Bundle,
    before: Family | None,
    warnings: Sequence[str],
) -> Family:
    now = time.time()
    family = Family(
        name=name,
        origin="adapted",
        created=now,
        updated=now,
        bundle=bundle.digest,
        bundle_name=bundle.name,
        bundle_version=bundle.version,
        kinds=adapted.figures,
        notes=(*warnings, *adapted.warnings),
    )
    return family if before is None else replace(family, created=before.created)


def names_digest(bundle: Bundle) -> str:
    """Says which model of names a bundle's features are made with."""
    digest = hashlib.sha256()
    for name, array in sorted((bundle.names.to_arrays() if bundle.names else {}).items()):
        digest.update(name.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
