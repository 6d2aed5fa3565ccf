"""What a site's Zeek script says: what it loads and which options it sets.

Only plain statements are understood, ``@load NAME`` and ``redef NAME = VALUE;``. Conditions
(``@if``) are not evaluated: what stands in one counts as if it held.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

_LOAD = re.compile(r"\s*@load[ \t]+([^ \t\r\n]+)")
_REDEF = re.compile(r"\bredef\s+([A-Za-z_][\w:]{0,255})\s*=\s*")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
# A comment ends the line, unless the mark stands in text between quotation marks.
# Text that is not ended goes to the end of its line: everything is looked at once.
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*"?)|#[^\n]*')
_INTERVAL = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(usec|msec|sec|min|hr|day)s?")
_SECONDS = {"usec": 1e-6, "msec": 1e-3, "sec": 1.0, "min": 60.0, "hr": 3600.0, "day": 86_400.0}
_LONGEST_VALUE = 4096
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Script:
    """What a script says.

    Attributes:
        loads: What it loads, in its order.
        options: Values of the options that it sets: text without its quotation marks, the rest as
            it is written.
    """

    loads: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)


def read_script(data: bytes) -> Script:
    """Read a script; of whatever bytes."""
    text = os.fsdecode(data)
    bare = _COMMENT.sub(lambda match: match[1] or "", text)
    loads = [found[1] for line in text.split("\n") if (found := _LOAD.match(line))]
    options: dict[str, str] = {}
    for found in _REDEF.finditer(bare):
        value = _value(bare, found.end())
        if value is not None and len(options) < _MOST:
            options[found[1]] = value
    return Script(tuple(loads[:_MOST]), options)


def seconds_of(interval: str | None) -> float | None:
    """An interval as Zeek writes it, such as ``1hr`` or ``90 secs``, in seconds."""
    found = _INTERVAL.fullmatch(interval.strip()) if interval else None
    return None if found is None else float(found[1]) * _SECONDS[found[2]]


def _value(text: str, start: int) -> str | None:
    if quoted := _STRING.match(text, start):
        value = _ESCAPED.sub(r"\1", quoted[1])
        return None if len(value) > _LONGEST_VALUE or "\0" in value else value
    end = text.find(";", start, start + _LONGEST_VALUE)
    return None if end < 0 else text[start:end].strip()
