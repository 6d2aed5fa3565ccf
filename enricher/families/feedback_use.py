"""What follows from feedback: corrections of the detector, and more benign records of the site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from enricher.detector.adaptation.points import Points
from enricher.detector.corrections import (
    SHIPPED_PERCENTILE,
    SITE_PERCENTILE,
    Corrections,
    FloatArray,
    radii,
    spacing,
)
from enricher.detector.detector import Detector
from enricher.errors import StateError
from enricher.families.bank import load_bank
from enricher.families.feedback import Feedback, Word
from enricher.families.kept import load_support
from enricher.families.store import FamilyStore
from enricher.features.rows import join
from enricher.features.tensors import Features
from enricher.logs import Kind


@dataclass(frozen=True, slots=True)
class Given:
    """The feedback of a site that can be used with its model.

    Attributes:
        detector: Sees the records; its families do not matter.
        names: Digest of the model of names of its bundle.
        feedback: All that was said.
    """

    detector: Detector
    names: str
    feedback: Sequence[Feedback]

    def records(self, verdict: Word, kind: Kind) -> list[tuple[Feedback, Features]]:
        """The records of one kind of which this was said."""
        if kind not in self.detector.kinds:
            return []
        of_kind = [one for one in self.feedback if one.kind == kind and one.verdict == verdict]
        known = [(one, one.record(self.names)) for one in of_kind]
        return [(one, record.features) for one, record in known if record is not None]

    def benign(self, kind: Kind) -> Points | None:
        """The records of one kind that were false alarms; None where there are none."""
        features = [one for _, one in self.records("false-positive", kind)]
        return self.detector.represent(join(features)) if features else None


@dataclass(frozen=True, slots=True)
class SiteCorrections:
    """What corrects the detector of a site.

    Attributes:
        by_kind: The corrections.
        alerts: Ids of the alerts that were false alarms.
        notes: Sentences for the user.
    """

    by_kind: Mapping[Kind, Corrections] = field(default_factory=dict)
    alerts: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def corrections_of(given: Given, state: Path) -> SiteCorrections:
    """Make the corrections out of what was said: for any model that takes the records' features.

    Raises:
        StateError: If the support records of a family are damaged.
    """
    false = [one for one in given.feedback if one.verdict == "false-positive"]
    if not false:
        return SiteCorrections()
    by_kind: dict[Kind, Corrections] = {}
    used = without = 0
    for kind in dict.fromkeys(one.kind for one in false):
        records = given.records("false-positive", kind)
        if not records:
            continue
        embedding = _embedding(given.detector, [features for _, features in records])
        radius = radii(
            embedding, _widest(given.detector, state, kind), _attacks(given, state, kind)
        )
        by_kind[kind] = Corrections([one.family for one, _ in records], embedding, radius)
        used += len(records)
        without += int((radius == 0).sum())
    alerts = frozenset(one.alert_id for one in false)
    return SiteCorrections(by_kind, alerts, tuple(_notes(len(false) - used, without)))


def _notes(stale: int, without: int) -> list[str]:
    notes = []
    if stale:
        notes.append(
            f"{stale} false alarms that analysts have named correct nothing, because their records "
            "were kept for another model or version; 'enricher feedback --list' shows them."
        )
    if without:
        notes.append(
            f"{without} false alarms that analysts have named correct nothing, because their "
            "records are the same as support records of a family, or as a true positive: "
            "look which of the two is right with 'enricher feedback --list'."
        )
    return notes


def _embedding(detector: Detector, features: Sequence[Features]) -> FloatArray:
    if not features:
        return np.empty((0, detector.bundle.model.config.embedding), dtype=np.float32)
    return detector.represent(join(features)).embedding


def _widest(detector: Detector, state: Path, kind: Kind) -> float:
    """The spacing of the site's benign records, within bounds that the bundle's records give.

    False alarms lie where benign records are rare: where a site has very many of a few kinds, their
    spacing alone would be far too small for them.
    """
    bundle = detector.bundle
    spec = bundle.specs[kind]
    widths = len(spec.numeric) + len(spec.categorical), bundle.model.config.embedding
    try:
        own = load_bank(state, kind, bundle.digest, widths)
    except StateError:
        own = None  # calibrate and adapt say so; a correction has the bundle's records too
    shipped = bundle.bank.get(kind)
    site = None if own is None else spacing(own.embedding, SITE_PERCENTILE)
    if shipped is None:
        return site or 0.0
    most = spacing(shipped.embedding, SHIPPED_PERCENTILE)
    return most if site is None else min(most, max(most / 2.0, site))


def _attacks(given: Given, state: Path, kind: Kind) -> FloatArray:
    """Every record of this kind that is known to be of an attack, float32 [A, E]."""
    store = FamilyStore(state)
    features = [features for _, features in given.records("true-positive", kind)]
    for family in store.families():
        kept = load_support(store, family.name)
        if kept is not None and kept.names == given.names and kind in kept.sets:
            features.append(kept.sets[kind].features)
    return _embedding(given.detector, features)
