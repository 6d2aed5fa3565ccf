"""Where reading stands in a file, in a form that survives its renaming and compression."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from enricher.sources.compression import open_decompressed

FINGERPRINT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The beginning of a file's content, hashed.

    Attributes:
        sha256: The hash, as hexadecimal digits.
        length: How many bytes were hashed, not compressed: fewer than
            :data:`FINGERPRINT_BYTES` only if the file had no more at the time.
    """

    sha256: str
    length: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading stands.

    A log keeps its fingerprint when it is rotated, moved or compressed, and ``offset`` counts
    bytes that are not compressed, so the place is found again in the archive.

    Attributes:
        fingerprint: Which file it is.
        path: Where it was.
        offset: Bytes that are done with, not compressed; a line begins there.
        line: Number of that line, counted from 1.
    """

    fingerprint: Fingerprint
    path: Path
    offset: int
    line: int


def fingerprint(path: Path, length: int = FINGERPRINT_BYTES) -> Fingerprint:
    """Hash the first ``length`` bytes of a file's content, or all if it has fewer.

    Raises:
        InputError: If the file cannot be read, or is damaged before that.
    """
    content = bytearray()
    with closing(open_decompressed(path)) as stream:
        while len(content) < length and (piece := stream.read(length - len(content))):
            content += piece
    return Fingerprint(hashlib.sha256(content).hexdigest(), len(content))


def is_same_log(path: Path, known: Fingerprint) -> bool:
    """Whether the file at ``path`` begins with what was fingerprinted; it may have grown since.

    Raises:
        InputError: As :func:`fingerprint`.
    """
    return fingerprint(path, known.length) == known
