"""Suricata's buffers, made of the fields that a log has.

What a buffer holds is said in Suricata's manual ("HTTP Keywords", "DNS Keywords", "SSL/TLS
Keywords", "JA3 and JA4"); what version 7.0.10 puts there was compared with its own (``tests``).
Zeek logs URIs decoded, host names without their port and queries in lower case; what a log does
not tell is taken from no other field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import polars as pl

from enricher.logs import Kind
from enricher.rulegen.matching.uris import normalised_uri
from enricher.rulegen.matching.values import Values

_PORT = re.compile(rb":\d*\Z")
_SUBJECT_PARTS = re.compile(rb"(?<!\\),")


@dataclass(frozen=True, slots=True)
class Buffer:
    """Where a buffer comes from.

    Attributes:
        kind: The kind of record that has it.
        column: The canonical column.
        change: What the engine makes of the column's bytes; None where it leaves them.
        folded: The log has lost the difference of upper and lower case.
        exact: The log has the buffer's bytes as a whole; otherwise parts of it can be found there,
            and its beginning, end and length are not known.
    """

    kind: Kind
    column: str
    change: Callable[[bytes], bytes | None] | None = None
    folded: bool = False
    exact: bool = True


def _without_port(host: bytes) -> bytes:
    return _PORT.sub(b"", host)


def _protocol(version: bytes) -> bytes:
    return b"HTTP/" + version


def _as_engine(name: bytes) -> bytes:
    """A certificate's name as the engine writes it: ``C=US, O=X, CN=y``, the other way round."""
    return b", ".join(part.strip() for part in reversed(_SUBJECT_PARTS.split(name)))


BUFFERS: Final[Mapping[str, Buffer]] = {
    "http.method": Buffer("http", "method"),
    "http.uri": Buffer("http", "uri", normalised_uri),
    "http.user_agent": Buffer("http", "user_agent"),
    "http.host": Buffer("http", "host", _without_port),
    "http.referer": Buffer("http", "referrer"),
    "http.protocol": Buffer("http", "version", _protocol),
    "http.stat_code": Buffer("http", "status_code"),
    "http.stat_msg": Buffer("http", "status_msg"),
    "dns.query": Buffer("dns", "query", folded=True),
    "tls.sni": Buffer("ssl", "server_name"),
    "tls.cert_subject": Buffer("ssl", "subject", _as_engine, exact=False),
    "tls.cert_issuer": Buffer("ssl", "issuer", _as_engine, exact=False),
    "ja3.hash": Buffer("ssl", "ja3"),
    "ja4.hash": Buffer("ssl", "ja4"),
}


def buffer_values(name: str, frame: pl.DataFrame) -> Values:
    """The values of a buffer, by record.

    Args:
        name: A key of :data:`BUFFERS`.
        frame: Records of the buffer's kind.
    """
    buffer = BUFFERS[name]
    column = frame[buffer.column]
    if name != "http.uri":
        if name == "dns.query" and frame["is_answer"].any():
            # The engine looks at queries; Suricata's log has answers as events of their own.
            column = frame.select(
                pl.when(pl.col("is_answer").fill_null(value=False).not_()).then(pl.col("query"))
            ).to_series()
        return Values.of(column.cast(pl.String), buffer.change)
    zeek = frame["flow_id"].is_null()
    own = Values.of(
        frame.select(pl.when(zeek).then(column)).to_series(), partial(normalised_uri, decoded=True)
    )
    other = Values.of(frame.select(pl.when(zeek.not_()).then(column)).to_series(), normalised_uri)
    return joined(own, other)


def joined(first: Values, second: Values) -> Values:
    """Two columns in one; no record has a value in both.

    Args:
        first: Values, by record.
        second: Values of the same records.
    """
    if not second.distinct:
        return first
    known = {value: number for number, value in enumerate(first.distinct)}
    places = [known.setdefault(value, len(known)) for value in second.distinct]
    codes = np.array([*places, -1], dtype=np.int32)[second.codes]
    return Values(list(known), np.where(first.codes >= 0, first.codes, codes))


class Buffers:
    """The buffers of the records of one kind, each made when it is first asked for.

    Args:
        kind: Their kind.
        frame: Their canonical columns.
    """

    def __init__(self, kind: Kind, frame: pl.DataFrame) -> None:
        self.kind = kind
        self.frame = frame
        self._made: dict[str, Values] = {}

    def __len__(self) -> int:
        return self.frame.height

    def __getitem__(self, name: str) -> Values:
        if name not in self._made:
            self._made[name] = buffer_values(name, self.frame)
        return self._made[name]
