"""The folder that Zeek reads verdicts from: each file is replaced in one step, if it changes."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from enricher.errors import OutputError
from enricher.sinks.replacing import PARTS, replace_file

MODE, FOLDER_MODE = 0o644, 0o755
"""Zeek is another user, and has to be able to read them."""
_HOUR = 3600
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


def write_verdicts(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Bring files to the content that they are to have; names of those that were written.

    Args:
        folder: It is made if it is missing, for everybody to read.
        files: Content by name.

    Raises:
        OutputError: If one can not be written; it is as it was then.
    """
    with _told(folder):
        _make(folder)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    written = []
    try:
        for name, data in files.items():
            with _told(folder / name):
                if not _has(handle, name, data):
                    _replace(handle, name, data)
                    written.append(name)
        if written:
            with _told(folder):
                os.fsync(handle)
                _sweep(folder)
    finally:
        os.close(handle)
    return written


def _make(folder: Path) -> None:
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(exist_ok=True)
            # Whatever the umask of a service is, for nobody else could look into it.
            path.chmod(FOLDER_MODE)


def _has(folder: int, name: str, data: bytes) -> bool:
    """Whether a file has this content, and may be read."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _FLAGS, dir_fd=folder)
    except OSError:
        return False  # whatever it is, it is replaced
    with os.fdopen(file, "rb") as opened:
        status = os.fstat(file)
        as_ours = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == MODE
        return as_ours and status.st_size == len(data) and opened.read(len(data) + 1) == data


def _replace(folder: int, name: str, data: bytes) -> None:
    moment = _moment(folder, name)
    replace_file(
        Path(name),
        data,
        mode=MODE,
        folder=folder,
        finish=lambda file: os.utime(file, (moment, moment)),
    )


def _moment(folder: int, name: str) -> int:
    """A time of change that the file before did not have.

    Zeek tells a change by the inode, whose number may be used again, and by whole seconds.
    """
    now = int(time.time())
    with suppress(OSError):
        before = int(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime)
        if now <= before <= now + _HOUR:  # further ahead it is of another clock
            return before + 1
    return now


def _sweep(folder: Path) -> None:
    """Remove what was left behind where a write was killed."""
    for part in folder.glob(PARTS):
        with suppress(OSError):
            if part.lstat().st_mtime < time.time() - _HOUR:
                part.unlink()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: verdicts for Zeek cannot be written ({error.strerror}): make the folder and "
            "give it to the user that this runs as, or name another one"
        ) from error
