"""The canonical columns of each kind of record.

Names are Zeek's (https://docs.zeek.org/en/master/logs/index.html). Readers of every format give
frames with exactly these columns in this order, whatever the input had; what is absent is null,
never 0 or ``-``. Suricata's ``flow``, ``http``, ``dns`` and ``tls`` events are mapped to them.
"""

from __future__ import annotations

from typing import TypeAlias

import polars as pl

from enricher.kinds import KINDS, Kind

__all__ = ["KINDS", "PROVENANCE", "SCHEMAS", "Kind", "Schema"]

Schema: TypeAlias = dict[str, pl.DataType]

_STRINGS = pl.List(pl.String())

# Every kind begins with these. ``ts`` is seconds since 1970, UTC. ``community_id`` is what the
# log itself says (https://github.com/corelight/community-id-spec); ``flow_id`` is Suricata's;
# ``sensor`` is the name of the machine that saw it, where the log says so.
_COMMON: Schema = {
    "ts": pl.Float64(),
    "uid": pl.String(),
    "id.orig_h": pl.String(),
    "id.orig_p": pl.Int32(),
    "id.resp_h": pl.String(),
    "id.resp_p": pl.Int32(),
    "community_id": pl.String(),
    "flow_id": pl.Int64(),
    "sensor": pl.String(),
}

_CONN: Schema = {
    "proto": pl.String(),
    "service": pl.String(),
    "duration": pl.Float64(),
    "orig_bytes": pl.Int64(),
    "resp_bytes": pl.Int64(),
    "conn_state": pl.String(),
    "local_orig": pl.Boolean(),
    "local_resp": pl.Boolean(),
    "missed_bytes": pl.Int64(),
    "history": pl.String(),
    "orig_pkts": pl.Int64(),
    "orig_ip_bytes": pl.Int64(),
    "resp_pkts": pl.Int64(),
    "resp_ip_bytes": pl.Int64(),
}

_HTTP: Schema = {
    "trans_depth": pl.Int64(),
    "method": pl.String(),
    "host": pl.String(),
    "uri": pl.String(),
    "referrer": pl.String(),
    "version": pl.String(),
    "user_agent": pl.String(),
    "origin": pl.String(),
    "request_body_len": pl.Int64(),
    "response_body_len": pl.Int64(),
    "status_code": pl.Int32(),
    "status_msg": pl.String(),
    "username": pl.String(),
    "proxied": _STRINGS,
    "orig_mime_types": _STRINGS,
    "resp_mime_types": _STRINGS,
}

_DNS: Schema = {
    "proto": pl.String(),
    "trans_id": pl.Int64(),
    "rtt": pl.Float64(),
    "query": pl.String(),
    "qclass": pl.Int32(),
    "qtype": pl.Int32(),
    "qtype_name": pl.String(),
    "rcode": pl.Int32(),
    "rcode_name": pl.String(),
    "AA": pl.Boolean(),
    "TC": pl.Boolean(),
    "RD": pl.Boolean(),
    "RA": pl.Boolean(),
    "Z": pl.Int64(),
    "answers": _STRINGS,
    "TTLs": pl.List(pl.Float64()),
    "rejected": pl.Boolean(),
    # Suricata writes a query and its answer as two events, Zeek as one record: true on an EVE
    # answer, false on an EVE query, null on a Zeek record, which is both.
    "is_answer": pl.Boolean(),
}

_SSL: Schema = {
    "version": pl.String(),
    "cipher": pl.String(),
    "curve": pl.String(),
    "server_name": pl.String(),
    "resumed": pl.Boolean(),
    "last_alert": pl.String(),
    "next_protocol": pl.String(),
    "established": pl.Boolean(),
    "ssl_history": pl.String(),
    # Certificates the server sent, by fingerprint or file id: only their number is of use.
    "cert_chain": _STRINGS,
    "client_cert_chain": _STRINGS,
    "subject": pl.String(),
    "issuer": pl.String(),
    "validation_status": pl.String(),
    "sni_matches_cert": pl.Boolean(),
    "ja3": pl.String(),
    "ja3s": pl.String(),
    "ja4": pl.String(),
}

SCHEMAS: dict[Kind, Schema] = {
    "conn": {**_COMMON, **_CONN},
    "http": {**_COMMON, **_HTTP},
    "dns": {**_COMMON, **_DNS},
    "ssl": {**_COMMON, **_SSL},
}

# Where a record came from: a file's number (see ``sources``) and its line, counted from 1.
PROVENANCE: Schema = {"_file": pl.UInt32(), "_line": pl.UInt64()}
