"""Every setting: typed, with its default, one line of help, and where its value came from."""

from enricher.config.resolve import Origin, Resolved, Setting, load_settings
from enricher.config.settings import (
    AlertSettings,
    ContextSettings,
    DetectorSettings,
    FollowingSettings,
    InputSettings,
    OutputSettings,
    ReadingSettings,
    Settings,
    default_state,
)
from enricher.config.suppressions import SuppressionSettings
from enricher.config.verdicts import VerdictSettings

__all__ = [
    "AlertSettings",
    "ContextSettings",
    "DetectorSettings",
    "FollowingSettings",
    "InputSettings",
    "Origin",
    "OutputSettings",
    "ReadingSettings",
    "Resolved",
    "Setting",
    "Settings",
    "SuppressionSettings",
    "VerdictSettings",
    "default_state",
    "load_settings",
]
