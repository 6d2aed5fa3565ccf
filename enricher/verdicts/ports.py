"""Ports as Zeek writes them, out of an EVE event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from communityid import icmp, icmp6

_UNKNOWN = "0/unknown"
_TRANSPORTS = {"TCP": "tcp", "UDP": "udp"}
_MAX_PORT = 65_535
_MAX_ICMP = 255


def ports_of(event: Mapping[str, Any]) -> tuple[str, str]:
    """Ports of originator and responder, such as ``443/tcp``; ``0/unknown`` where not known.

    Zeek keeps the type of an ICMP message in the originator's port. In the responder's stands
    the type of the answer, for messages that have one, and otherwise the code.
    """
    protocol = event.get("proto")
    if protocol == "ICMP":
        return _icmp(event, icmp)
    if protocol == "IPv6-ICMP":
        return _icmp(event, icmp6)
    transport = _TRANSPORTS.get(protocol, "unknown") if isinstance(protocol, str) else "unknown"
    first, second = (_number(event.get(name), _MAX_PORT) for name in ("src_port", "dest_port"))
    return (
        _UNKNOWN if first is None else f"{first}/{transport}",
        _UNKNOWN if second is None else f"{second}/{transport}",
    )


def _icmp(event: Mapping[str, Any], answers: Any) -> tuple[str, str]:
    kind = _number(event.get("icmp_type"), _MAX_ICMP)
    code = _number(event.get("icmp_code"), _MAX_ICMP)
    if kind is None:
        return _UNKNOWN, _UNKNOWN
    _, answer, one_way = answers.get_port_equivalents(kind, code or 0)
    if not one_way:
        return f"{kind}/icmp", f"{answer}/icmp"
    return f"{kind}/icmp", _UNKNOWN if code is None else f"{code}/icmp"


def _number(value: object, most: int) -> int | None:
    return value if type(value) is int and 0 <= value <= most else None
