"""Takes an analyst's word on a discovery: it becomes a family of the site, or benign."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import torch

from enricher.config import Settings
from enricher.detector.adaptation.points import Points
from enricher.detector.detector import Detector
from enricher.detector.family_names import UNKNOWN_FAMILY, check_name
from enricher.errors import InputError
from enricher.families.discovery.clustering import spread
from enricher.families.discovery.figures import Discovery
from enricher.families.discovery.store import DiscoveryStore
from enricher.families.discovery.support import Sets, joined_sets, rows_of_set
from enricher.families.feedback import MAX_EVIDENCE, MAX_REASON, Feedback, FeedbackStore
from enricher.families.feedback_use import Given, corrections_of
from enricher.families.kept import load_records, load_support
from enricher.families.records import bounded
from enricher.families.store import FamilyStore
from enricher.families.support import KeptSupport, SupportSet
from enricher.features.rows import take
from enricher.logs import Kind
from enricher.pipeline.adapting import AdaptOutcome, adapt_and_keep, names_digest, site_banks
from enricher.pipeline.discovery_records import frame_of
from enricher.pipeline.user import user_name

DISMISSED = 32
"""Records that stand for a dismissed discovery among the benign ones, far from each other."""
APIECE = 50
"""Records of every other discovery that a family is told from."""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """What came of dismissing a discovery.

    Attributes:
        discovery: As it is kept now.
        records: How many of its records are kept as false alarms.
        covered: Share of the records kept of it that are benign from now on.
        notes: Sentences for the user.
    """

    discovery: Discovery
    records: int
    covered: float
    notes: tuple[str, ...] = field(default=())


def name_discovery(
    name: str, family: str, settings: Settings, why: str = ""
) -> tuple[Discovery, AdaptOutcome]:
    """Adapt a family from the records of a discovery. No log is read.

    Where the site has a family of this name it learns the records too: so one family is made of
    discoveries in several kinds of log.

    Args:
        name: Id of the discovery.
        family: What to call it.
        settings: State, bundle, rates.
        why: In the analyst's words.

    Raises:
        InputError: If there is no such open discovery, or the name can not be had.
        StateError: If the state is damaged or can not be written.
        BundleError, DeviceError: If the detector could not be set up.
    """
    torch.set_num_threads(1)
    try:
        check_name(family)
    except ValueError as error:
        raise InputError(str(error)) from error
    store = DiscoveryStore(settings.state)
    _open(store, name)
    plain = Detector.load(settings.detector.bundle, settings.detector.device)
    support = joined_sets(_own(family, plain, settings), _support(store, name, plain))
    banks, notes = _banks(settings, plain, support, _others(store, name, family, plain))
    # The records come out of whole logs: they have the context that they had on the network.
    records = _records(store, name, family, settings)
    outcome = adapt_and_keep(
        family, support, banks, plain, settings, context=True, warnings=notes, records=records
    )
    store.settle(name, "named", family, user_name(), why)
    return store.get(name), outcome


def dismiss_discovery(name: str, settings: Settings, why: str = "") -> Dismissed:
    """Make the records of a discovery benign, as if each were a false alarm.

    Scans and discoveries leave alone what is like them, and families are adapted against them.
    Each can be taken back with 'enricher feedback'.

    Args:
        name: Id of the discovery.
        settings: State and bundle.
        why: In the analyst's words.

    Raises:
        InputError: If there is no such open discovery.
        StateError: If the state is damaged or can not be written.
        BundleError, DeviceError: If the detector could not be set up.
    """
    torch.set_num_threads(1)
    store = DiscoveryStore(settings.state)
    discovery = _open(store, name)
    plain = Detector.load(settings.detector.bundle, settings.detector.device)
    ((kind, support),) = _support(store, name, plain).items()
    embedding = plain.represent(support.features).embedding
    names, feedback = names_digest(plain.bundle), FeedbackStore(settings.state)
    kept = 0
    for row in spread(embedding, DISMISSED):
        said = _false_alarm(discovery, rows_of_set(support, np.array([row])), names, int(row), why)
        if len(said.evidence) <= MAX_EVIDENCE:
            feedback.put(said)
            kept += 1
    store.settle(name, "dismissed", None, user_name(), why)
    found = corrections_of(Given(plain, names, feedback.all()), settings.state).by_kind.get(kind)
    covered = 0.0 if found is None else float(found.covers(UNKNOWN_FAMILY, embedding).mean())
    return Dismissed(store.get(name), kept, covered, tuple(_notes(name, covered)))


def _notes(name: str, covered: float) -> list[str]:
    if covered >= 1.0:
        return []
    note = (
        f"{1.0 - covered:.0%} of the records that are kept of {name} are too near to records of a "
        "known attack, or too far from the others: scans may still call them unknown. "
        "'enricher families discover' does not show them again."
    )
    return [note]


def _open(store: DiscoveryStore, name: str) -> Discovery:
    discovery = store.get(name)
    if discovery.status == "merged":
        raise InputError(f"{name} is a part of {discovery.became} now: name or dismiss that")
    if discovery.status == "named":
        raise InputError(
            f"{name} is named {discovery.became!a} already: 'enricher families rename' gives "
            "another name, 'enricher families forget' lets it be discovered again"
        )
    if discovery.status == "dismissed":
        raise InputError(
            f"{name} was dismissed; 'enricher feedback --list' shows its records, and 'enricher "
            "feedback ID --true-positive --family NAME' says otherwise of one"
        )
    return discovery


def _support(store: DiscoveryStore, name: str, plain: Detector) -> dict[Kind, SupportSet]:
    kept = store.support(name)
    if kept.names != names_digest(plain.bundle) or not set(kept.sets) <= set(plain.kinds):
        raise InputError(
            f"the records of {name} were kept for another model: run 'enricher families "
            "discover' with this one"
        )
    return dict(kept.sets)


def _own(family: str, plain: Detector, settings: Settings) -> Sets:
    """The support records that a family of this name has."""
    store = FamilyStore(settings.state)
    if family not in {one.name for one in store.families()}:
        return {}
    kept = load_support(store, family)
    if kept is None or kept.names != names_digest(plain.bundle):
        raise InputError(
            f"there is a family {family!a} that came without its records, or has records of "
            "another model: choose another name, or forget it first"
        )
    return kept.sets


def _records(
    store: DiscoveryStore, name: str, family: str, settings: Settings
) -> dict[Kind, pl.DataFrame]:
    """The records as they stood in the logs: those that the family has, and the discovery's."""
    families = FamilyStore(settings.state)
    known = family in {one.name for one in families.families()}
    frames = load_records(families, family) if known else {}
    kind = store.get(name).figures.kind
    own = [*(frames[one] for one in (kind,) if one in frames), frame_of(kind, store.records(name))]
    return frames | {kind: bounded(pl.concat(own, how="diagonal"))}


