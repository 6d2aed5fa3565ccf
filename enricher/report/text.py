"""Makes text from logs fit to be shown: to a terminal, on a page, in a plot.

Whoever sends traffic chooses what stands in a log. Escape sequences would reach the terminal,
bidirectional overrides would make ``gpj.exe`` read as ``exe.jpg``, and a megabyte of user agent
would bury everything else. All text of a log goes through :func:`safe` first.
"""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

ELLIPSIS = "…"

# Letters and marks that Unicode counts as printable and that no font shows: the combining
# grapheme joiner, Hangul and Khmer fillers, Mongolian and other variation selectors, blank Braille.
_INVISIBLE = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    ]
)
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
# More marks than this on one letter are a tower over the neighbouring lines, not a language.
_MARKS_ON_A_LETTER = 3
_INT_BITS = 4096


def safe(value: object, limit: int = 80) -> str:
    r"""Text of one line that does to a terminal or a page what it looks like, and nothing else.

    Control characters, escape sequences, line and paragraph separators, bidirectional controls,
    invisible and unassigned characters and lone surrogates are made visible in Python's notation
    (``\x1b``, ``\u202e``). Backslashes stay as they are: what is shown is for people, and no
    parser reads it back. The result is *not* escaped for HTML or for Rich's markup: use
    autoescaping and :class:`rich.text.Text`.

    Args:
        value: Anything; strings and bytes as they are, everything else by ``str``.
        limit: Most characters of the result; what is longer loses its middle.

    Returns:
        At most ``limit`` printable characters (at least one).
    """
    limit = max(1, limit)
    text = _as_text(value, limit)
    if text.isascii() and text.isprintable():
        return _shorten(list(text), limit) if len(text) > limit else text
    return _shorten(_visible(text), limit)


def _as_text(value: object, limit: int) -> str:
    """The value as a string, cut so far that a very long one costs no time."""
    if isinstance(value, bytes | bytearray):
        half = value if len(value) <= 8 * limit else value[: 4 * limit] + value[-4 * limit :]
        text = bytes(half).decode("utf-8", "backslashreplace")
    elif isinstance(value, int) and value.bit_length() > _INT_BITS:
        text = hex(value)  # the interpreter refuses to write very long decimal numbers
    else:
        text = value if isinstance(value, str) else str(value)
    if len(text) > 4 * limit:
        # Both ends are kept whole: no character becomes shorter by being made visible.
        text = text[: 2 * limit] + text[-2 * limit :]
    return text


def _visible(text: str) -> list[str]:
    """Each character of the text as it is to be shown."""
    shown: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        hidden = ord(char) in _INVISIBLE or marks > _MARKS_ON_A_LETTER
        shown.append(char if char.isprintable() and not hidden else _escape(char))
    return shown


def _escape(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if char <= "\xff":
        return f"\\x{ord(char):02x}"
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


def _shorten(pieces: list[str], limit: int) -> str:
    """Join the pieces, leaving out whole ones from the middle until they fit."""
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    room = limit - len(ELLIPSIS)
    head = _take(pieces, (room + 1) // 2)
    tail = _take(pieces[::-1], room - sum(map(len, head)))
    return "".join(head) + ELLIPSIS + "".join(tail[::-1])


def _take(pieces: list[str], room: int) -> list[str]:
    taken: list[str] = []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken


def utc(seconds: float | None, *, precise: bool = False) -> str:
    """A time for people, ``2026-01-31 23:59:58`` in UTC, also where a log's time is absurd.

    Args:
        seconds: Seconds since 1970, or None.
        precise: With microseconds and the zone, as ISO 8601 has it.
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.6g} s"
    if precise:
        return moment.isoformat(timespec="microseconds")
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def count(number: int) -> str:
    """A number of things, with separators: ``1,204,332``."""
    return f"{number:,}"


def things(number: int, singular: str, plural: str | None = None) -> str:
    """A number of named things: ``1 alert``, ``2 alerts``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """A length of time for people: ``0.8 s``, ``2 min 5 s``, ``3 h 20 min``, ``12 d 4 h``."""
    if not math.isfinite(seconds) or seconds < 0:
        return "-"
    minute, hour, day = 60, 3600, 86400
    if seconds < 10:  # noqa: PLR2004 - below ten seconds a tenth matters to the reader
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, smaller, small_name in (
        (day, "d", hour, "h"),
        (hour, "h", minute, "min"),
        (minute, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit:,} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole} s"


def size(number: int) -> str:
    """A number of bytes for people, in powers of 1000: ``12.3 MB``."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(amount) < 999.95 or unit == "TB":  # noqa: PLR2004 - what would print as 1000.0
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:,.1f} {unit}"


def severity_word(severity: int) -> str:
    """The word for a severity of Suricata's scale, where 1 is the highest."""
    return {1: "high", 2: "medium", 3: "low"}.get(severity, "info")


def probability(value: float | None) -> str:
    """A probability or score for people: three digits, small ones as powers of ten."""
    if value is None or not math.isfinite(value):
        return "-"
    if 0 < abs(value) < 0.001:  # noqa: PLR2004 - would print as 0.000
        return f"{value:.0e}"
    return f"{value:.3f}"


def one_in(rate: float | None) -> str:
    """A rate for people: ``1 in 10,000``."""
    if rate is None or not math.isfinite(rate) or rate <= 0:
        return "-"
    return f"1 in {round(1 / rate):,}" if rate < 1 else "every one"
