"""Fields that decide how well a record can be judged, and which of them a log has."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import orjson

from enricher.logs.identify import LogFormat
from enricher.logs.kinds import Kind
from enricher.logs.paths import candidates
from enricher.logs.tsv_header import Header

# Without these fields a record says too little to be judged (names: docs.zeek.org, log files).
WANTED: dict[Kind, tuple[str, ...]] = {
    "conn": ("proto", "duration", "orig_bytes", "resp_bytes", "conn_state", "history"),
    "http": ("method", "host", "uri", "user_agent", "status_code"),
    "dns": ("query", "qtype", "rcode"),
    "ssl": ("version", "cipher", "server_name"),
}

_LINES = 256


@dataclass(frozen=True, slots=True)
class LogFields:
    """The fields that the beginning of a log shows.

    Attributes:
        names: As the log writes them.
        records: So many records they were gathered from; None where a header names all of them.
    """

    names: frozenset[str]
    records: int | None = None


def fields_of(head: bytes, form: LogFormat) -> LogFields:
    """The fields of a log.

    Args:
        head: Its first bytes, not compressed; they may end in the middle of a line.
        form: How its records are written. JSON leaves absent fields out of a record, so that
            only those of the records in ``head`` are known.
    """
    lines = head.split(b"\n", _LINES)[:_LINES]
    return _of_header(lines) if form == "tsv" else _of_records(lines)


def absent(wanted: Iterable[str], names: AbstractSet[str]) -> list[str]:
    """Those of ``wanted`` that a log has under no name that the readers take."""
    return [name for name in wanted if names.isdisjoint(candidates(name))]


def _of_header(lines: Iterable[bytes]) -> LogFields:
    header = Header()
    for line in lines:
        if not line.startswith(b"#") or header.fields:
            break
        header = header.after(line)
    # A last column of several names joined by spaces is seen in labelled logs.
    return LogFields(frozenset((*header.fields[:-1], *header.joined, *header.fields[-1:])))


def _of_records(lines: Iterable[bytes]) -> LogFields:
    names: set[str] = set()
    records = 0
    for line in lines:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(record, dict):
            names.update(record)
            records += 1
    return LogFields(frozenset(names), records)
