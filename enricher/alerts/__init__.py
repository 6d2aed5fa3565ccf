"""From scores to alerts: decide, group, keep to a budget, and write as Suricata EVE events."""

from enricher.alerts.alert import Alert, Detection, Verdict
from enricher.alerts.budget import DailyBudget
from enricher.alerts.decide import BENIGN, UNKNOWN, Policy, decide
from enricher.alerts.event import EventOptions, render, to_event
from enricher.alerts.families import (
    UNKNOWN_FAMILY,
    check_name,
    family_label,
    signature_id,
)
from enricher.alerts.flagged import detections
from enricher.alerts.grouping import Grouper, single

__all__ = [
    "BENIGN",
    "UNKNOWN",
    "UNKNOWN_FAMILY",
    "Alert",
    "DailyBudget",
    "Detection",
    "EventOptions",
    "Grouper",
    "Policy",
    "Verdict",
    "check_name",
    "decide",
    "detections",
    "family_label",
    "render",
    "signature_id",
    "single",
    "to_event",
]
