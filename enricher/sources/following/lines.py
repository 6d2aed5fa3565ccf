"""What must be known of the lines that were given out: the header in force, the last time."""

from __future__ import annotations

import re

from enricher.errors import NotALogError
from enricher.logs.identify import LogFormat, identify

_NAME = re.compile(rb"#(separator|set_separator|empty_field|unset_field|path|fields|types)(?!\w)")
# Comments and damaged lines that may stand between the last record and the end of a block.
_LINES_LOOKED_AT = 8


def header_after(header: bytes, data: bytes) -> bytes:
    """The ``#`` lines of a TSV log that are in force after ``data``.

    Args:
        header: Those in force before it.
        data: Whole lines.
    """
    if not data.startswith(b"#") and b"\n#" not in data:
        return header
    lines = {_name(line): line for line in header.splitlines(keepends=True)}
    at = 0
    while at >= 0:
        if data.startswith(b"#", at):
            line = data[at : (data.find(b"\n", at) + 1) or len(data)]
            name = _name(line)
            if name == b"separator":
                # A new header begins; nothing of an old one holds any longer.
                lines.clear()
            if name:
                lines[name] = line.rstrip(b"\n") + b"\n"
        found = data.find(b"\n#", at)
        at = found + 1 if found >= 0 else -1
    return b"".join(lines.values())


def _name(line: bytes) -> bytes:
    match = _NAME.match(line)
    return match.group(1) if match else b""


def last_written(log_format: LogFormat, header: bytes, data: bytes, name: str) -> float | None:
    """When the last record of ``data`` was written, as near as it tells; None if none tells."""
    end = len(data)
    for _ in range(_LINES_LOOKED_AT):
        end = end - 1 if data.endswith(b"\n", 0, end) else end
        begin = data.rfind(b"\n", 0, max(end, 0)) + 1
        line = data[begin:end]
        if line.strip() and not line.startswith(b"#"):
            try:
                found = identify(header + line if log_format == "tsv" else line, name)
            except NotALogError:
                pass
            else:
                if found.first_written is not None:
                    return found.first_written
        if begin <= 0:
            return None
        end = begin
    return None
