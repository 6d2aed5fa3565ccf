"""The protocol objects of an EVE alert, from a record's canonical columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from enricher.alerts.text import clean, integer, timestamp
from enricher.logs import Kind

Object = dict[str, Any]
Record = Mapping[str, Any]

MAX_ANSWERS = 20
_DNS_VERSION_8 = 8
_TLS_VERSIONS = {
    "SSLv2": "SSLv2", "SSLv3": "SSLv3", "TLSv10": "TLSv1", "TLSv11": "TLS 1.1",
    "TLSv12": "TLS 1.2", "TLSv13": "TLS 1.3",
}  # fmt: skip
_MAX_TTL = 2**32 - 1


def http(record: Record, _version: int) -> Object:
    """The ``http`` object."""
    version = _text(record, "version")
    if version is not None and not version.upper().startswith("HTTP/"):
        version = clean(f"HTTP/{version}")
    types = record.get("resp_mime_types") or ()
    return _present(
        hostname=_text(record, "host"),
        url=_text(record, "uri"),
        http_user_agent=_text(record, "user_agent"),
        http_content_type=clean(types[0]) if types and types[0] is not None else None,
        http_refer=_text(record, "referrer"),
        http_method=_text(record, "method"),
        protocol=version,
        status=integer(record.get("status_code")),
        length=integer(record.get("response_body_len")),
    )


def tls(record: Record, version: int) -> Object:
    """The ``tls`` object; the application protocol that was agreed on from version 8 on."""
    name = _text(record, "version")
    agreed = _text(record, "next_protocol")
    found = _present(
        subject=_text(record, "subject"),
        issuerdn=_text(record, "issuer"),
        session_resumed=True if record.get("resumed") else None,
        sni=_text(record, "server_name"),
        version=None if name is None else _TLS_VERSIONS.get(name, name),
        ja4=_text(record, "ja4"),
        server_alpns=[agreed] if agreed is not None and version >= _DNS_VERSION_8 else None,
    )
    for key in ("ja3", "ja3s"):
        digest = _text(record, key)
        if digest is not None:
            found[key] = {"hash": digest}
    return found


def dns(record: Record, version: int) -> Object:
    """The ``dns`` object of an alert: version 2 for Suricata 7, version 3 for Suricata 8."""
    return _dns_3(record) if version >= _DNS_VERSION_8 else _dns_2(record)


def conn_flow(record: Record) -> Object:
    """The ``flow`` object, from a connection's record.

    Suricata counts whole packets, so the bytes with headers are taken where the log has them.
    """
    start = record.get("ts")
    found = _present(
        pkts_toserver=integer(record.get("orig_pkts")),
        pkts_toclient=integer(record.get("resp_pkts")),
        bytes_toserver=_first(record, "orig_ip_bytes", "orig_bytes"),
        bytes_toclient=_first(record, "resp_ip_bytes", "resp_bytes"),
    )
    if isinstance(start, float) and math.isfinite(start):
        found["start"] = timestamp(start)
    return found


BUILDERS: dict[Kind, tuple[str, Callable[[Record, int], Object]]] = {
    "http": ("http", http),
    "dns": ("dns", dns),
    "ssl": ("tls", tls),
}
"""Kind -> key of its object in an event, and what makes it (from the record and the version)."""


def _dns_2(record: Record) -> Object:
    question = _present(
        id=integer(record.get("trans_id")),
        rrname=_text(record, "query"),
        rrtype=_text(record, "qtype_name"),
    )
    code = _text(record, "rcode_name")
    found: Object = {"version": 2, "query": [{"type": "query", **question, "tx_id": 0}]}
    if code is not None:
        found["answer"] = {
            "version": 2,
            "type": "answer",
            **question,
            **_present(rd=_true(record, "RD"), ra=_true(record, "RA"), rcode=code),
        }
    answers = _answers(record)
    return {**found, "answers": answers} if answers else found


def _dns_3(record: Record) -> Object:
    found = _present(
        version=3,
        # In version 3 a response has the responder as its source; our source is always the client.
        type="request",
        id=integer(record.get("trans_id")),
        tx_id=0,
        aa=_true(record, "AA"),
        tc=_true(record, "TC"),
        rd=_true(record, "RD"),
        ra=_true(record, "RA"),
        rcode=_text(record, "rcode_name"),
    )
    question = _present(rrname=_text(record, "query"), rrtype=_text(record, "qtype_name"))
    if question:
        found["queries"] = [question]
    answers = _answers(record)
    return {**found, "answers": answers} if answers else found


def _answers(record: Record) -> list[Object]:
    values = record.get("answers") or ()
    ttls = record.get("TTLs") or ()
    found: list[Object] = []
    for place, value in enumerate(values[:MAX_ANSWERS]):
        if value is None:
            continue
        answer: Object = {"rdata": clean(value)}
        ttl = ttls[place] if place < len(ttls) else None
        if isinstance(ttl, (int, float)) and 0 <= ttl <= _MAX_TTL:
            answer["ttl"] = int(ttl)
        found.append(answer)
    return found


def _present(**values: Any) -> Object:
    return {name: value for name, value in values.items() if value is not None}


def _text(record: Record, name: str) -> str | None:
    value = record.get(name)
    return None if value is None or value == "" else clean(value)


def _true(record: Record, name: str) -> bool | None:
    """Suricata writes a flag only where it is set."""
    return True if record.get(name) is True else None


def _first(record: Record, *names: str) -> int | None:
    found = (integer(record.get(name)) for name in names)
    return next((value for value in found if value is not None), None)
