"""Where scenarios put their records: columns in, frames with Zeek's fields out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from enricher.logs import Kind
from enricher.simulate.packets import tcp_packets, udp_packets

Columns: TypeAlias = "pl.Series | np.ndarray[Any, Any] | Sequence[Any]"
Column: TypeAlias = "Columns | np.generic | str | float | bool | None"

# What Zeek 8 writes, field by field, with its types (docs.zeek.org, log files).
FIELDS: dict[Kind, dict[str, str]] = {
    "conn": {
        "proto": "enum",
        "service": "string",
        "duration": "interval",
        "orig_bytes": "count",
        "resp_bytes": "count",
        "conn_state": "string",
        "local_orig": "bool",
        "local_resp": "bool",
        "missed_bytes": "count",
        "history": "string",
        "orig_pkts": "count",
        "orig_ip_bytes": "count",
        "resp_pkts": "count",
        "resp_ip_bytes": "count",
        "tunnel_parents": "set[string]",
        "ip_proto": "count",
    },
    "dns": {
        "proto": "enum",
        "trans_id": "count",
        "rtt": "interval",
        "query": "string",
        "qclass": "count",
        "qclass_name": "string",
        "qtype": "count",
        "qtype_name": "string",
        "rcode": "count",
        "rcode_name": "string",
        "AA": "bool",
        "TC": "bool",
        "RD": "bool",
        "RA": "bool",
        "Z": "count",
        "answers": "vector[string]",
        "TTLs": "vector[interval]",
        "rejected": "bool",
    },
    "http": {
        "trans_depth": "count",
        "method": "string",
        "host": "string",
        "uri": "string",
        "referrer": "string",
        "version": "string",
        "user_agent": "string",
        "origin": "string",
        "request_body_len": "count",
        "response_body_len": "count",
        "status_code": "count",
        "status_msg": "string",
        "tags": "set[enum]",
        "username": "string",
        "password": "string",
        "proxied": "set[string]",
        "orig_mime_types": "vector[string]",
        "resp_mime_types": "vector[string]",
    },
    "ssl": {
        "version": "string",
        "cipher": "string",
        "curve": "string",
        "server_name": "string",
        "resumed": "bool",
        "last_alert": "string",
        "next_protocol": "string",
        "established": "bool",
        "ssl_history": "string",
        "cert_chain_fps": "vector[string]",
        "client_cert_chain_fps": "vector[string]",
        "sni_matches_cert": "bool",
    },
}
COMMON = {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
}
LABELS = {"label": "string", "detailedlabel": "string"}
_POLARS: dict[str, pl.DataType] = {
    "time": pl.Float64(),
    "interval": pl.Float64(),
    "count": pl.Int64(),
    "port": pl.Int64(),
    "bool": pl.Boolean(),
    "vector[interval]": pl.List(pl.Float64()),
    "vector[string]": pl.List(pl.String()),
    "set[string]": pl.List(pl.String()),
    "set[enum]": pl.List(pl.String()),
}
_IP_PROTO = {"tcp": 6, "udp": 17, "icmp": 1}
_UID_ALPHABET = np.frombuffer(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype="S1"
)
_UID_LENGTH = 17


def zeek_types(kind: Kind) -> dict[str, str]:
    """Every field of a simulated log of ``kind`` with Zeek's type, labels last."""
    return {**COMMON, **FIELDS[kind], **LABELS}


def schema(kind: Kind) -> dict[str, pl.DataType]:
    """The columns of a simulated log of ``kind`` as Polars types."""
    return {name: _POLARS.get(type_, pl.String()) for name, type_ in zeek_types(kind).items()}


