"""Lines of a block as arrays of positions, and the repair of bytes that are no text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.logs.batch import Block, Rejected

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Bytes of a bad line that are shown to the user.
EXCERPT = 200

_REPLACEMENT = "�".encode()
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the lines of ``data`` stand.

    Attributes:
        data: Bytes that end with a newline, or nothing.
        starts: int64, first byte of each line.
        ends: int64, its newline.
    """

    data: bytes
    starts: Positions
    ends: Positions

    @classmethod
    def of(cls, data: bytes) -> Lines:
        """Find the lines of ``data``, which must end with a newline if there is anything."""
        ends = positions(data, b"\n")
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])[: len(ends)]
        return cls(data, starts, ends)

    def __len__(self) -> int:
        return len(self.ends)

    def count(self, byte: bytes) -> Positions:
        """How often ``byte`` occurs in each line."""
        found = positions(self.data, byte)
        return np.searchsorted(found, self.ends) - np.searchsorted(found, self.starts)

    def first_bytes(self) -> npt.NDArray[np.uint8]:
        """The first byte of each line, the newline itself where the line is empty."""
        return np.frombuffer(self.data, np.uint8)[self.starts]

    def line(self, index: int) -> bytes:
        """One line without its newline."""
        return self.data[self.starts[index] : self.ends[index]]

    def take(self, mask: Mask) -> bytes:
        """The lines where ``mask`` holds, each with its newline."""
        if mask.all():
            return self.data
        keep = np.repeat(mask, self.ends - self.starts + 1)
        return np.frombuffer(self.data, np.uint8)[keep].tobytes()


def positions(data: bytes, byte: bytes) -> Positions:
    """Where ``byte`` occurs."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord(byte)).astype(np.int64)


def occurrences(data: bytes, byte: bytes) -> int:
    """How often ``byte`` occurs, in pieces that fit the processor's cache."""
    array, code = np.frombuffer(data, np.uint8), ord(byte)
    return sum(
        int(np.count_nonzero(array[at : at + _CHUNK] == code))
        for at in range(0, len(array), _CHUNK)
    )


class Repairs:
    """Which lines of a block were repaired, and how."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Positions]] = {}

    def note(self, reason: str, lines: Positions) -> None:
        """Note lines, as indexes into the block."""
        if len(lines):
            self._lines.setdefault(reason, []).append(lines)

    def counts(self, kept: Positions) -> Counter[str]:
        """Count the repaired lines that are among ``kept``, which became records."""
        return Counter(
            {
                reason: number
                for reason, lines in self._lines.items()
                if (number := int(np.isin(np.unique(np.concatenate(lines)), kept).sum()))
            }
        )


def is_clean(data: bytes) -> bool:
    """Whether ``data`` is valid UTF-8 without NUL bytes."""
    if b"\0" in data:
        return False
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def clean(data: bytes, repairs: Repairs) -> bytes:
    """Replace NUL bytes and what is no UTF-8 by U+FFFD, line by line as many as before.

    Whoever is being watched chooses these bytes, so they must not keep a record from scoring.
    """
    if b"\0" in data:
        repairs.note("nul_byte", np.flatnonzero(Lines.of(data).count(b"\0")))
        data = data.replace(b"\0", _REPLACEMENT)
    text = data.decode("utf-8", "replace").encode()
    if text != data:
        before, after = _replacements(data), _replacements(text)
        repairs.note("invalid_utf8", np.flatnonzero(before != after))
    return text


def _replacements(data: bytes) -> Positions:
    lines = Lines.of(data)
    array = np.frombuffer(data, np.uint8)
    lead = np.flatnonzero(array[:-2] == _REPLACEMENT[0])
    lead = lead[(array[lead + 1] == _REPLACEMENT[1]) & (array[lead + 2] == _REPLACEMENT[2])]
    return np.searchsorted(lead, lines.ends) - np.searchsorted(lead, lines.starts)


def whole_lines(block: Block) -> tuple[bytes, bool]:
    """The block's bytes, ended by a newline, and whether the file ended without one."""
    data = block.data
    if block.first_line == 1 and data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    if data and not data.endswith(b"\n"):
        return data + b"\n", block.last
    return data, False


def rejected(block: Block, index: int, reason: str, detail: str, line: bytes) -> Rejected:
    """A rejected line of ``block``, ``index`` counted from the block's first line."""
    return Rejected(block.name, block.first_line + index, reason, detail, line[:EXCERPT])
