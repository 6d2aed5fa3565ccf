"""The detector as the site has it now, and whether it has changed since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.site import FOLDER as CALIBRATION
from enricher.detector.site import load_site
from enricher.families.database import FILE
from enricher.families.loading import load_heads
from enricher.families.store import FamilyStore
from enricher.pipeline.exemplars import Exemplars


@dataclass(frozen=True, slots=True)
class Loaded:
    """What scores records.

    Attributes:
        detector: The bundle with the site's calibration and families.
        exemplars: The labelled records of those families.
    """

    detector: Detector
    exemplars: Exemplars


def load_detector(settings: Settings) -> Loaded:
    """Load the bundle, the calibration and the families of a site.

    Raises:
        BundleError, DeviceError, StateError: If one of them can not be used.
    """
    site = load_site(settings.state)
    plain = Detector.load(settings.detector.bundle, settings.detector.device)
    store = FamilyStore(settings.state)
    detector = Detector(plain.bundle, plain.device, site, load_heads(store))
    return Loaded(detector, Exemplars.load(store, detector))


Stamp = tuple[tuple[str, int, int], ...]


def stamp(state: Path) -> Stamp:
    """Changes when families or the calibration of a site may have; cheap enough for every second."""
    files = [state / FILE, state / f"{FILE}-wal", *sorted((state / CALIBRATION).glob("*"))]
    found = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path.name, status.st_mtime_ns, status.st_size))
    return tuple(found)
