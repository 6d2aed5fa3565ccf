"""Alerts while records come, without end: opening and closing alerts in bounded memory."""

from enricher.alerts.live.grouping import LiveAlert, LiveGrouping

__all__ = ["LiveAlert", "LiveGrouping"]
