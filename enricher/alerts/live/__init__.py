"""Alerts while records come, without end: opening and closing alerts in bounded memory."""

from enricher.alerts.live.grouping import LiveGrouping
from enricher.alerts.live.merging import LiveAlert

__all__ = ["LiveAlert", "LiveGrouping"]
