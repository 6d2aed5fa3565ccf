"""Finds the logs under files and directories, once, and says why anything else was left out."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

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
from enricher.sources.files import LogFile
from enricher.sources.order import LIVE_FOLDER, in_read_order
from enricher.sources.position import fingerprint

MAX_FILES = 1_000_000
MAX_DEPTH = 32

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

_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


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
    search = _Search(max_files, max_depth)
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


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    given: bool


class _Search:
    """Walks through directories and remembers what it has seen."""

    def __init__(self, max_files: int, max_depth: int) -> None:
        self.skipped: list[Skipped] = []
        self._max_files = max_files
        self._max_depth = max_depth
        self._seen: dict[tuple[int, int], Path] = {}
        self._count = 0

    def files_at(self, path: Path) -> Iterator[_Candidate]:
        """The regular files at or below a path that the user gave."""
        status = self._status(path)
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._walk(path, status)
        else:
            yield from self._file(path, status, given=True)

    def _walk(self, top: Path, status: os.stat_result) -> Iterator[_Candidate]:
        waiting = [(top, status, 0)]
        while waiting:
            folder, status, depth = waiting.pop()
            if not self._is_new(folder, status):
                continue
            if depth > self._max_depth:
                self._skip(folder, "too_deep", f"is more than {self._max_depth} levels down", True)
                continue
            inner: list[tuple[Path, os.stat_result, int]] = []
            for path, below in self._entries(folder):
                if stat.S_ISDIR(below.st_mode):
                    inner.append((path, below, depth + 1))
                else:
                    yield from self._file(path, below, given=False)
                if self._count > self._max_files:
                    return
            waiting.extend(reversed(inner))

    def _entries(self, folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._skip(folder, "unreadable", why_unreadable(error), True)
            return
        for entry in entries:
            path = folder / entry.name
            if is_companion(entry.name):
                self._skip(path, "companion", "is kept by Zeek beside its logs")
            elif entry.name.startswith("."):
                self._skip(path, "hidden", "is hidden; give it by name to read it")
            elif entry.is_symlink() and entry.is_dir() and entry.name != LIVE_FOLDER:
                self._skip(
                    path, "linked_folder", "is a link to a directory; give it by name to read it"
                )
            elif (status := self._status(path)) is not None:
                yield path, status

    def _file(self, path: Path, status: os.stat_result, *, given: bool) -> Iterator[_Candidate]:
        if not stat.S_ISREG(status.st_mode):
            what = _SPECIAL.get(stat.S_IFMT(status.st_mode), "no regular file")
            self._skip(path, "special_file", f"is {what}; only files are read", given)
            return
        if not self._is_new(path, status):
            return
        self._count += 1
        if self._count > self._max_files:
            self._skip(
                path,
                "too_many",
                f"and what follows is not read: more than {self._max_files} files were found",
                True,
            )
            return
        yield _Candidate(path, given)

    def _status(self, path: Path) -> os.stat_result | None:
        try:
            return path.stat()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            self._skip(path, "missing" if missing else "unreadable", why_unreadable(error), True)
        except ValueError as error:  # a NUL byte in the name
            self._skip(path, "missing", f"cannot be a path: {error}", True)
        return None

    def _is_new(self, path: Path, status: os.stat_result) -> bool:
        key = (status.st_dev, status.st_ino)
        first = self._seen.setdefault(key, path)
        if first is path:
            return True
        self._skip(path, "duplicate", f"is the same as {first}, which is read")
        return False

    def _skip(self, path: Path, reason: SkipReason, detail: str, error: bool = False) -> None:
        self.skipped.append(Skipped(path, reason, detail, error))


def _look_at(candidate: _Candidate) -> LogFile | Skipped:
    """Identify a file by its first bytes."""
    path = candidate.path
    try:
        head = _head_of(path)
    except InputError as error:
        return Skipped(path, "unreadable", error.message, error=True)
    except OSError as error:
        return Skipped(path, "unreadable", why_unreadable(error), error=True)
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
        same_name[file.path.with_name(without_compression(file.path.name))].append(file)
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
