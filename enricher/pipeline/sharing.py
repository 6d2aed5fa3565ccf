"""Takes a family that another site has exported into this site's state."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.family_names import check_name
from enricher.errors import InputError, StateError
from enricher.families.family import Family
from enricher.families.heads_file import Heads, arrays_of, heads_of
from enricher.families.sharing import read_shared
from enricher.families.store import FamilyStore
from enricher.families.tensor_file import encode
from enricher.pipeline.adapting import site_banks


def import_family(
    path: Path, settings: Settings, *, name: str | None = None, replace_it: bool = False
) -> Family:
    """Check a file as one of a stranger, and keep its family.

    Args:
        path: What ``enricher families export`` wrote on another site.
        settings: State, bundle and device.
        name: What to call it here; by default as there.
        replace_it: Replace a family of the same name.

    Returns:
        The family; its notes say how it does on this site's benign records.

    Raises:
        InputError: If the file is no family, needs another bundle, or the name is taken.
        StateError: If the state is damaged or can not be written.
        BundleError, DeviceError: If the detector could not be set up.
    """
    shared, arrays = read_shared(path, time.time())
    try:
        family = shared if name is None else replace(shared, name=check_name(name))
        heads = heads_of(arrays, family.bundle)
    except ValueError as error:
        raise InputError(f"can not be imported: {error}", path) from error
    if set(heads) != set(family.kinds):
        raise InputError("has heads of other kinds than it says", path)
    store = FamilyStore(settings.state)
    if not replace_it and any(one.name == family.name for one in store.families()):
        raise InputError(
            f"there is a family {family.name!a} already: --replace replaces it, "
            "--as NAME gives the new one another name"
        )
    detector = Detector.load(settings.detector.bundle, settings.detector.device)
    _check_bundle(family, heads, detector, path)
    family = replace(family, notes=_seen_here(heads, detector, settings))
    store.save(family, encode(arrays_of(heads), {}), None)
    return family


def _check_bundle(family: Family, heads: Heads, detector: Detector, path: Path) -> None:
    bundle = detector.bundle
    if family.bundle != bundle.digest:
        raise InputError(
            f"needs the model {family.bundle_name} {family.bundle_version} "
            f"({family.bundle[:12]}), this site has {bundle.name} {bundle.version} "
            f"({bundle.digest[:12]}): name that one with --set detector.bundle=..., or ask the "
            "other site for a family made with this one",
            path,
        )
    try:
        Detector(bundle, detector.device, families={family.name: heads})
    except StateError as error:
        raise InputError("its heads do not fit the model that it names", path) from error


def _seen_here(heads: Heads, detector: Detector, settings: Settings) -> tuple[str, ...]:
    """How often the heads flag this site's benign records."""
    notes = []
    banks = site_banks(settings.state, detector, heads)
    for kind, head in heads.items():
        if kind not in banks:
            notes.append(
                f"{kind}: nothing is known of its false alarms here; run 'enricher calibrate' and "
                "import it again to be told"
            )
            continue
        flagged = int((head.scores(banks[kind]) >= np.float32(head.threshold)).sum())
        notes.append(f"{kind}: flags {flagged} of {len(banks[kind]):,} benign records of this site")
    return tuple(notes)
