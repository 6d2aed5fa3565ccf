"""From scores to alerts: decide, group, keep to a budget, and write as Suricata EVE events."""

from enricher.alerts.alert import Alert, Detection, Verdict
from enricher.alerts.budget import DailyBudget
from enricher.alerts.decide import BENIGN, UNKNOWN, Policy, decide
from enricher.alerts.event import EventOptions, render, to_event
from enricher.alerts.families import (
    UNKNOWN_FAMILY,
    FamilyInfo,
    check_name,
    family_info,
    signature_id,
    with_severity,
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
    "FamilyInfo",
    "Grouper",
    "Policy",
    "Verdict",
    "check_name",
    "decide",
    "detections",
    "family_info",
    "render",
    "signature_id",
    "single",
    "to_event",
    "with_severity",
]
