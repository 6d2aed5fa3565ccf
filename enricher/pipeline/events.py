"""Alerts as the lines that are written: with reasons, as EVE."""

from __future__ import annotations

from collections.abc import Sequence

from enricher.alerts import Alert, EventOptions, family_label, render, signature_id, to_event
from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.detector.labels import FamilyLabel


class Labels:
    """What every family is, also one that the detector does not know any longer."""

    def __init__(self, detector: Detector) -> None:
        self._labels = {label.name: label for label in detector.labels}

    def __getitem__(self, name: str) -> FamilyLabel:
        return self._labels.get(name) or family_label(name)

    def signature(self, name: str) -> int:
        """The ``signature_id`` of a family."""
        label = self[name]
        return signature_id(label.name, label.category, label.severity)


def event_options(detector: Detector, settings: Settings) -> EventOptions:
    """What the events of a run have in common."""
    bundle = detector.bundle
    return EventOptions(
        eve_version=settings.outputs.eve_version,
        gid=settings.alerts.gid,
        rev=_revision(bundle.version),
        model=f"{bundle.name} {bundle.version}",
        sensor=settings.outputs.sensor or "",
        in_iface=settings.outputs.in_iface or "",
    )


def lines_of(alerts: Sequence[Alert], labels: Labels, options: EventOptions) -> list[bytes]:
    """One line of EVE for each alert, without its newline."""
    return [render(to_event(alert, labels[alert.family], options)) for alert in alerts]


def _revision(version: str) -> int:
    """A bundle's version as a number that grows with it: 1.2.3 is 10203."""
    parts = [int(part) for part in version.split(".") if part.isdecimal()][:3]
    major, minor, patch = parts + [0] * (3 - len(parts))
    return major * 10_000 + minor * 100 + patch
