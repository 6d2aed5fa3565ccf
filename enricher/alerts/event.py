"""An alert as a Suricata EVE event, for the tools that read those.

The fields and their order are Suricata's
(https://docs.suricata.io/en/latest/output/eve/eve-json-format.html); its JSON schema allows no
other key at the root, so what is ours stands in ``alert.metadata`` as arrays of strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import orjson

from enricher.alerts.alert import Alert
from enricher.alerts.families import signature_id
from enricher.alerts.flow import Flow, app_proto, flow_id, flow_of
from enricher.alerts.partials import MAX_DESTINATIONS
from enricher.alerts.protocols import BUILDERS, conn_flow
from enricher.alerts.text import clean, integer, timestamp
from enricher.detector.labels import Attack, FamilyLabel

EveVersion = Literal[7, 8]

MAX_REASONS = 10
_MAX_SIGNATURE_BYTES = 256
_MAX_REASON_BYTES = 512
_MAX_EXEMPLARS = 5
_SEVERITY_WORDS = {1: "Critical", 2: "Major", 3: "Minor", 4: "Informational"}


@dataclass(frozen=True, slots=True)
class EventOptions:
    """What the events of a run have in common.

    Attributes:
        eve_version: Suricata version whose format is written, 7 or 8.
        gid: Generator id; one of our own keeps these alerts apart from those of rules.
        rev: Version of the model bundle as a number; the alert's ``rev``.
        model: Name and version of the bundle.
        model_date: Day the bundle was made.
        sensor: Name of the sensor, for ``host``, whatever the records say; empty for theirs.
        in_iface: Name of the interface; empty for none.
        community_id_seed: Seed of the Community ID, the same as in Suricata's settings.
    """

    eve_version: EveVersion = 8
    gid: int = 1001
    rev: int = 1
    model: str = ""
    model_date: date | None = None
    sensor: str = ""
    in_iface: str = ""
    community_id_seed: int = 0


def to_event(alert: Alert, label: FamilyLabel, options: EventOptions) -> dict[str, Any]:
    """Turn an alert into an EVE event; what the record does not have is left out.

    Args:
        alert: The alert; its strongest record gives time, flow and protocol.
        label: What its family is.
        options: What the events of the run have in common.

    Returns:
        An event that is valid against Suricata's EVE schema of ``options.eve_version``.
    """
    detection = alert.strongest
    record, kind = detection.record, detection.kind
    flow = flow_of(kind, record, options.community_id_seed)
    ts = record.get("ts")
    event: dict[str, Any] = {
        "timestamp": timestamp(ts if isinstance(ts, (int, float)) else alert.first_ts),
        "flow_id": flow_id(record, flow),
    }
    if options.in_iface:
        event["in_iface"] = clean(options.in_iface, 64)
    event["event_type"] = "alert"
    event.update(_endpoints(flow))
    if sensor := options.sensor or record.get("sensor"):
        event["host"] = clean(sensor, 256)
    depth = integer(record.get("trans_depth"), 1)
    if depth is not None:
        event["tx_id"] = depth - 1  # Zeek counts from 1, Suricata from 0
    event["alert"] = _alert(alert, label, options)
    application = app_proto(kind, record)
    if application is not None:
        event["app_proto"] = application
    event["direction"] = "to_server"
    if kind == "conn":
        event["flow"] = conn_flow(record)
    else:
        key, build = BUILDERS[kind]
        content = build(record, options.eve_version)
        if content:
            event[key] = content
    return event


# What JSON leaves as it is but a terminal or a careless reader may obey: DEL and the C1 controls,
# the two line separators, and the marks that turn the direction of text.
_UNSAFE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


def render(event: dict[str, Any]) -> bytes:
    """One line of JSON, ``{…}``, without its newline; it has no control characters at all."""
    line = orjson.dumps(event)
    return line if line.isascii() and b"\x7f" not in line else _UNSAFE.sub(_escaped, line)


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match.group().decode())


def _endpoints(flow: Flow) -> dict[str, Any]:
    values = {
        "src_ip": flow.src_ip,
        "src_port": flow.src_port,
        "dest_ip": flow.dest_ip,
        "dest_port": flow.dest_port,
        "proto": flow.protocol,
        "icmp_type": flow.icmp_type,
        "icmp_code": flow.icmp_code,
        "community_id": flow.community_id,
    }
    return {name: value for name, value in values.items() if value is not None}


def _alert(alert: Alert, label: FamilyLabel, options: EventOptions) -> dict[str, Any]:
    return {
        "action": "allowed",
        "gid": options.gid,
        "signature_id": signature_id(label.name, label.category, label.severity),
        "rev": options.rev,
        "signature": clean(f"ENRICHER {label.title}", _MAX_SIGNATURE_BYTES),
        "category": clean(label.category, _MAX_SIGNATURE_BYTES),
        "severity": label.severity,
        "metadata": _metadata(alert, label, options),
    }


def _metadata(alert: Alert, label: FamilyLabel, options: EventOptions) -> dict[str, list[str]]:
    detection = alert.strongest
    many = alert.destinations > MAX_DESTINATIONS
    day = options.model_date.strftime("%Y_%m_%d") if options.model_date else None
    kinds = [f"{kind}:{count}" for kind, count in alert.kinds.items()]
    reasons = [clean(reason.words, _MAX_REASON_BYTES) for reason in alert.reasons[:MAX_REASONS]]
    single: dict[str, str | None] = {
        "alert_id": alert.alert_id,
        "family": label.name,
        "nearest_family": detection.nearest,
        "score": f"{detection.score:.6f}",
        "novelty": f"{detection.novelty:.6g}",
        "p_value": f"{detection.p_value:.6g}",
        "guarantee": "suspended" if alert.suspended else None,
        "model": options.model or None,
        "zeek_uid": detection.record.get("uid"),
        "log_origin": detection.origin,
        "state": None if alert.state == "whole" else alert.state,
        # EveBox files an alert with this away unread: its opening was shown before.
        "evebox-action": "archive" if alert.state == "closing" else None,
        "count": str(alert.count),
        "destinations": f"{MAX_DESTINATIONS}+" if many else str(alert.destinations),
        "first_seen": timestamp(alert.first_ts),
        "last_seen": timestamp(alert.last_ts),
        "created_at": day,
        "updated_at": day,
        "signature_severity": _SEVERITY_WORDS.get(label.severity),
        **_attack("tactic", label.tactic),
        **_attack("technique", label.technique),
    }
    found = {name: [clean(value)] for name, value in single.items() if value}
    if kinds:
        found["log_records"] = kinds
    if reasons:
        found["reasons"] = reasons
    if alert.exemplars:
        nearest = alert.exemplars[:_MAX_EXEMPLARS]
        found["exemplars"] = [clean(place, _MAX_REASON_BYTES) for place in nearest]
    return found


def _attack(what: str, attack: Attack | None) -> dict[str, str | None]:
    """Rule writers join the words of ATT&CK's names with underscores; readers expect it so."""
    if attack is None:
        return {}
    return {f"mitre_{what}_id": attack.id, f"mitre_{what}_name": attack.name.replace(" ", "_")}
