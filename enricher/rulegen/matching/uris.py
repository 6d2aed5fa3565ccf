"""The request URI as Suricata's ``http.uri`` shows it, out of what Zeek logs.

Suricata decodes and normalises (libhtp, set up for an IDS): ``%`` escapes become bytes in path and
query; in the path backslashes become slashes, runs of slashes become one, letters outside Latin 1
become ``?``, and dot segments go, by RFC 3986, section 5.2.4, with libhtp's habit of dropping a
slash that the last dot segment leaves at the end. What is written here was measured with Suricata
7.0.10, whose buffers a test compares. One thing is left out: of a few hundred letters libhtp knows
one in ASCII that looks like them (code page 1252), where this gives ``?``.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))")
_PLAIN_ESCAPE = re.compile(rb"%()([0-9a-fA-F]{2})")
_ABSOLUTE = re.compile(rb"\A[^:]*:(?://[^/?#]*)?")
_SLASHES = re.compile(rb"/{2,}")
_ASCII, _LATIN = 0x80, 0x100
_CONTINUES = 0b10
_LEADS = ((1, 0x00, 0x80), (2, 0xC0, 0xE0), (3, 0xE0, 0xF0), (4, 0xF0, 0xF5))
"""Length of a UTF-8 sequence, and from where to where its first byte lies."""
_HIGHEST_SECOND = {0xED: 0x9F, 0xF4: 0x8F}
"""No surrogate, and nothing beyond Unicode (RFC 3629)."""
_UNTOUCHED = re.compile(rb"(?:/[\w!$&'()*+,;=:@~-][\w!$&'()*+,;=:@~.-]*)+/?(?:\?[^%#]*)?", re.ASCII)


def normalised_uri(target: bytes) -> bytes | None:
    """The ``http.uri`` of a request.

    Args:
        target: The target of the request line. Zeek logs it with its ``%`` escapes decoded; what
            is decoded here is then what is left of them, which is next to nothing.

    Returns:
        The normalised bytes; None where nothing is left, for the engine has no buffer then.
    """
    if _UNTOUCHED.fullmatch(target):
        return target
    if not target.startswith(b"/"):
        target = _ABSOLUTE.sub(b"", target, count=1)
    head, mark, fragment = target.partition(b"#")
    path, question, query = head.partition(b"?")
    path, fragment = _ESCAPE.sub(_letter, path), _ESCAPE.sub(_letter, fragment)
    query = _PLAIN_ESCAPE.sub(_letter, query)
    return (_path(path) + question + query + mark + fragment) or None


def _path(path: bytes) -> bytes:
    path = _best_fit(_SLASHES.sub(b"/", path.replace(b"\\", b"/")))
    return _without_dots(path) if b"." in path else path


def _letter(found: re.Match[bytes]) -> bytes:
    if found.group(2):
        return bytes.fromhex(found.group(2).decode())
    code = int(found.group(1), 16)
    return bytes([code]) if code < _LATIN else b"?"


def _best_fit(path: bytes) -> bytes:
    """UTF-8 as Latin 1, overlong forms too; ``?`` for what does not fit or is no UTF-8."""
    if path.isascii():
        return path
    out, place = bytearray(), 0
    while place < len(path):
        lead = path[place]
        size = next((size for size, low, high in _LEADS if low <= lead < high), 0)
        tail = path[place + 1 : place + size]
        highest = _HIGHEST_SECOND.get(lead, 0xBF)
        good = next((n for n, byte in enumerate(tail) if byte >> 6 != _CONTINUES), len(tail))
        good = 0 if tail and tail[0] > highest else good
        place += 1 + good
        if size == 0 or good < len(tail):
            out += b"?"
        elif len(tail) == size - 1:
            code = lead & (0x7F if size == 1 else 0xFF >> (size + 1))
            for byte in tail:
                code = code << 6 | byte & 0x3F
            out.append(code if code < _LATIN else ord("?"))
    return bytes(out)


def _without_dots(path: bytes) -> bytes:
    """Remove dot segments as libhtp does."""
    out = bytearray()
    place, held = 0, b""
    while place < len(path):
        if not held:
            held, place = path[place : place + 1], place + 1
        rest = path[place : place + 3]
        if held == b".":
            if path[place:] in (b"", b"."):
                break
            if rest.startswith(b"./"):
                held, place = b"", place + 2
                continue
            if rest.startswith(b"/"):
                held, place = b"", place + 1
                continue
        if held == b"/":
            last = place + len(rest) == len(path)
            if rest.startswith(b"./") or (rest == b"." and last):
                place += 2
                continue
            if rest == b"../" or (rest == b".." and last):
                place += 3
                cut = out.rfind(b"/")
                del out[max(cut, 0) :]
                continue
        end = path.find(b"/", place)
        end = len(path) if end < 0 else end
        out += held + path[place:end]
        held, place = b"", end
    return bytes(out)
