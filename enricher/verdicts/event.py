"""An EVE alert of ours, read back: hostile like everything that is read.

The events are those of :mod:`enricher.alerts.event`. Whatever does not look as they do is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal, TypeAlias

from enricher.alerts import UNKNOWN_FAMILY, check_name
from enricher.logs import KINDS
from enricher.verdicts.ports import ports_of

Address: TypeAlias = IPv4Address | IPv6Address
NotTaken: TypeAlias = Literal["foreign", "closing", "no_addresses"]
"""Why an event is no verdict: it is no alert of ours; it says more of an alert that was there
before; or its flow is not known."""

_ID = re.compile(r"[0-9a-f]{16}")
_UID = re.compile(r"[!-~]{1,64}")
_COMMUNITY_ID = re.compile(r"1:[A-Za-z0-9+/]{27}=")
_MAX_ADDRESS = 45
_MAX_TIME = 40
_LATEST = 253_402_300_799.0
"""The end of the year 9999: later ones can not be written as dates."""
_MAX_SIGNATURE = 256
_MAX_SEVERITY = 255
_KEYS = {"http": "http", "dns": "dns", "tls": "ssl", "flow": "conn"}
_STATES = (None, "opening", "closing")


@dataclass(frozen=True, slots=True)
class Names:
    """What the record says in words; None where it says nothing.

    Attributes:
        host: Host of an HTTP request.
        uri: Its URI.
        user_agent: Its user agent.
        query: Name that was asked for over DNS.
        sni: Name of the server that TLS was begun with.
    """

    host: str | None = None
    uri: str | None = None
    user_agent: str | None = None
    query: str | None = None
    sni: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Zeek is told of one alert.

    Attributes:
        alert_id: Its id.
        ts: Time of its record, seconds UTC.
        uid: Zeek's identifier of the connection.
        orig_h: Address of the originator.
        orig_p: Its port as Zeek writes it, such as ``53/udp``.
        resp_h: Address of the responder.
        resp_p: Its port.
        family: Name of the family, or ``unknown``.
        score: Score of the family.
        p_value: Conformal p-value.
        signature: The alert's title.
        severity: The alert's severity; 1 is the highest.
        kind: Kind of the record.
        community_id: Community ID of the flow.
        suspended: The promise of the p-value does not hold now.
        names: What the record says in words.
    """

    alert_id: str
    ts: float
    uid: str | None
    orig_h: Address
    orig_p: str
    resp_h: Address
    resp_p: str
    family: str
    score: float
    p_value: float
    signature: str
    severity: int
    kind: str | None
    community_id: str | None
    suspended: bool
    names: Names


def read_event(event: object) -> Verdict | NotTaken:
    """The verdict in an event; where there is none, why."""
    try:
        return _verdict(_mapping(event))
    except ValueError:
        return "foreign"


def _verdict(event: Mapping[str, Any]) -> Verdict | NotTaken:
    alert = _mapping(event.get("alert"))
    metadata = _mapping(alert.get("metadata"))
    if event.get("event_type") != "alert" or _only(metadata, "state") not in _STATES:
        raise ValueError
    alert_id, family = _only(metadata, "alert_id"), _only(metadata, "family") or ""
    if not _ID.fullmatch(alert_id or ""):
        raise ValueError
    if family != UNKNOWN_FAMILY:
        check_name(family)
    if _only(metadata, "state") == "closing":
        return "closing"
    orig_h, resp_h = _address(event.get("src_ip")), _address(event.get("dest_ip"))
    ts, score = _time(event.get("timestamp")), _share(metadata, "score")
    p_value, severity = _share(metadata, "p_value"), alert.get("severity")
    signature = alert.get("signature")
    if type(severity) is not int or not 0 <= severity <= _MAX_SEVERITY:
        raise ValueError
    if not isinstance(signature, str) or not 0 < len(signature) <= _MAX_SIGNATURE:
        raise ValueError
    if orig_h is None or resp_h is None:
        return "no_addresses"
    orig_p, resp_p = ports_of(event)
    return Verdict(
        alert_id=alert_id or "",
        ts=ts,
        uid=_matching(_UID, _only(metadata, "zeek_uid")),
        orig_h=orig_h,
        orig_p=orig_p,
        resp_h=resp_h,
        resp_p=resp_p,
        family=family,
        score=score,
        p_value=p_value,
        signature=signature,
        severity=severity,
        kind=_kind(event, metadata),
        community_id=_matching(_COMMUNITY_ID, event.get("community_id")),
        suspended="guarantee" in metadata,
        names=_names(event),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - whatever is wrong, it is none of ours
    return value


def _only(metadata: Mapping[str, Any], name: str) -> str | None:
    """The one value of an array of our metadata; None where there is no array."""
    values = metadata.get(name)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
        raise ValueError
    return values[0]


def _share(metadata: Mapping[str, Any], name: str) -> float:
    found = float((_only(metadata, name) or "")[:32])
    if not 0.0 <= found <= 1.0:
        raise ValueError
    return found


def _time(value: object) -> float:
    if not isinstance(value, str) or len(value) > _MAX_TIME:
        raise ValueError
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError
    ts = found.timestamp()
    if not 0.0 <= ts <= _LATEST:
        raise ValueError
    return ts


def _address(value: object) -> Address | None:
    """An address; one of IPv4 that is written as one of IPv6 is one of IPv4, as Zeek has it."""
    if not isinstance(value, str) or len(value) > _MAX_ADDRESS or "%" in value:
        return None
    try:
        found = ip_address(value)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _kind(event: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    for key, kind in _KEYS.items():
        if key in event:
            return kind
    records = metadata.get("log_records")
    if isinstance(records, list) and len(records) == 1 and isinstance(records[0], str):
        kind = records[0].partition(":")[0]
        return kind if kind in KINDS else None
    return None


def _names(event: Mapping[str, Any]) -> Names:
    http, dns, tls = (_part(event.get(name)) for name in ("http", "dns", "tls"))
    # The name stands in "query" in Suricata's version 2 of the object, in "queries" in version 3.
    asked = dns.get("queries") or dns.get("query")
    question = _part(asked[0]) if isinstance(asked, list) and asked else {}
    return Names(
        host=_text(http.get("hostname")),
        uri=_text(http.get("url")),
        user_agent=_text(http.get("http_user_agent")),
        query=_text(question.get("rrname")),
        sni=_text(tls.get("sni")),
    )


def _part(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
