r"""Zeek's text format, as its Input framework's ASCII reader takes it.

See "Input Framework" in Zeek's manual. The reader knows one escape, ``\xNN``; it takes a line that
begins with ``#`` for a comment, ``-`` for a value that is absent, and removes a ``\r`` at the end
of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ABSENT = b"-"
_RESERVED = frozenset({b"-", b"(empty)"})
_PLAIN = re.compile(r"[0-9A-Za-z./][\x20-\x5b\x5d-\x7e]*")
"""What most values are: written as they are."""
_ESCAPED = re.compile(rb"[^\x20-\x7e]|\\")


def header(names: Iterable[str]) -> bytes:
    """The first line of a file: the names of its columns."""
    return b"\t".join([b"#fields", *(name.encode() for name in names)]) + b"\n"


def line(values: Iterable[str | None]) -> bytes:
    """A line of a file; None for a value that is absent."""
    return b"\t".join(map(field, values)) + b"\n"


def field(value: str | None) -> bytes:
    """A value as it stands in a line: Zeek reads it back as it was."""
    if not value:
        return ABSENT
    if _PLAIN.fullmatch(value):
        return value.encode()
    data = value.encode("utf-8", "replace")
    text = _ESCAPED.sub(lambda found: _escaped(found.group()), data)
    if data in _RESERVED or data.startswith(b"#"):
        text = _escaped(data) + text[1:]
    return text


def _escaped(data: bytes) -> bytes:
    """The first byte of some, escaped."""
    return b"\\x%02x" % data[0]
