"""Lines of JSON -> columns of a fixed schema, whatever the lines hold.

Polars reads whole blocks, and refuses all of a block for one value that is not of its type. Then
each line is looked at, only the refused ones are written anew or rejected, and Polars reads the
rest again. So a line reads the same whichever lines stand around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson
import polars as pl

from enricher.logs.conform import MisfitError, conformed, well_formed
from enricher.logs.kinds import Schema
from enricher.logs.lines import Lines, Positions, Repairs, occurrences

_BLANK = b" \t\r\x0b\x0c"


@dataclass(slots=True)
class Parsed:
    """What came out of some lines.

    Attributes:
        frame: One row a good line, columns as in the schema.
        index: Indexes of those lines.
        bad: Index, reason and detail of the others; empty lines are neither.
    """

    frame: pl.DataFrame
    index: Positions
    bad: list[tuple[int, str, str]] = field(default_factory=list)


def attempt(data: bytes, schema: Schema) -> Parsed | None:
    """Read lines that are all good; None if one may not be.

    Args:
        data: Valid UTF-8 without NUL, ended by a newline.
        schema: Keys to read, and their types.
    """
    if _may_have_surrogates(data):
        return None
    frame = _frame(data, schema)
    if frame is None:
        return None
    if frame.height == occurrences(data, b"\n"):
        return Parsed(frame, np.arange(frame.height, dtype=np.int64))
    index = np.flatnonzero(filled(Lines.of(data)))
    return Parsed(frame, index) if len(index) == frame.height else None


def _may_have_surrogates(data: bytes) -> bool:
    """Whether there may be half of a surrogate pair, which Polars reads as NUL."""
    if b"\\" not in data:
        return False
    array = np.frombuffer(data, np.uint8)
    slash = np.flatnonzero(array[:-2] == ord("\\"))
    slash = slash[array[slash + 1] == ord("u")]
    return bool(np.isin(array[slash + 2], [ord("d"), ord("D")]).any())


def filled(lines: Lines) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which lines hold more than white space."""
    found = lines.ends > lines.starts
    doubtful = found & np.isin(lines.first_bytes(), list(_BLANK))
    for index in np.flatnonzero(doubtful).tolist():
        found[index] = bool(lines.line(index).strip())
    return found


def parse(data: bytes, schema: Schema, repairs: Repairs, lines: Positions | None = None) -> Parsed:
    """Read lines, the bad ones one by one.

    Args:
        data: Valid UTF-8 without NUL, ended by a newline.
        schema: Keys to read, and their types.
        repairs: Takes a note of repaired lines.
        lines: Numbers to note repaired lines by; their indexes if it is not given.
    """
    found = attempt(data, schema)
    return found or _Careful(schema, repairs, lines).parse(data)


class _Careful:
    """Reads lines of which some are bad."""

    def __init__(self, schema: Schema, repairs: Repairs, numbers: Positions | None) -> None:
        self._schema = schema
        self._typed = {name: dtype for name, dtype in schema.items() if dtype != pl.String}
        self._repairs = repairs
        self._numbers = numbers
        self._frames: list[pl.DataFrame] = []
        self._rows: list[int] = []
        self._bad: list[tuple[int, str, str]] = []
        self._notes: dict[str, list[int]] = {}

    def parse(self, data: bytes) -> Parsed:
        good = [
            (index, kept)
            for index, line in enumerate(data.split(b"\n"))
            if line.strip()
            and (kept := line if self._is_good(line) else self._anew(index, line)) is not None
        ]
        self._read(good)
        for reason, indexes in self._notes.items():
            found = np.array(indexes, np.int64)
            self._repairs.note(reason, found if self._numbers is None else self._numbers[found])
        frame = pl.concat(self._frames) if self._frames else pl.DataFrame(schema=self._schema)
        return Parsed(frame, np.array(self._rows, np.int64), sorted(self._bad))

    def _is_good(self, line: bytes) -> bool:
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            return False
        return well_formed(record, self._typed)

    def _anew(self, index: int, line: bytes) -> bytes | None:
        try:
            anew, repaired = conformed(line, self._schema)
        except MisfitError as error:
            self._bad.append((index, error.reason, error.detail))
            return None
        for reason in repaired:
            self._notes.setdefault(reason, []).append(index)
        return anew

    def _read(self, lines: Sequence[tuple[int, bytes]]) -> None:
        """Read lines that look good; halve them where Polars thinks otherwise."""
        if not lines:
            return
        frame = _frame(b"\n".join(line for _, line in lines) + b"\n", self._schema)
        if frame is not None and frame.height == len(lines):
            self._frames.append(frame)
            self._rows += [index for index, _ in lines]
            return
        if len(lines) > 1:
            middle = len(lines) // 2
            self._read(lines[:middle])
            self._read(lines[middle:])
            return
        index, line = lines[0]
        anew = self._anew(index, line)
        if anew is None:
            return
        frame = None if anew == line else _frame(anew + b"\n", self._schema)
        if frame is None or frame.height != 1:
            self._bad.append((index, "bad_json", "the line is no JSON that can be read"))
            return
        self._frames.append(frame)
        self._rows.append(index)


def _frame(data: bytes, schema: Schema) -> pl.DataFrame | None:
    try:
        return pl.read_ndjson(data, schema=schema)
    except pl.exceptions.PolarsError:
        return None
