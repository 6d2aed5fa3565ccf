"""Walks through directories: every regular file once, no loops, nothing opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enricher.logs.names import is_companion
from enricher.sources.compression import why_unreadable
from enricher.sources.files import Skipped, SkipReason
from enricher.sources.order import LIVE_FOLDER

_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A regular file to look at.

    Attributes:
        path: Where it is.
        given: Whether the user gave this very path, not a directory above it.
    """

    path: Path
    given: bool


class Search:
    """Walks through directories, finds every file once and notes what is left out.

    Args:
        max_files: Files that are found before the search stops.
        max_depth: Directories within directories that are entered.

    Attributes:
        skipped: What is left out, in the order of the walk; callers add to it.
    """

    def __init__(self, max_files: int, max_depth: int) -> None:
        self.skipped: list[Skipped] = []
        self._max_files = max_files
        self._max_depth = max_depth
        self._seen: dict[tuple[int, int], Path] = {}
        self._count = 0

    def files_at(self, path: Path) -> Iterator[Candidate]:
        """The regular files at or below a path that the user gave."""
        status = self._status(path)
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._walk(path, status)
        else:
            yield from self._file(path, status, given=True)

    def _walk(self, top: Path, status: os.stat_result) -> Iterator[Candidate]:
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
            elif (status := self._status(path)) is None:
                continue
            elif stat.S_ISDIR(status.st_mode) and self._is_strange_link(entry):
                self._skip(
                    path, "linked_folder", "is a link to a directory; give it by name to read it"
                )
            else:
                yield path, status

    @staticmethod
    def _is_strange_link(entry: os.DirEntry[str]) -> bool:
        return entry.is_symlink() and entry.name != LIVE_FOLDER

    def _file(self, path: Path, status: os.stat_result, *, given: bool) -> Iterator[Candidate]:
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
        yield Candidate(path, given)

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
