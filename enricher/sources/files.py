"""A log file as the rest of the program knows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from enricher.logs.identify import LogIdentity
from enricher.sources.compression import Compression


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file that is to be read.

    Attributes:
        number: Its place in the order of reading, from 0: the ``_file`` of its records.
        path: Where it is. Names are chosen by others: escape them before showing them.
        compression: How it is compressed.
        identity: What it holds.
        size: Its size when it was found, in bytes, as it is on disk.
        mtime: When it was last changed, in seconds since 1970.
        file_id: Its device and inode, which stay when it is renamed; None if not known.
    """

    number: int
    path: Path
    compression: Compression
    identity: LogIdentity
    size: int
    mtime: float
    file_id: tuple[int, int] | None = None
