r"""Values in a rule's text: contents, messages and quoted words.

A rule is one line of UTF-8; an option ends at the first ``;`` that has no backslash before it, and
in a content the engine takes ``\: \; \\ \"`` and hexadecimal between bars (Suricata's manual,
"Payload keywords"). What a log says is written by an attacker. So a content keeps of its bytes only
letters, digits and ``. _ -``; all others become hexadecimal, and no byte is left that could end
an option, begin one, or be read in two ways.
"""

from __future__ import annotations

import re
import string

MAX_CONTENT = 255
"""Bytes of one content; the engine takes at most so many (``DETECT_CONTENT_MAX``)."""
MAX_MESSAGE = 160

_PLAIN = frozenset((string.ascii_letters + string.digits + "._-").encode())
_IN_MESSAGE = frozenset(string.ascii_letters + string.digits + " ._-/")
_ESCAPED = frozenset(b'\\":;')
_LIKE_BYTES = re.compile(rb"[0-9a-fA-F]{4,}")
_QUOTED = re.compile(r'!?\s*"(.*)"', re.DOTALL)


def encode_content(value: bytes) -> str:
    """Bytes as the inside of a quoted content.

    Args:
        value: Any bytes.
    """
    parts: list[str] = []
    run: list[str] = []
    plain = bytearray(byte in _PLAIN for byte in value)
    if not all(plain):
        # Between bars a reader, and a linter, would take these letters for bytes.
        for found in _LIKE_BYTES.finditer(value):
            plain[found.start() : found.end()] = bytes(found.end() - found.start())
    for byte, as_it_is in zip(value, plain, strict=True):
        if as_it_is:
            if run:
                parts.append(f"|{' '.join(run)}|")
                run = []
            parts.append(chr(byte))
        else:
            run.append(f"{byte:02x}")
    if run:
        parts.append(f"|{' '.join(run)}|")
    return "".join(parts)


def decode_content(text: str) -> bytes:
    """The bytes that the inside of a quoted content stands for; the inverse of the engine's reader.

    Raises:
        ValueError: If bars or backslashes are not as the engine wants them.
    """
    out = bytearray()
    data = text.encode()
    place = 0
    while place < len(data):
        byte = data[place]
        if byte == ord("\\"):
            if place + 1 >= len(data) or data[place + 1] not in _ESCAPED:
                raise ValueError('a backslash in a content stands before none of \\ " : ;')
            out.append(data[place + 1])
            place += 2
        elif byte == ord("|"):
            end = data.find(b"|", place + 1)
            if end < 0:
                raise ValueError("a bar in a content is not closed")
            out += bytes.fromhex(data[place + 1 : end].decode())
            place = end + 1
        else:
            out.append(byte)
            place += 1
    return bytes(out)


def quoted(value: str) -> tuple[bool, str]:
    """Whether a value is negated, and what stands between its quotes.

    Raises:
        ValueError: If it is not in quotes.
    """
    found = _QUOTED.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"{value[:80]!a} is not in quotes")
    return value.lstrip().startswith("!"), found.group(1)


def message(words: str) -> str:
    """Words as the inside of a ``msg``; whatever could be read as anything else becomes ``_``."""
    kept = "".join(letter if letter in _IN_MESSAGE else "_" for letter in words)
    return " ".join(kept.split())[:MAX_MESSAGE].rstrip()


def word(value: str) -> str:
    """A value as one word of ``metadata``, with ``_`` for what could be read as anything else."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", value)[:MAX_MESSAGE] or "_"
