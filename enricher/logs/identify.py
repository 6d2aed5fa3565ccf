"""Tells which format and kind of log a file holds, from its first bytes.

Names lie: archives are renamed, a ``.log`` may hold JSON or TSV, and Zeek's JSON does not say of
which log it is. So content decides, and the name is asked where content leaves it open.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import orjson

from enricher.errors import NotALogError
from enricher.logs.kinds import KINDS, Kind
from enricher.logs.names import ZEEK_PATHS, is_companion, parse_name

LogFormat: TypeAlias = Literal["tsv", "json", "eve"]

# Bytes of a file (not compressed) that are enough to identify it.
HEAD_BYTES = 64 * 1024

_LINES_LOOKED_AT = 64
_RECORDS_LOOKED_AT = 8
# Epoch seconds pass this in the year 5138, epoch milliseconds passed it in 1973.
_MILLISECONDS_FROM = 1e11

_SAFE_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_SEPARATOR = re.compile(rb"^#separator[ \t]+(\S+)", re.MULTILINE)
_HEADER = re.compile(rb"^#(fields|separator)[^\w]", re.MULTILINE)
_MEMBER = re.compile(rb'"([A-Za-z_][A-Za-z0-9_.]{0,63})"\s?:\s?(?:"([^"\\]{0,64})")?')

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap); run Zeek or Suricata on it first"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap); run Zeek or Suricata on it first"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture (pcap); run Zeek or Suricata on it first"),
    (b"\xa1\xb2\x3c\x4d", "a packet capture (pcap); run Zeek or Suricata on it first"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng); run Zeek or Suricata on it first"),
    (b"\x1f\x8b", "compressed twice; decompress it once"),
    (b"BZh", "compressed with bzip2; decompress it first"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe", "text in UTF-16; convert it to UTF-8"),
    (b"\xfe\xff", "text in UTF-16; convert it to UTF-8"),
    (b"\xef\xbb\xbf", "text with a byte-order mark in front; save it without one"),
)
_MAGICS = tuple(magic for magic, _ in _MAGIC)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """What a file holds.

    Attributes:
        format: How records are written: Zeek's TSV, Zeek's JSON, or Suricata's EVE.
        kind: The kind of all its records; None for EVE (events of many kinds) and for logs that
            are not read (``x509``, ``weird`` …).
        path: Zeek's name of the log: ``conn``, ``conn_long``, ``open_conn`` …; None where nobody
            says, and for EVE.
        first_ts: Time of the first record, seconds since 1970 UTC; None where there is none yet.
        first_written: When that record was written, as near as it tells: the end of the
            connection for a connection, ``first_ts`` for the rest. Files follow each other in
            this order even where a file begins with a connection of many hours.
    """

    format: LogFormat
    kind: Kind | None
    path: str | None
    first_ts: float | None
    first_written: float | None = None


def identify(head: bytes, name: str) -> LogIdentity:
    """Tell a log's format and kind.

    Args:
        head: The first bytes of the file, not compressed: :data:`HEAD_BYTES` of them are enough.
            They may end in the middle of a line.
        name: The file's name, or path.

    Raises:
        NotALogError: If this is no Zeek or Suricata log; the message says what it is.
    """
    base = name.rsplit("/", 1)[-1]
    if is_companion(base):
        raise NotALogError("is kept by Zeek beside its logs, but holds no records", name)
    if head.startswith(_MAGICS):
        what = next(what for magic, what in _MAGIC if head.startswith(magic))
        raise NotALogError(f"is no log but {what}", name)
    start = head.lstrip()
    if not start:
        raise NotALogError("is empty", name)
    if start.startswith(b"#") and _HEADER.search(head):
        return _identify_tsv(head, base)
    if start.startswith(b"{"):
        return _identify_json(head, name)
    if _CONTROL.search(head, 0, 1024):
        raise NotALogError("is no log but binary data", name)
    raise NotALogError(
        "is text, but no log: neither Zeek's '#fields' header nor JSON records are in it", name
    )


def kind_of_fields(fields: AbstractSet[str]) -> Kind | None:
    """The kind whose records have such fields, if they are enough to tell."""
    if "conn_state" in fields or ("proto" in fields and fields & _CONN):
        return "conn"
    if fields & _SIP_OR_SMTP:
        return None
    if fields & _HTTP and fields & {"trans_depth", "method", "status_code", "host", "uri"}:
        return "http"
    if len(fields & _DNS) >= 2:  # noqa: PLR2004 - one name alone is used by other logs too
        return "dns"
    if "ssl_history" in fields or len(fields & _SSL) >= 2:  # noqa: PLR2004 - likewise
        return "ssl"
    return None


_CONN = frozenset({"orig_bytes", "orig_pkts", "orig_ip_bytes", "missed_bytes"})
# Both have fields of HTTP.
_SIP_OR_SMTP = frozenset({"call_id", "request_path", "response_path", "seq", "helo", "mailfrom"})
_HTTP = frozenset({"request_body_len", "response_body_len", "method", "resp_mime_types"})
_DNS = frozenset({"trans_id", "query", "qtype", "qtype_name", "rcode", "rcode_name", "AA", "RD"})
_SSL = frozenset({"cipher", "curve", "server_name", "resumed", "established", "next_protocol"})
# Records of these logs are connections, some of them a second time.
_CONNECTIONS = frozenset({"conn_long", "open_conn"})


def _kind(path: str | None, fields: AbstractSet[str]) -> Kind | None:
    """Fields decide; a log that Zeek names as another kind stays another kind."""
    found = kind_of_fields(fields)
    if path is None:
        return found
    if path in _CONNECTIONS:
        return "conn"
    if path in KINDS:
        return found or path
    return None if path in ZEEK_PATHS else found


def _identify_tsv(head: bytes, base: str) -> LogIdentity:
    separator = _separator(head)
    lines = head.split(b"\n", _LINES_LOOKED_AT)
    if len(lines) > _LINES_LOOKED_AT or len(head) >= HEAD_BYTES:
        lines.pop()  # it is the rest, or may be cut off
    path: str | None = None
    fields: tuple[str, ...] = ()
    names: AbstractSet[str] = frozenset()
    first: list[bytes] | None = None
    for line in lines:
        if line.startswith(b"#fields"):
            fields, names = _field_names(line.rstrip(b"\r"), separator) or (fields, names)
        elif line.startswith(b"#path"):
            cells = line.rstrip(b"\r").split(separator)
            if cells[0] == b"#path" and len(cells) > 1:
                path = _safe(cells[1].decode("ascii", "replace"))
        elif not line.startswith(b"#"):
            cells = line.rstrip(b"\r").split(separator)
            if cells[0]:
                first = cells
                break
    if path is None:
        path = parse_name(base).path
    kind = _kind(path, names)
    row = dict(zip(fields, first, strict=False)) if first else {}
    ts = seconds(row.get("ts", b"").decode("ascii", "replace"))
    return LogIdentity("tsv", kind, path, ts, _written(kind, ts, row.get("duration")))


@lru_cache(maxsize=64)
def _field_names(line: bytes, separator: bytes) -> tuple[tuple[str, ...], frozenset[str]] | None:
    """The columns that a ``#fields`` line names, and all names in them; None if it is no such.

    Remembered, for the logs of a directory tend to have the same.
    """
    name, *cells = line.split(separator)
    if name != b"#fields":
        return None
    fields = tuple(cell.decode("utf-8", "replace") for cell in cells)
    # A last column of several names joined by spaces is seen in labelled logs.
    return fields, frozenset(word for field in fields for word in field.split())


def _separator(head: bytes) -> bytes:
    r"""The field separator, which the header gives as ``\x09``."""
    match = _SEPARATOR.search(head)
    if match is None:
        return b"\t"
    text = match.group(1)
    if text.startswith(b"\\x"):
        try:
            return bytes.fromhex(text[2:].replace(b"\\x", b"").decode("ascii")) or b"\t"
        except ValueError:
            return b"\t"
    return text


def _identify_json(head: bytes, name: str) -> LogIdentity:
    records = list(_records(head))
    if not records:
        raise NotALogError("begins like JSON, but no line of it is a JSON object", name)
    first = records[0]
    if "event_type" in first and "timestamp" in first:
        ts = seconds(first["timestamp"])
        return LogIdentity("eve", None, None, ts, ts)
    keys = {key for record in records for key in record}
    declared = first.get("_path")
    path = _safe(declared) if isinstance(declared, str) else None
    if path is None:
        path = parse_name(name.rsplit("/", 1)[-1]).path
        # Content overrules a name that belongs to another log.
        if (found := kind_of_fields(keys)) and path not in (found, *_CONNECTIONS):
            path = found
    looks_like_zeek = keys & {"_path", "uid", "fuid", "id.orig_h", "id_orig_h"}
    if not looks_like_zeek and (path is None or not ("ts" in keys or path == "loaded_scripts")):
        raise NotALogError("is JSON, but neither Zeek's nor Suricata's (EVE)", name)
    kind = _kind(path, keys)
    ts = seconds(first.get("ts"))
    return LogIdentity("json", kind, path, ts, _written(kind, ts, first.get("duration")))


def _records(head: bytes) -> Iterator[dict[str, Any]]:
    """The first JSON objects, one a line; of a single line that is cut off, what is there."""
    lines = head.split(b"\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT]
    found = 0
    for line in lines:
        if not line.lstrip().startswith(b"{"):
            continue
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if record:
            yield record
            found += 1
        if found == _RECORDS_LOOKED_AT:
            return
    if not found and len(head) >= HEAD_BYTES and b"\n" not in head.lstrip():
        members = {
            key.decode(): value.decode("utf-8", "replace")
            for key, value in reversed(_MEMBER.findall(head))
        }
        if members:
            yield members


def _written(kind: Kind | None, ts: float | None, duration: object) -> float | None:
    if kind != "conn" or ts is None:
        return ts
    text = duration.decode("ascii", "replace") if isinstance(duration, bytes) else duration
    length = seconds(text)
    return ts if length is None else ts + max(length, 0.0)


def _safe(path: str) -> str | None:
    """A declared name, if it is one that Zeek could have: it is shown and compared later."""
    return path if _SAFE_PATH.fullmatch(path) else None


def seconds(value: object) -> float | None:
    """A time as logs write it (epoch seconds or milliseconds, ISO 8601) in seconds since 1970.

    Anything else gives None. A time without a zone is UTC.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _iso_seconds(str(value))
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    if abs(value) >= _MILLISECONDS_FROM:
        value /= 1000.0
    return float(value) if abs(value) < _MILLISECONDS_FROM else None


def _iso_seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
