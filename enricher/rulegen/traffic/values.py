"""What may stand in which place of a protocol; a value that may not is never changed to fit."""

from __future__ import annotations

import re

from enricher.logs.escapes import to_bytes

# A value up to here was measured to be seen whole by Suricata 7.0.
MOST_BYTES = 64_000

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_URI = re.compile(rb"[\x21-\x7e\x80-\xff]+")
_FIELD = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")


class NotSendableError(Exception):
    """A record that cannot be sent as it is; the message is the reason."""


def token(text: str | None, what: str) -> bytes:
    """A method (RFC 9110, section 5.6.2).

    Raises:
        NotSendableError: If it is none.
    """
    return _checked(_TOKEN, text, what)


def target(text: str | None, what: str) -> bytes:
    """A request's target: no space, nothing that ends the line.

    Raises:
        NotSendableError: If it holds such a byte or is empty.
    """
    return _checked(_URI, text, what)


def field_value(text: str | None, what: str) -> bytes:
    """A header's value (RFC 9110, section 5.5): no space around it, no control character.

    Raises:
        NotSendableError: If it holds such a byte.
    """
    return _checked(_FIELD, text, what)


def number(value: int | None, most: int, what: str, default: int = 0) -> int:
    """A number that fits its place.

    Raises:
        NotSendableError: If it is out of 0..most.
    """
    if value is None:
        return default
    if not 0 <= value <= most:
        raise NotSendableError(f"{what} {value} is out of 0..{most}")
    return value


def _checked(pattern: re.Pattern[bytes], text: str | None, what: str) -> bytes:
    if text is None:
        raise NotSendableError(f"the record has no {what}")
    value = to_bytes(text)
    if len(value) > MOST_BYTES:
        raise NotSendableError(f"{what} is longer than {MOST_BYTES} bytes")
    if pattern.fullmatch(value) is None:
        raise NotSendableError(f"{what} holds bytes that cannot be sent in its place")
    return value