def _banks(
    settings: Settings, plain: Detector, support: Sets, others: Mapping[Kind, Points]
) -> tuple[dict[Kind, Points], list[str]]:
    """What a family is told from: benign records and those of other discoveries; and notes."""
    banks, notes = site_banks(settings.state, plain, support), list[str]()
    for kind in support.keys() & others.keys():
        more = others[kind]
        if kind not in banks and kind in plain.bundle.bank:
            banks[kind] = plain.bundle.bank[kind]
            notes.append(
                f"{kind}: told from benign records of simulated sites, not of this one: run "
                "'enricher calibrate' on this site's ordinary logs, then adapt it again"
            )
        banks[kind] = banks[kind].joined(more) if kind in banks else more
        notes.append(f"{kind}: {len(more):,} of the benign records are of other discoveries")
    return banks, notes


def _others(store: DiscoveryStore, name: str, family: str, plain: Detector) -> dict[Kind, Points]:
    """Records of all other discoveries, by kind: they are not of this family.

    Told from benign records alone, a family would take in whatever is unlike these.
    """
    digest, points = names_digest(plain.bundle), dict[Kind, Points]()
    for one in store.all():
        if one.id == name or one.status == "merged" or one.became == family:
            continue
        kept = store.support(one.id)
        for kind, support in kept.sets.items() if kept.names == digest else ():
            some = plain.represent(take(support.features, np.arange(min(len(support), APIECE))))
            points[kind] = points[kind].joined(some) if kind in points else some
    return points


def _false_alarm(
    discovery: Discovery, record: SupportSet, names: str, row: int, why: str
) -> Feedback:
    kind = discovery.figures.kind
    sign = f"{discovery.id} {discovery.created!r} {row}"
    reason = f"discovery {discovery.id} dismissed" + (f": {why}" if why else "")
    return Feedback(
        alert_id=hashlib.sha256(sign.encode()).hexdigest()[:16],
        verdict="false-positive",
        kind=kind,
        family=UNKNOWN_FAMILY,
        taught=None,
        author=user_name(),
        given=time.time(),
        reason=reason[:MAX_REASON],
        evidence=KeptSupport({kind: record}, names).to_bytes(),
    )
