"""How Zeek writes its conn, http, dns and ssl logs, told from their first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import orjson

from enricher.errors import InputError
from enricher.logs import HEAD_BYTES, Kind
from enricher.logs.names import parse_name
from enricher.logs.tsv_header import Header
from enricher.logs.wanted import LogFields, fields_of
from enricher.sources import LogFile, Skipped, discover, open_decompressed

Style: TypeAlias = Literal["TSV", "JSON", "json-streaming"]
Times: TypeAlias = Literal["seconds", "milliseconds", "ISO 8601"]

_MOST_FILES = 2048
_MILLISECONDS_FROM = 1e11
_HEADER_LINES = 64
_NUMBER = re.compile(r"\.\d+(\.|$)")


@dataclass(frozen=True, slots=True)
class Stream:
    """One of Zeek's logs, as it is written.

    Attributes:
        kind: The kind of its records.
        style: How they are written; each record saying its log (``_path``) is ``json-streaming``,
            after the package json-streaming-logs.
        file: The file that was looked at.
        fields: Its fields.
        separator: Between the fields of TSV.
        scope: Between the parts of a name, ``.`` or ``_`` as in ``id_orig_h``; None where no
            name has parts.
        times: How times are written; None where there is no record yet.
        path: Zeek's name of the log, such as ``conn_long``.
    """

    kind: Kind
    style: Style
    file: Path
    fields: LogFields
    separator: bytes
    scope: str | None
    times: Times | None
    path: str | None

    @property
    def is_live(self) -> bool:
        """Whether its name is the one that Zeek writes to."""
        return is_live_name(self.file.name)

    @property
    def is_long(self) -> bool:
        """Whether it has connections that are not over yet."""
        return self.path in {"conn_long", "open_conn"}


@dataclass(frozen=True, slots=True)
class Streams:
    """The logs of a folder.

    Attributes:
        found: One for each kind and way of writing: the one that is written to, else the newest.
        unreadable: Files and folders that could not be read, and why.
    """

    found: tuple[Stream, ...] = ()
    unreadable: tuple[Skipped, ...] = ()


def look_at(folders: Iterable[Path]) -> Streams:
    """Look at the logs in folders, not below them; at the first one that has some."""
    unreadable: list[Skipped] = []
    for folder in folders:
        listed = discover([folder], max_files=_MOST_FILES, max_depth=0)
        unreadable += (one for one in listed.skipped if one.reason in {"unreadable", "damaged"})
        found: dict[tuple[Kind, Style, bool], Stream] = {}
        for file in sorted(listed.files, key=_preference):
            stream = _stream_of(file)
            if stream is not None:
                found.setdefault((stream.kind, stream.style, stream.is_long), stream)
        if found:
            return Streams(tuple(found[key] for key in sorted(found)), tuple(unreadable))
    return Streams((), tuple(unreadable))


def is_live_name(name: str) -> bool:
    """Whether a log of this name is one that is written to: it has no time and no number."""
    parsed = parse_name(name)
    return parsed.day is parsed.clock is None and _NUMBER.search(name) is None


def _preference(file: LogFile) -> tuple[bool, float]:
    """Names that are written to come first, then what was written last."""
    return (not is_live_name(file.path.name), -file.mtime)


def _stream_of(file: LogFile) -> Stream | None:
    """What the file holds; None where it is none of Zeek's, or is gone by now."""
    identity = file.identity
    if identity.kind is None or identity.format == "eve":
        return None
    try:
        head = _head_of(file.path)
    except (InputError, OSError):
        return None
    fields = fields_of(head, identity.format)
    header = _header(head) if identity.format == "tsv" else Header()
    style: Style = "TSV"
    if identity.format == "json":
        style = "json-streaming" if "_path" in fields.names else "JSON"
    scoped = {"_" for name in ("id_orig_h", "id_resp_h") if name in fields.names}
    scope = min(scoped | {"." for name in fields.names if name.startswith("id.")}, default=None)
    time = _first_time(head, header) if identity.format == "tsv" else _first_ts(head)
    return Stream(
        identity.kind, style, file.path, fields, header.separator, scope, time, identity.path
    )


def _head_of(path: Path) -> bytes:
    stream = open_decompressed(path)
    try:
        data = bytearray()
        while len(data) < HEAD_BYTES and (piece := stream.read(HEAD_BYTES - len(data))):
            data += piece
        return bytes(data)
    finally:
        stream.close()


def _header(head: bytes) -> Header:
    header = Header()
    for line in head.split(b"\n", _HEADER_LINES)[:_HEADER_LINES]:
        if not line.startswith(b"#") or header.fields:
            break
        header = header.after(line)
    return header


def _first_time(head: bytes, header: Header) -> Times | None:
    """How the first row of a TSV log writes its time."""
    column = header.column("ts")
    lines = head.split(b"\n", _HEADER_LINES)
    # The last piece may be cut off, or the rest.
    row = next((line for line in lines[:-1] if line and not line.startswith(b"#")), None)
    if row is None or column is None:
        return None
    cells = row.split(header.separator)
    return _times(cells[column].decode("utf-8", "replace")) if column < len(cells) else None


def _first_ts(head: bytes) -> Times | None:
    """How the first record of a JSON log writes its time."""
    for line in head.split(b"\n", _HEADER_LINES)[:_HEADER_LINES]:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(record, dict):
            return _times(record.get("ts"))
    return None


def _times(value: object) -> Times | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return "ISO 8601" if "-" in str(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return "milliseconds" if abs(value) >= _MILLISECONDS_FROM else "seconds"
