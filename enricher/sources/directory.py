"""Finds the logs under files and directories, once, and says why anything else was left out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from enricher.errors import InputError, NotALogError
from enricher.logs.identify import HEAD_BYTES, LogIdentity, identify
from enricher.logs.names import is_companion, without_compression
from enricher.sources.compression import (
    Compression,
    DecompressedStream,
    compression_of,
    open_regular,
    why_unreadable,
)
from enricher.sources.files import LogFile, Skipped
from enricher.sources.order import in_read_order
from enricher.sources.position import fingerprint
from enricher.sources.walk import Candidate, Search

MAX_FILES = 1_000_000
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found.

    Attributes:
        files: The logs, in the order in which they are to be read, numbered from 0. Kinds are
            mixed; those of one kind are in the order of their times.
        skipped: Everything else.
    """

    files: list[LogFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def discover(
    paths: Sequence[Path], *, max_files: int = MAX_FILES, max_depth: int = MAX_DEPTH
) -> Discovery:
    """Find the logs among files and under directories.

    Links to files are followed, and so are the directories that are given and Zeek's ``current``;
    other links to directories are not, and nothing is read twice. A file that was given by name
    and is no log is an error; one that was found in a directory is left out.

    Args:
        paths: Files and directories.
        max_files: Files that are looked at; beyond it the search stops with an error.
        max_depth: Directories within directories that are entered.
    """
    search = Search(max_files, max_depth)
    found: list[LogFile] = []
    for path in paths:
        for candidate in search.files_at(path):
            result = _look_at(candidate)
            if isinstance(result, LogFile):
                found.append(result)
            else:
                search.skipped.append(result)
    found = list(_without_copies(found, search.skipped))
    files = [replace(file, number=number) for number, file in enumerate(in_read_order(found))]
    return Discovery(files, search.skipped)


def _look_at(candidate: Candidate) -> LogFile | Skipped:
    """Identify a file by its first bytes."""
    path = candidate.path
    try:
        head = _head_of(path)
    except InputError as error:
        return Skipped(path, "unreadable", error.message, error=True)
    if not head.content.strip() and head.broken is None:
        return Skipped(path, "empty", "is empty")
    try:
        identity = identify(head.content, str(path))
    except NotALogError as error:
        if head.broken is not None:
            return Skipped(path, "damaged", head.broken.message, error=True)
        if is_companion(path.name):
            return Skipped(path, "companion", error.message)
        return Skipped(path, "not_a_log", error.message, error=candidate.given)
    return _wanted(path, head, identity)


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a file, and what is wrong with it if it ends too early."""

    content: bytes
    compression: Compression
    status: os.stat_result
    broken: InputError | None = None


def _head_of(path: Path) -> _Head:
    try:
        return _read_head(path)
    except OSError as error:
        raise InputError(why_unreadable(error), path) from error


def _read_head(path: Path) -> _Head:
    with open_regular(path) as raw:
        status = os.fstat(raw.fileno())
        start = raw.read(HEAD_BYTES)
        compression = compression_of(start)
        if compression == "plain":
            return _Head(start, compression, status)
        raw.seek(0)
        stream = DecompressedStream(raw, compression, path)
        content = bytearray()
        try:
            while len(content) < HEAD_BYTES and (piece := stream.read(HEAD_BYTES - len(content))):
                content += piece
        except InputError as error:
            return _Head(bytes(content), compression, status, error)
        return _Head(bytes(content), compression, status)


def _wanted(path: Path, head: _Head, identity: LogIdentity) -> LogFile | Skipped:
    if identity.kind is None and identity.format != "eve":
        which = identity.path or "unknown"
        return Skipped(path, "other_kind", f"is a Zeek log of a kind that is not read: {which}")
    status = head.status
    return LogFile(
        number=0,
        path=path,
        compression=head.compression,
        identity=identity,
        size=status.st_size,
        mtime=status.st_mtime,
        file_id=(status.st_dev, status.st_ino),
    )


def _without_copies(files: list[LogFile], skipped: list[Skipped]) -> Iterator[LogFile]:
    """Leave out the compressed copy of a log that stands beside it, as while it is archived."""
    same_name: dict[Path, list[LogFile]] = defaultdict(list)
    for file in files:
        name = file.path.name
        plain = without_compression(name)
        same_name[file.path if plain == name else file.path.with_name(plain)].append(file)
    for group in same_name.values():
        first, *others = sorted(group, key=lambda file: (file.compression != "plain", file.path))
        yield first
        for other in others:
            if _same_beginning(first, other):
                detail = f"holds the same as {first.path}, which is read"
                skipped.append(Skipped(other.path, "duplicate", detail))
            else:
                yield other


def _same_beginning(one: LogFile, other: LogFile) -> bool:
    try:
        return fingerprint(one.path) == fingerprint(other.path)
    except InputError:
        return False  # reading it will say what is wrong
