"""The detector as the site has it now, and whether it has changed since."""

from __future__ import annotations

import logging
from pathlib import Path

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.site import FOLDER as CALIBRATION
from enricher.detector.site import load_site
from enricher.families.database import FILE
from enricher.pipeline.site_detector import Loaded, site_detector

log = logging.getLogger("enricher")


def load_detector(settings: Settings) -> Loaded:
    """Load the bundle, and the calibration, families and feedback of a site.

    Raises:
        BundleError, DeviceError, StateError: If one of them can not be used.
    """
    calibration = load_site(settings.state)
    plain = Detector.load(settings.detector.bundle, settings.detector.device)
    loaded = site_detector(plain, calibration, settings.state)
    for note in loaded.notes:
        log.warning("%s", note)
    return loaded


Stamp = tuple[tuple[str, int, int], ...]


def stamp(state: Path) -> Stamp:
    """Changes when families, feedback or calibration may have; cheap enough for every second."""
    files = [state / FILE, state / f"{FILE}-wal", *sorted((state / CALIBRATION).glob("*"))]
    found = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path.name, status.st_mtime_ns, status.st_size))
    return tuple(found)
