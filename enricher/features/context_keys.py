"""What the context sees of a record: keys, items, time, size, outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.features.arrow import StringColumn
from enricher.features.columns import Columns
from enricher.features.names_kernel import name_parts
from enricher.features.strings import HashArray, combine, hash_strings
from enricher.logs import Kind

# Connections that the other side did not take, or that broke off before data could flow
# (https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html, conn_state).
FAILED_STATES = ("S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR")
_CLIENT_ERROR = 400
# Seconds beyond which a time is no time: thirty thousand years.
_FARTHEST = 1e12


@dataclass(frozen=True, slots=True)
class Observed:
    """N records as the context kernel takes them; see its arguments."""

    keys: tuple[HashArray, HashArray, HashArray]
    items: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    outcome: npt.NDArray[np.float64]
    counted: npt.NDArray[np.bool_]


def _items(first: HashArray, second: HashArray) -> npt.NDArray[np.uint64]:
    """uint64 [N, 2], mixed so that their low bits can be used."""
    pairs = np.empty((first.shape[0], 2), np.uint64)
    salt = np.zeros(first.shape[0], np.uint64)
    pairs[:, 0] = combine(first, salt)
    pairs[:, 1] = combine(second, salt)
    return pairs


def _outcome(columns: Columns, failed: pl.Expr) -> npt.NDArray[np.float64]:
    """1 where the expression holds, 0 where not, -1 where it is null."""
    series = columns.frame.select(failed.cast(pl.Float64()).fill_null(-1.0)).to_series()
    return np.array(series.to_numpy(), dtype=np.float64)


def _log(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.log1p(np.maximum(values, 0.0)))


def _times(columns: Columns) -> npt.NDArray[np.float64]:
    return np.clip(np.nan_to_num(columns.numbers("ts")), -_FARTHEST, _FARTHEST)


def _first(columns: Columns, wanted: str, otherwise: str) -> HashArray:
    """Hashes of one column, and of another where that is absent."""
    absent = columns.strings(wanted).lengths < 0
    return np.where(absent, columns.hashes(otherwise), columns.hashes(wanted))


def _zone_hashes(columns: Columns, name: str) -> HashArray:
    names = columns.strings(name)
    zone, _, end = name_parts(names.addresses, names.lengths)
    lengths = np.where(names.lengths < 0, names.lengths, end - zone)
    return hash_strings(StringColumn(names.addresses + zone, lengths))


def _conn(columns: Columns) -> Observed:
    source, host = columns.hashes("id.orig_h"), columns.hashes("id.resp_h")
    port = combine(columns.number_hashes("id.resp_p"), columns.hashes("proto"))
    sent = columns.numbers("orig_bytes")
    start = _times(columns)
    return Observed(
        keys=(source, combine(combine(source, host), port), host),
        items=(
            _items(host, port),
            _items(columns.hashes("history"), columns.number_hashes("orig_bytes")),
            _items(source, port),
        ),
        start=start,
        end=start + np.clip(np.nan_to_num(columns.numbers("duration")), 0.0, _FARTHEST),
        size=_log(sent),
        outcome=_outcome(columns, pl.col("conn_state").is_in(FAILED_STATES)),
        counted=np.ones(len(columns), np.bool_),
    )


def _http(columns: Columns) -> Observed:
    source, site = columns.hashes("id.orig_h"), _first(columns, "host", "id.resp_h")
    request = combine(columns.hashes("uri"), columns.hashes("method"))
    start = _times(columns)
    return Observed(
        keys=(source, combine(source, site), site),
        items=(
            _items(request, site),
            _items(request, columns.hashes("user_agent")),
            _items(source, request),
        ),
        start=start,
        end=start,
        size=_log(columns.numbers("response_body_len")),
        outcome=_outcome(columns, pl.col("status_code") >= _CLIENT_ERROR),
        counted=np.ones(len(columns), np.bool_),
    )


def _dns(columns: Columns) -> Observed:
    source, query = columns.hashes("id.orig_h"), columns.hashes("query")
    zone = _zone_hashes(columns, "query")
    lengths = columns.strings("query").lengths.astype(np.float64)
    asked = (columns.frame["is_answer"].fill_null(value=False) == False).to_numpy()  # noqa: E712
    start = _times(columns)
    return Observed(
        keys=(source, combine(source, zone), zone),
        items=(
            _items(query, zone),
            _items(query, columns.number_hashes("qtype")),
            _items(query, source),
        ),
        start=start,
        end=start,
        # An answer repeats its query: one size for each request.
        size=np.where(asked & (lengths >= 0), _log(lengths), np.nan),
        outcome=_outcome(columns, pl.col("rcode") != 0),
        counted=asked,
    )


def _ssl(columns: Columns) -> Observed:
    source, server = columns.hashes("id.orig_h"), _first(columns, "server_name", "id.resp_h")
    client = combine(columns.hashes("ja3"), columns.hashes("ja4"))
    start = _times(columns)
    return Observed(
        keys=(source, combine(source, server), server),
        items=(
            _items(server, client),
            _items(client, columns.hashes("id.resp_h")),
            _items(source, client),
        ),
        start=start,
        end=start,
        size=np.full(len(columns), np.nan),
        outcome=_outcome(columns, ~pl.col("established")),
        counted=np.ones(len(columns), np.bool_),
    )


_OBSERVERS: dict[Kind, Callable[[Columns], Observed]] = {
    "conn": _conn,
    "http": _http,
    "dns": _dns,
    "ssl": _ssl,
}


def observe(kind: Kind, columns: Columns) -> Observed:
    """What the context sees of the records."""
    return _OBSERVERS[kind](columns)
