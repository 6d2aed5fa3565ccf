"""What was found: the files to read, and those that are left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from enricher.logs.identify import LogIdentity
from enricher.sources.compression import Compression

SkipReason: TypeAlias = Literal[
    "companion",  # kept by Zeek beside its logs
    "damaged",  # compressed data that is broken from the start
    "duplicate",  # read under another name
    "empty",
    "hidden",  # a name that begins with a dot, found in a directory
    "linked_folder",
    "missing",
    "not_a_log",
    "other_kind",  # a Zeek log, but not of a kind that is read
    "special_file",  # a pipe, a device, a socket
    "too_deep",
    "too_many",
    "unreadable",
]


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


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or directory that is not read.

    Attributes:
        path: Where it is. Names are chosen by others: escape them before showing them.
        reason: A short stable word, for counting.
        detail: The rest of a sentence that begins with the path.
        error: Whether something is wrong that the user should know of and the exit status should
            tell; otherwise it is only left out.
    """

    path: Path
    reason: SkipReason
    detail: str
    error: bool = False
