"""The places where the logs of one input are: live, rotated beside, archived."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enricher.logs.names import day_of_folder, parse_name
from enricher.sources.compression import why_unreadable
from enricher.sources.directory import MAX_DEPTH, MAX_FILES
from enricher.sources.following.finding import (
    FileId,
    Found,
    file_at,
    files_in,
    is_compressed_name,
)
from enricher.sources.following.states import FollowedInput
from enricher.sources.order import LIVE_FOLDER

# A listing is believed to be complete if nothing in it had changed for so long.
_SETTLED_NS = 5_000_000_000
_LOGS = frozenset({".log", ".json"})
# Clocks of file systems are coarse, or those of another machine.
_CLOCK_SECONDS = 2.0


@dataclass(slots=True)
class _Folder:
    mtime_ns: int
    settled: bool
    files: list[Found]
    inner: list[Path]


class Archive:
    """A tree of folders of logs; those that did not change are not listed a second time."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._folders: dict[Path, _Folder] = {}

    def files(self) -> Iterator[Found]:
        """All regular files in the tree. Links to folders are not entered."""
        waiting = [(Path(os.path.realpath(self._top)), 0)]
        seen: dict[Path, _Folder] = {}
        count = 0
        while waiting:
            path, depth = waiting.pop()
            folder = self._folder(path)
            if folder is None:
                continue
            seen[path] = folder
            for found in folder.files:
                count += 1
                if count > MAX_FILES:
                    return
                yield found
            if depth < MAX_DEPTH:
                waiting.extend((inner, depth + 1) for inner in reversed(folder.inner))
        self._folders = seen

    def _folder(self, path: Path) -> _Folder | None:
        try:
            mtime_ns = path.stat().st_mtime_ns
            known = self._folders.get(path)
            if known is not None and known.settled and known.mtime_ns == mtime_ns:
                return known
            now = time.time_ns()
            files = sorted(files_in(path, {}), key=lambda found: found.path)
            with os.scandir(path) as scan:
                inner = sorted(
                    Path(entry.path)
                    for entry in scan
                    if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
                )
        except OSError:
            return None  # it went away, or must not be read
        newest = max([mtime_ns, *(found.mtime_ns for found in files)])
        return _Folder(mtime_ns, newest < now - _SETTLED_NS, files, inner)


class Place:
    """Where the logs of one input are.

    Args:
        given: The input.
        since: When the first of its logs was found, in seconds since 1970; None if none ever was.

    Attributes:
        source: The input's path, as in the settings.
        missing: What is wrong with the directory of the live logs, if it cannot be listed.
        archive_at: When the archive is to be looked through (monotonic clock).
    """

    def __init__(self, given: FollowedInput, since: float | None) -> None:
        self.source = given.path
        self.missing: str | None = None
        self.archive_at = 0.0
        self._path = Path(given.path)
        self._archive = None if given.archive is None else Archive(given.archive)
        self._archive_path = given.archive
        self._was_file = False
        self._listed: Path | None = None
        self._paths: dict[str, Path] = {}
        self._names: dict[FileId, tuple[str, int]] = {}
        self._first = since is None
        self._since = time.time() if since is None else since
        self._history: set[Found] = set()
        self._beside: list[Found] = []

    @property
    def single(self) -> bool:
        """Whether the input is one file, or may become one."""
        if self._path.is_dir():
            return False
        self._was_file = self._was_file or bool(self._path.suffix) or self._path.is_file()
        return self._was_file

    def folder(self) -> Path:
        """The directory of the live logs."""
        return Path(os.path.realpath(self._path.parent if self.single else self._path))

    def live(self) -> dict[FileId, Found]:
        """The files that are followed, by device and inode; none if the directory is not there."""
        self.missing = None
        single, folder = self.single, self.folder()
        try:
            if folder != self._listed:
                self._listed, self._paths = folder, {}
            listed = list(files_in(folder, self._paths))
            self._paths = {found.path.name: found.path for found in listed}
        except OSError as error:
            self.missing = why_unreadable(error)
            return {}
        if single:
            name = self._path.name
            series = parse_name(name).series
            live = file_at(folder / name)
            self._beside = [
                found
                for found in listed
                if found.path.name != name and parse_name(found.path.name).series == series
            ]
            return {} if live is None else {live.file_id: live}
        self._beside = [found for found in listed if is_compressed_name(found.path.name)]
        result: dict[FileId, Found] = {}
        for found in listed:
            if not is_compressed_name(found.path.name):
                result.setdefault(found.file_id, found)
        return result

    def rotated(self, live: dict[FileId, Found]) -> bool:
        """Whether files have come, gone or changed places since this was last asked."""
        before = self._names
        # A new file that has the number of a deleted one is told by its time while it is empty.
        self._names = {
            f.file_id: (f.path.name, 0 if f.size else f.mtime_ns)
            for f in live.values()
            if f.path.suffix in _LOGS
        }
        return self._names != before

    def archived(self) -> list[Found]:
        """Rotated files beside the live ones (as of the latest :meth:`live`), and the archive."""
        found = {file.file_id: file for file in self._beside}
        if self._archive is not None:
            for file in self._archive.files():
                found.setdefault(file.file_id, file)
        if self._first:
            self._first = False
            self._history.update(found.values())
        return list(found.values())

    def is_history(self, found: Found) -> bool:
        """Whether an archived file was written before logs of this input were first found."""
        if found in self._history:
            return True
        return found.mtime_ns < (self._since - _CLOCK_SECONDS) * 1e9

    def fits(self, found: Found) -> bool:
        """Whether a file of the archive may belong to this input."""
        if not self.single:
            return True
        return parse_name(found.path.name).series == parse_name(self._path.name).series

    def path_in_order(self, path: Path) -> Path:
        """A path that sorts beside the archived files of the same log."""
        if self._archive_path is None or day_of_folder(path.parent.name) is not None:
            return path
        if path.parent != self.folder():
            return path
        return Path(os.path.realpath(self._archive_path)) / LIVE_FOLDER / path.name

    def log_path(self, name: str) -> str | None:
        """Zeek's name of the log whose file is called so; None if there is only one log."""
        return None if self.single else parse_name(name).path or ""
