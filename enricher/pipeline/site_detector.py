"""The detector as a site has it: calibrated, with its families, corrected by its analysts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from enricher.detector.detector import Detector
from enricher.detector.site import SiteCalibration
from enricher.families.feedback import FeedbackStore
from enricher.families.feedback_use import Given, corrections_of
from enricher.families.loading import load_heads
from enricher.families.store import FamilyStore
from enricher.logs import Kind
from enricher.pipeline.adapting import names_digest
from enricher.pipeline.exemplars import Exemplars


@dataclass(frozen=True, slots=True)
class Loaded:
    """What scores records.

    Attributes:
        detector: The bundle with the site's calibration, families and corrections.
        exemplars: The labelled records of those families.
        false_alarms: Ids of alerts that analysts have called false.
        notes: Sentences for the user.
    """

    detector: Detector
    exemplars: Exemplars
    false_alarms: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def site_detector(
    plain: Detector, calibration: Mapping[Kind, SiteCalibration], state: Path
) -> Loaded:
    """Add to a bundle what the site has.

    Args:
        plain: The bundle on its device.
        calibration: Of the site, by kind.
        state: The state directory.

    Raises:
        StateError: If the state is damaged, or was made with another bundle.
    """
    store = FamilyStore(state)
    heads = load_heads(store)
    given = Given(plain, names_digest(plain.bundle), FeedbackStore(state).all())
    corrections = corrections_of(given, state)
    detector = Detector(
        plain.bundle, plain.device, calibration, heads, corrections=corrections.by_kind
    )
    exemplars = Exemplars.load(store, detector)
    return Loaded(detector, exemplars, corrections.alerts, corrections.notes)
