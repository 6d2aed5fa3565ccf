"""Writes the small Suricata configuration that checks and replays run under.

Only what decides a verdict is set, so that the same rules and captures give the same answer on
every machine. (Suricata user guide 7.0, "Suricata.yaml".)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from enricher.errors import OutputError
from enricher.rulegen.engine.classification import CLASSIFICATION, REFERENCES
from enricher.rulegen.engine.suricata import Engine

CONFIGURATION = "suricata.yaml"
EVENTS = "eve.json"
ENGINE_LOG = "engine.json"


def write_configuration(
    engine: Engine,
    folder: Path,
    *,
    home: str | None = None,
    events: Sequence[str] = ("alert",),
    midstream: bool = False,
) -> Path:
    """Write ``suricata.yaml`` and the files that it names.

    Args:
        engine: The engine that will read it.
        folder: An existing folder, private to this run.
        home: What HOME_NET stands for, in Suricata's notation; any where None. EXTERNAL_NET is
            the rest then, and any as well where None.
        events: EVE event types to write to ``eve.json``.
        midstream: Whether a TCP session that does not begin with a handshake is followed.

    Returns:
        The path of the configuration.

    Raises:
        OutputError: If the folder cannot be written to.
    """
    settings: dict[str, Any] = {
        "vars": _variables(home),
        "default-log-dir": str(folder),
        "classification-file": str(_named(engine, folder, "classification.config")),
        "reference-config-file": str(_named(engine, folder, "reference.config")),
        "stats": {"enabled": False},
        "logging": _logging(),
        "outputs": [{"eve-log": _eve(events)}],
        "app-layer": {"protocols": _protocols(engine)},
        "pcap-file": {"checksum-checks": "no"},
        "stream": {
            "memcap": "512mb",
            "checksum-validation": "no",
            "midstream": midstream,
            "inline": "no",
            "reassembly": {"memcap": "1gb", "depth": "4mb"},
        },
        "flow": {"memcap": "1gb", "hash-size": 65536, "prealloc": 1000},
        # Thresholds are counted per host: room for all of a large capture.
        "host": {"memcap": "512mb", "hash-size": 65536, "prealloc": 1000},
        "engine-analysis": {"rules-fast-pattern": True, "rules": True},
        "unix-command": {"enabled": False},
    }
    path = folder / CONFIGURATION
    try:
        (folder / "classification.config").write_text(CLASSIFICATION, "utf-8")
        (folder / "reference.config").write_text(REFERENCES, "utf-8")
        path.write_text(f"%YAML 1.1\n---\n{yaml.safe_dump(settings, sort_keys=False)}", "utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to: {error}") from error
    return path


def _variables(home: str | None) -> dict[str, dict[str, str]]:
    """Address and port groups that published rules use."""
    home_net = "any" if home is None else home
    servers = ("HTTP", "SMTP", "SQL", "DNS", "TELNET", "AIM", "DC", "DNP3", "MODBUS", "ENIP")
    groups = {f"{name}_SERVERS": "$HOME_NET" for name in servers}
    external = "any" if home is None or home == "any" else "!$HOME_NET"
    ports = {
        "HTTP_PORTS": "80",
        "SHELLCODE_PORTS": "!80",
        "ORACLE_PORTS": "1521",
        "SSH_PORTS": "22",
        "FTP_PORTS": "21",
        "FILE_DATA_PORTS": "[$HTTP_PORTS,110,143]",
    }
    return {
        "address-groups": {"HOME_NET": home_net, "EXTERNAL_NET": external, **groups},
        "port-groups": ports,
    }


def _named(engine: Engine, folder: Path, name: str) -> Path:
    """The installation's own file of that name, or ours in the folder."""
    theirs = None if engine.settings is None else engine.settings / name
    return theirs if theirs is not None and theirs.is_file() else folder / name


def _logging() -> dict[str, Any]:
    return {
        "default-log-level": "notice",
        "outputs": [
            {"console": {"enabled": False}},
            {"file": {"enabled": True, "level": "info", "type": "json", "filename": ENGINE_LOG}},
        ],
    }


def _eve(events: Sequence[str]) -> dict[str, Any]:
    return {
        "enabled": True,
        "filetype": "regular",
        "filename": EVENTS,
        "community-id": True,
        "types": [_event(name) for name in events],
    }


def _event(name: str) -> str | dict[str, Any]:
    """An event type with as much as it can say."""
    if name in {"http", "tls"}:
        more = {"dump-all-headers": "both"} if name == "http" else {}
        return {name: {"extended": True, **more}}
    if name == "alert":
        return {name: {"metadata": True, "tagged-packets": False}}
    return name


def _protocols(engine: Engine) -> dict[str, Any]:
    return {
        # As in the configuration that ships: without it URIs are not normalised.
        "http": {"enabled": True, "libhtp": {"default-config": {"personality": "IDS"}}},
        # Two dictionaries: the engine does not know the aliases that YAML has for one.
        "dns": {
            transport: {"enabled": True, "detection-ports": {"dp": 53}}
            for transport in ("tcp", "udp")
        },
        "tls": {
            "enabled": True,
            "detection-ports": {"dp": 443},
            "ja3-fingerprints": engine.ja3,
            "ja4-fingerprints": engine.ja4,
        },
        "ssh": {"enabled": True, "hassh": True},
        "http2": {"enabled": True},
        "smtp": {"enabled": True},
        "ftp": {"enabled": True},
        "smb": {"enabled": True, "detection-ports": {"dp": "139, 445"}},
    }
