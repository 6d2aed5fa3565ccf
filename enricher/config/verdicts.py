"""The settings of what is written for Zeek to take up."""

from __future__ import annotations

from pydantic import Field

from enricher.config.section import Section
from enricher.config.suppressions import Network


class VerdictSettings(Section):
    """What Zeek is told of alerts, and for how long."""

    score: float = Field(
        default=0.9,
        ge=0.0,
        le=1.0,
        description="Alerts of a family with this score or more give indicators (intel.dat).",
    )
    intel_hours: float = Field(
        default=24.0,
        gt=0.0,
        le=8784.0,
        description="An indicator expires so long after its alert, in hours of flow time.",
    )
    notice_minutes: float = Field(
        default=60.0,
        gt=0.0,
        le=527_040.0,
        description="A verdict expires so long after its alert, in minutes of flow time.",
    )
    most: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="Lines of verdicts.dat and of intel.dat, at most; the newest are kept.",
    )
    local_networks: tuple[Network, ...] = Field(
        default=(),
        strict=False,
        max_length=1024,
        description="This site's own public networks (CIDR): never indicators, as private ones. "
        "Without them an alert between two public addresses gives no indicator of either.",
    )
