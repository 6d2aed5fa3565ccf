"""Hostile values made fit for an EVE line: bounded, well formed, or left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from enricher.alerts.flagged import LATEST_TIME

MAX_TEXT_BYTES = 4096
_MAX_PORT = 65_535
_MAX_ADDRESS_CHARACTERS = 45
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


def clean(value: object, limit: int = MAX_TEXT_BYTES) -> str:
    """Any value as well-formed text of at most ``limit`` bytes of UTF-8.

    Control characters stay (JSON escapes them), except NUL, which PostgreSQL's ``jsonb`` refuses:
    it becomes U+FFFD, and so does what is no valid Unicode.
    """
    text = value if isinstance(value, str) else str(value)
    text = text[:limit].replace("\0", "\ufffd")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return data[:limit].decode("utf-8", "ignore") if len(data) > limit else data.decode()


@lru_cache(maxsize=4096)
def address(value: object) -> str | None:
    """An IP address as Suricata writes it (IPv6 in full), or None where it is none.

    Readers group by these fields as text, so ours must be spelled like Suricata's own.
    """
    if not isinstance(value, str) or len(value) > _MAX_ADDRESS_CHARACTERS or "%" in value:
        return None
    try:
        found = ip_address(value)
    except ValueError:
        return None
    return found.exploded if isinstance(found, IPv6Address) else str(found)


def integer(value: object, lowest: int = 0, highest: int = 2**63 - 1) -> int | None:
    """A whole number in its range, or None."""
    if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
        return value
    return None


def port(value: object) -> int | None:
    """A port number, or None."""
    return integer(value, 0, _MAX_PORT)


def protocol_name(value: object) -> str | None:
    """A short plain word such as ``tcp`` or ``http``, or None where it is none."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def timestamp(ts: float) -> str:
    """Seconds UTC as EVE writes them: ``2026-01-01T12:00:00.123456+0000``.

    Neither ``Z`` nor ``+00:00`` is understood by all readers. What is out of the years 1970 to
    9999 is moved to their ends.
    """
    bounded = min(max(ts, 0.0), LATEST_TIME) if ts == ts else 0.0  # noqa: PLR0124 - not a number
    text = datetime.fromtimestamp(bounded, UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "+0000"
