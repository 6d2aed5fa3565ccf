"""HTTP/1 messages from an ``http`` record (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from enricher.rulegen.traffic.values import NotSendableError, field_value, number, target, token

# Bytes of a body that are sent, of however many the log counts.
MOST_BODY = 4096

_HEADERS = (
    ("host", b"Host"),
    ("user_agent", b"User-Agent"),
    ("referrer", b"Referer"),
    ("origin", b"Origin"),
)
_VERSION = re.compile(r"1\.[01]")
_FILLER = b"a"
_NO_CONTENT = frozenset({204, 304})
_FIRST_FINAL = 200


def http_messages(record: Mapping[str, Any]) -> list[tuple[bool, bytes]]:
    """The request, and the response where the record has a status.

    What the engine takes for HTTP is its own matter, here as on the wire: it knows the common
    methods, any other only by the response, and takes ``PRI`` for HTTP/2.

    Raises:
        NotSendableError: If a value cannot stand in its place as it is.
    """
    version = record["version"] or "1.1"
    if _VERSION.fullmatch(version) is None:
        raise NotSendableError(f"HTTP version {version[:20]!r} is not rebuilt, only 1.0 and 1.1")
    method = token(record["method"], "method")
    uri = target(record["uri"], "uri")
    lines = [b"%s %s HTTP/%s" % (method, uri, version.encode())]
    lines += [
        name + b": " + field_value(record[column], column)
        for column, name in _HEADERS
        if record[column] is not None
    ]
    body = _body(record["request_body_len"], "request_body_len")
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    messages = [(True, b"\r\n".join([*lines, b"", body]))]
    if record["status_code"] is not None:
        messages.append((False, _response(record, version, method)))
    return messages


def _response(record: Mapping[str, Any], version: str, method: bytes) -> bytes:
    status = record["status_code"]
    if not 100 <= status <= 999:  # noqa: PLR2004 - three digits
        raise NotSendableError(f"status_code {status} has not three digits")
    reason = field_value(record["status_msg"] or "", "status_msg")
    bare = status < _FIRST_FINAL or status in _NO_CONTENT or method == b"HEAD"
    body = b"" if bare else _body(record["response_body_len"], "response_body_len")
    lines = [b"HTTP/%s %d %s" % (version.encode(), status, reason)]
    if not bare:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def _body(size: int | None, what: str) -> bytes:
    return _FILLER * min(number(size, 1 << 62, what), MOST_BODY)