class Traffic:
    """The records of one scenario.

    Every column may be given as one value for all records or as one value each.
    """

    def __init__(self, rng: np.random.Generator, network: str, family: str | None) -> None:
        """Collect records of ``family`` (None: benign) seen at a site with prefix ``network``."""
        self._rng = rng
        self._network = network
        self._label = ("Benign", "benign") if family is None else ("Malicious", family)
        self.frames: dict[Kind, list[pl.DataFrame]] = {}

    def conn(
        self,
        *,
        ts: Column,
        orig_h: Column,
        resp_h: Column,
        resp_p: Column,
        proto: str = "tcp",
        service: Column = None,
        duration: Column = None,
        orig_bytes: Column = None,
        resp_bytes: Column = None,
        state: Column = "SF",
        orig_p: Column = None,
    ) -> pl.DataFrame:
        """Add connections; gives their ``ts``, ``uid`` and ``id.*`` for the records within."""
        length = _length(ts, orig_h, resp_h, resp_p, orig_bytes)
        if length == 0:
            return pl.DataFrame(schema={name: schema("conn")[name] for name in COMMON})
        if orig_p is None:
            low, high = (32_768, 61_000) if self._rng.random() < 0.5 else (49_152, 65_536)  # noqa: PLR2004
            orig_p = self._rng.integers(low, high, length)
        columns: dict[str, Column] = {
            "ts": ts,
            "uid": self._uids(length),
            "id.orig_h": orig_h,
            "id.orig_p": orig_p,
            "id.resp_h": resp_h,
            "id.resp_p": resp_p,
            "proto": proto,
            "service": service,
            "duration": duration,
            "orig_bytes": orig_bytes,
            "resp_bytes": resp_bytes,
            "conn_state": state,
            "missed_bytes": 0,
            "ip_proto": _IP_PROTO[proto],
        }
        packets = tcp_packets if proto == "tcp" else udp_packets
        sizes = _frame("conn", {k: columns[k] for k in _SIZES}, length)
        columns.update(packets(self._rng, sizes, tracked=proto != "icmp"))
        frame = _frame("conn", columns, length).with_columns(
            local_orig=pl.col("id.orig_h").str.starts_with(self._network),
            local_resp=pl.col("id.resp_h").str.starts_with(self._network),
        )
        self._keep("conn", frame)
        return frame.select(list(COMMON))

    def add(self, kind: Kind, flows: pl.DataFrame, *, ts: Column = None, **fields: Column) -> None:
        """Add records of a protocol within connections: row i belongs to ``flows[i]``."""
        if flows.height == 0:
            return
        columns: dict[str, Column] = {name: flows[name] for name in COMMON}
        if ts is not None:
            columns["ts"] = ts
        columns.update(fields)
        self._keep(kind, _frame(kind, columns, flows.height))

    def _keep(self, kind: Kind, frame: pl.DataFrame) -> None:
        label, detailed = self._label
        types = zeek_types(kind)
        missing = [
            pl.lit(None, dtype=_POLARS.get(kind_of, pl.String())).alias(name)
            for name, kind_of in types.items()
            if name not in frame.columns
        ]
        frame = frame.with_columns(*missing).with_columns(
            pl.col("ts").round(6), label=pl.lit(label), detailedlabel=pl.lit(detailed)
        )
        self.frames.setdefault(kind, []).append(frame.select(list(types)))

    def _uids(self, number: int) -> pl.Series:
        """Zeek's form: ``C`` and a base-62 number."""
        letters = _UID_ALPHABET[self._rng.integers(0, 62, (number, _UID_LENGTH))]
        joined = np.ascontiguousarray(letters).view(f"S{_UID_LENGTH}").reshape(number)
        return "C" + pl.Series(joined.astype(f"U{_UID_LENGTH}"), dtype=pl.String)


_SIZES = ("proto", "duration", "orig_bytes", "resp_bytes", "conn_state")


def _length(*columns: Column) -> int:
    for column in columns:
        if not isinstance(column, str | float | int | bool | np.generic | None):
            return len(column)
    return 1


def _frame(kind: Kind, columns: dict[str, Column], length: int) -> pl.DataFrame:
    types = {**COMMON, **FIELDS[kind]}
    made = []
    for name, value in columns.items():
        dtype = _POLARS.get(types[name], pl.String())
        if isinstance(value, np.generic):
            value = value.item()  # noqa: PLW2901  # a Python number, as others give it
        if isinstance(value, str | float | int | bool | None):
            series = pl.Series(name, [value], dtype=dtype).new_from_index(0, length)
        elif isinstance(value, pl.Series):
            series = value.cast(dtype).alias(name)
        else:
            series = pl.Series(name, value).cast(dtype)
        if dtype == pl.Float64():
            series = series.fill_nan(None)
        made.append(series)
    return pl.DataFrame(made)
