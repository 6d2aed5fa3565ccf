"""The settings themselves: names, types, ranges, defaults and help."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from enricher.config.paths import FilePath, expand_home
from enricher.config.section import Section
from enricher.config.suppressions import SuppressionSettings
from enricher.config.verdicts import VerdictSettings

_KIB = 1024
_MIB = 1024 * 1024


def default_state(environment: Mapping[str, str] | None = None) -> Path:
    """Where the site state stands unless a setting says otherwise.

    As a service the directory that systemd made (``StateDirectory=enricher`` gives
    ``/var/lib/enricher`` in ``STATE_DIRECTORY``, see systemd.exec(5)); otherwise
    ``$XDG_STATE_HOME/enricher``, by default ``~/.local/state/enricher``
    (XDG Base Directory Specification 0.8: relative paths in the variables are ignored).
    """
    variables = os.environ if environment is None else environment
    service = variables.get("STATE_DIRECTORY", "").split(":")[0]
    if service.startswith("/"):
        return Path(service)
    base = variables.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return Path(base) / "enricher"
    home = variables.get("HOME", "")
    return (Path(home) if home.startswith("/") else Path("/")) / ".local/state/enricher"


class InputSettings(Section):
    """One place to read logs from."""

    path: Annotated[str, BeforeValidator(expand_home)] = Field(
        min_length=1,
        max_length=4096,
        description="A log file or a directory of logs.",
    )
    archive: FilePath | None = Field(
        default=None, description="Directory that rotated logs end up in; it is read too."
    )


class OutputSettings(Section):
    """What is written, and how."""

    eve: Annotated[str, BeforeValidator(expand_home)] | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="Where alerts go: a file, unix:/path, -; for a scan OUT/eve.json or --set.",
    )
    enriched: Annotated[str, BeforeValidator(expand_home)] | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="Where 'run' writes every record back as JSON with its scores; unset: nowhere.",
    )
    zeek: FilePath | None = Field(
        default=None,
        description="Directory that verdicts for Zeek are written to (verdicts.dat, intel.dat); "
        "unset: nowhere.",
    )
    eve_version: Literal[7, 8] = Field(
        default=7, description="Major version of Suricata whose EVE layout is written."
    )
    sensor: str | None = Field(
        default=None, min_length=1, max_length=255, description="Name put into events as 'host'."
    )
    in_iface: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="Name put into events as 'in_iface'.",
    )


class DetectorSettings(Section):
    """The model and the device it runs on."""

    bundle: str = Field(
        default="base",
        min_length=1,
        max_length=4096,
        description="Name or folder of the model bundle.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where the model runs; auto takes the GPU when there is one."
    )
    batch_records: int = Field(
        default=16_384, ge=1, le=4_194_304, description="Records scored at once; changes no result."
    )
    threads: int = Field(
        default=0, ge=0, le=1024, description="Processor threads; 0 takes all cores."
    )


class ReadingSettings(Section):
    """Bounds on what is read."""

    block_bytes: int = Field(
        default=4 * _MIB,
        ge=64 * _KIB,
        le=1024 * _MIB,
        description="Bytes of a log that are read at once.",
    )
    max_line_bytes: int = Field(
        default=1 * _MIB,
        ge=_KIB,
        le=256 * _MIB,
        description="A longer line is rejected, and counted.",
    )
    max_rejected: int = Field(
        default=10_000, ge=0, le=10_000_000, description="Rejected lines kept in rejected.jsonl."
    )
    max_long_connections: int = Field(
        default=100_000,
        ge=0,
        le=100_000_000,
        description="Connections of conn_long.log remembered, to drop their repeats.",
    )


class FollowingSettings(Section):
    """How logs are followed while they are written."""

    poll_seconds: float = Field(
        default=1.0,
        ge=0.05,
        le=3600.0,
        description="Logs are looked at this often even if nothing told of a change, in s.",
    )
    rotated_seconds: float = Field(
        default=60.0,
        ge=0.0,
        le=86_400.0,
        description="A rotated log is closed after so long without growth, in s.",
    )
    archive_seconds: float = Field(
        default=60.0,
        ge=1.0,
        le=86_400.0,
        description="The archive is looked through this often for logs that were missed, in s.",
    )


class ContextSettings(Section):
    """Bounds on what is remembered of the records before."""

    sources: int = Field(
        default=65_536,
        ge=16,
        le=16_777_216,
        description="Source addresses remembered per log kind.",
    )
    pairs: int = Field(
        default=262_144,
        ge=16,
        le=67_108_864,
        description="Pairs of addresses remembered per log kind.",
    )
    destinations: int = Field(
        default=65_536,
        ge=16,
        le=16_777_216,
        description="Destination addresses remembered per log kind.",
    )


class AlertSettings(Section):
    """When an alert is raised, and how many."""

    window_seconds: int = Field(
        default=3600,
        ge=1,
        le=604_800,
        description="Length of the window that one alert covers, in s.",
    )
    per_day: int = Field(
        default=50, ge=1, le=1_000_000, description="Alerts a day that an analyst can look at."
    )
    every_record: bool = Field(
        default=False,
        description="One alert per record instead of one per source, family and window.",
    )
    max_groups: int = Field(
        default=100_000,
        ge=1,
        le=100_000_000,
        description="Open groups kept; the oldest is closed first.",
    )
    gid: int = Field(
        default=1001,
        ge=1,
        le=4_294_967_295,
        description="Generator id of our alerts (Suricata's is 1).",
    )
    late_seconds: int = Field(
        default=300,
        ge=0,
        le=604_800,
        description="While following logs: a window stays open so long after its end, in s.",
    )
    closing: bool = Field(
        default=True,
        description="While following logs: a second alert when a window of many records is over.",
    )
    false_discovery_rate: float = Field(
        default=0.1,
        gt=0.0,
        le=1.0,
        description="Share of a window's unknown records that may be ordinary ones by chance.",
    )
    false_alarm_rate: float | None = Field(
        default=None,
        gt=0.0,
        le=0.5,
        description="Share of benign records a family may flag after calibration; unset: 0.001.",
    )


class ServiceSettings(Section):
    """How ``enricher run`` works."""

    round_bytes: int = Field(
        default=8 * _MIB,
        ge=64 * _KIB,
        le=1024 * _MIB,
        description="Bytes of logs that are read, scored and committed at once, at most.",
    )
    snapshot_bytes: int = Field(
        default=64 * _MIB,
        ge=1 * _MIB,
        le=65_536 * _MIB,
        description="After so many bytes of logs all that is known is written down for a restart.",
    )
    log: Literal["text", "json"] = Field(
        default="text", description="How messages are written to standard error."
    )
    metrics: str | None = Field(
        default=None,
        pattern=r"^[^:\s]+:\d{1,5}$",
        max_length=255,
        description="host:port for Prometheus to find figures at, as 127.0.0.1:9415; unset: none.",
    )


class Settings(Section):
    """All settings."""

    inputs: tuple[InputSettings, ...] = Field(
        default=(),
        strict=False,
        max_length=1024,
        description="Where logs are read from: a list of {path, archive}.",
    )
    state: FilePath = Field(
        default_factory=default_state, description="Directory of the site's own state."
    )
    outputs: OutputSettings = OutputSettings()
    detector: DetectorSettings = DetectorSettings()
    reading: ReadingSettings = ReadingSettings()
    following: FollowingSettings = FollowingSettings()
    service: ServiceSettings = ServiceSettings()
    context: ContextSettings = ContextSettings()
    alerts: AlertSettings = AlertSettings()
    verdicts: VerdictSettings = VerdictSettings()
    suppressions: tuple[SuppressionSettings, ...] = Field(
        default=(),
        strict=False,
        max_length=10_000,
        description="Alerts not to be shown: a list of {source, family, ..., until, reason}.",
    )
