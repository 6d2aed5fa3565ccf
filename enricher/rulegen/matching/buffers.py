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
from typing import Final

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


def _host(host: bytes) -> bytes:
    """Without its port and in lower case; the engine leaves the case where there was a port."""
    return _PORT.sub(b"", host).lower()


def _protocol(version: bytes) -> bytes:
    return b"HTTP/" + version


def _as_engine(name: bytes) -> bytes:
    """A certificate's name as the engine writes it: ``C=US, O=X, CN=y``, the other way round."""
    return b", ".join(part.strip() for part in reversed(_SUBJECT_PARTS.split(name)))


HEADERS: Final = {"Host": "host", "User-Agent": "user_agent", "Referer": "referrer"}
"""Headers whose values are logged, and in which column."""

BUFFERS: Final[Mapping[str, Buffer]] = {
    "http.method": Buffer("http", "method"),
    "http.uri": Buffer("http", "uri", normalised_uri),
    "http.user_agent": Buffer("http", "user_agent"),
    "http.host": Buffer("http", "host", _host),
    "http.referer": Buffer("http", "referrer"),
    "http.header_names": Buffer("http", "host", exact=False),
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
    if name == "http.header_names":
        return Values.of(frame.select(_header_names()).to_series())
    column = frame[buffer.column]
    if name == "dns.query" and frame["is_answer"].any():
        # The engine looks at queries; Suricata's log has answers as events of their own.
        question = pl.col("is_answer").fill_null(value=False).not_()
        column = frame.select(pl.when(question).then(pl.col("query"))).to_series()
    return Values.of(column.cast(pl.String), buffer.change)


def _header_names() -> pl.Expr:
    """Names of the headers whose values are logged, as the engine lists them."""
    names = [
        pl.when(pl.col(column).is_not_null()).then(pl.lit(f"\r\n{name}")).otherwise(pl.lit(""))
        for name, column in HEADERS.items()
    ]
    return pl.concat_str([*names, pl.lit("\r\n\r\n")])


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
