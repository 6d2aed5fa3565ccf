"""Alerts of our rules in Suricata's ``eve.json``.

The format is Suricata's
(https://docs.suricata.io/en/latest/output/eve/eve-json-format.html#event-type-alert). What the
detector thinks of an alert's flow stands in ``alert.metadata`` where ``enricher run`` has joined
it in.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import orjson

from enricher.errors import InputError

MAX_LINE = 1024 * 1024
"""Bytes of a line; Suricata writes no longer ones but of packets that are dumped whole."""
_MAX_ADDRESS = 45
"""Characters of an IPv6 address that has an IPv4 address in it."""
_GZIP = b"\x1f\x8b"
_EVENT = ("flow_id", "timestamp", "src_ip", "src_port", "dest_ip", "dest_port", "tx_id", "pcap_cnt")


@dataclass(frozen=True, slots=True)
class Hit:
    """An alert of one of our rules.

    Attributes:
        key: What the event is known by, in whatever file it stands.
        sid: Signature id.
        rev: Revision of the rule that fired.
        at: When, seconds UTC.
        source: Address that the packet came from.
        destination: Address that it went to.
        verdict: What the detector thinks of the flow; None where it was not asked.
    """

    key: str
    sid: int
    rev: int
    at: float
    source: str
    destination: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that looks like an alert and can not be read.

    Attributes:
        file: The file.
        line: Its line, from 1.
        reason: What is wrong.
    """

    file: Path
    line: int
    reason: str


def read_alerts(path: Path, sids: Mapping[int, Any]) -> Iterator[Hit | BadLine]:
    """The alerts of our rules in a file, compressed with gzip or not.

    The last line may be one that Suricata has not finished; it is left for the next time.

    Args:
        path: The file.
        sids: The signature ids that are ours.

    Raises:
        InputError: If it is no file, or can not be opened.
    """
    if not path.is_file():
        raise InputError("is no file; name an eve.json of Suricata", path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            yield from _read(gzip.GzipFile(fileobj=raw) if packed else raw, path, sids)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path) from error


def _read(file: BufferedIOBase, path: Path, sids: Mapping[int, Any]) -> Iterator[Hit | BadLine]:
    number = 0
    try:
        for number, line in enumerate(_lines(file), 1):
            if len(line) > MAX_LINE:
                yield BadLine(path, number, f"it is longer than {MAX_LINE // 1024} KiB")
            elif b'"alert"' in line:  # spares parsing what is no alert
                try:
                    hit = _hit(line, sids)
                except ValueError as error:
                    if line.endswith(b"\n"):
                        yield BadLine(path, number, str(error))
                else:
                    if hit is not None:
                        yield hit
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield BadLine(path, number + 1, f"the rest cannot be unpacked ({error})")


def _lines(file: BufferedIOBase) -> Iterator[bytes]:
    """The lines; of one that is too long the beginning, which is too long still."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def _hit(line: bytes, sids: Mapping[int, Any]) -> Hit | None:
    """The alert of a line; None where it is none of our rules.

    Raises:
        ValueError: If it is no JSON, or an alert without what one has.
    """
    event = orjson.loads(line)
    if not isinstance(event, dict) or event.get("event_type") != "alert":
        return None
    alert = event.get("alert")
    if not isinstance(alert, dict) or alert.get("gid", 1) != 1:
        return None
    sid, rev = alert.get("signature_id"), alert.get("rev")
    if not isinstance(sid, int) or sid not in sids:
        return None
    if not isinstance(rev, int) or isinstance(rev, bool):
        raise ValueError("its rev is no number")  # noqa: TRY004 - all that is wrong is one error
    return Hit(
        key=_key(event, sid, rev),
        sid=sid,
        rev=rev,
        at=_time(event.get("timestamp")),
        source=_address(event.get("src_ip")),
        destination=_address(event.get("dest_ip")),
        verdict=_verdict(alert.get("metadata")),
    )


def _key(event: Mapping[str, Any], sid: int, rev: int) -> str:
    """A digest of what an event says of itself, without what was joined in later."""
    parts = [sid, rev, *(event.get(name) for name in _EVENT)]
    return hashlib.blake2b(orjson.dumps(parts), digest_size=12).hexdigest()


def _time(value: object) -> float:
    try:
        found = datetime.fromisoformat(str(value)[:40])
        seconds = found.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"its timestamp is none: {str(value)[:40]!a}") from error
    if found.tzinfo is None:
        raise ValueError("its timestamp has no time zone")
    return seconds


def _address(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_ADDRESS or not value.isascii():
        raise ValueError("it has no addresses")
    return value if value.isprintable() else ascii(value)[: 2 * _MAX_ADDRESS]


def _verdict(metadata: object) -> str | None:
    values = metadata.get("enricher_verdict") if isinstance(metadata, dict) else None
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return None
