"""What is read of Suricata's events, as it stands in them (Suricata manual, 'EVE JSON Format')."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from enricher.logs.kinds import Kind, Schema

EVENTS: dict[str, Kind] = {"flow": "conn", "http": "http", "dns": "dns", "tls": "ssl"}

_TEXTS = pl.List(pl.String())
_HASH = pl.Struct({"hash": pl.String()})
# What answers are grouped by, where they are not listed one by one.
GROUPS = ("A", "AAAA", "CNAME", "NS", "PTR", "MX", "TXT", "NULL")

COMMON: Schema = {
    "timestamp": pl.String(),
    "event_type": pl.String(),
    "flow_id": pl.Int64(),
    "community_id": pl.String(),
    "src_ip": pl.String(),
    "src_port": pl.Int32(),
    "dest_ip": pl.String(),
    "dest_port": pl.Int32(),
    "proto": pl.String(),
    "host": pl.String(),
}

FLOW: Schema = {
    "app_proto": pl.String(),
    "icmp_type": pl.Int32(),
    "icmp_code": pl.Int32(),
    "flow": pl.Struct(
        {
            "pkts_toserver": pl.Int64(),
            "pkts_toclient": pl.Int64(),
            "bytes_toserver": pl.Int64(),
            "bytes_toclient": pl.Int64(),
            "start": pl.String(),
            "end": pl.String(),
            "state": pl.String(),
        }
    ),
    "tcp": pl.Struct({"tcp_flags_ts": pl.String(), "tcp_flags_tc": pl.String()}),
}

HTTP: Schema = {
    "tx_id": pl.Int64(),
    "http": pl.Struct(
        {
            "hostname": pl.String(),
            "url": pl.String(),
            "http_user_agent": pl.String(),
            "http_refer": pl.String(),
            "http_content_type": pl.String(),
            "http_method": pl.String(),
            "protocol": pl.String(),
            "version": pl.String(),
            "status": pl.Int32(),
            "length": pl.Int64(),
        }
    ),
}

_ANSWER: Schema = {"rdata": pl.String(), "ttl": pl.Float64()}
_RARE_ANSWER: Schema = {
    "soa": pl.Struct({"mname": pl.String()}),
    "srv": pl.Struct({"name": pl.String()}),
}
_DNS: Schema = {
    "type": pl.String(),
    "id": pl.Int64(),
    "flags": pl.String(),
    "aa": pl.Boolean(),
    "tc": pl.Boolean(),
    "rd": pl.Boolean(),
    "ra": pl.Boolean(),
    "rrname": pl.String(),
    "rrtype": pl.String(),
    "rcode": pl.String(),
}
_RARE_DNS: Schema = {
    "queries": pl.List(pl.Struct({"rrname": pl.String(), "rrtype": pl.String()})),
    "grouped": pl.Struct(dict.fromkeys(GROUPS, _TEXTS)),
}
RARE = (*_RARE_ANSWER, *_RARE_DNS)
"""Parts that many events lack. Looking for them takes Polars longer than all the rest."""


def dns(rare: Collection[str]) -> Schema:
    """What is read of a ``dns`` event, of the rare parts only some."""
    answer = _ANSWER | {name: kind for name, kind in _RARE_ANSWER.items() if name in rare}
    fields = _DNS | {"answers": pl.List(pl.Struct(answer))}
    return {
        "dns": pl.Struct(fields | {n: kind for n, kind in _RARE_DNS.items() if n in rare}),
    }


DNS: Schema = dns(RARE)

TLS: Schema = {
    "tls": pl.Struct(
        {
            "subject": pl.String(),
            "issuerdn": pl.String(),
            "fingerprint": pl.String(),
            "chain": _TEXTS,
            "sni": pl.String(),
            "version": pl.String(),
            "session_resumed": pl.Boolean(),
            "server_alpns": _TEXTS,
            "ja3": _HASH,
            "ja3s": _HASH,
            "ja4": pl.String(),
        }
    ),
}

RAW: dict[str, Schema] = {
    "flow": {**COMMON, **FLOW},
    "http": {**COMMON, **HTTP},
    "dns": {**COMMON, **DNS},
    "tls": {**COMMON, **TLS},
}
ALL: Schema = {**COMMON, **FLOW, **HTTP, **DNS, **TLS}
