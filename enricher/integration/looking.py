"""Looks at files and folders that somebody else has made, without trust and with bounds.

A path may come out of a settings file: it may be too long, hold a NUL byte, be a loop of links, a
pipe, or be closed to this user. Whatever it is, it is answered, and nothing else is raised than
:class:`enricher.errors.InputError`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from enricher.errors import InputError
from enricher.sources.compression import open_regular, why_unreadable

MOST_NAMES = 4096
"""Names in a folder that are looked at."""
MOST_BYTES = 1 << 20
"""Bytes of a settings file or script that are looked at."""


def status_of(path: Path) -> os.stat_result | None:
    """The status of what a path leads to; None where nothing is to be seen."""
    try:
        return path.stat()
    except (OSError, ValueError):  # ValueError: a NUL byte in the path
        return None


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder."""
    status = status_of(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def is_file(path: Path) -> bool:
    """Whether a path leads to an ordinary file."""
    status = status_of(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def link_of(path: Path) -> str | None:
    """What a symbolic link says; None where it is none, or must not be read."""
    try:
        return os.fsdecode(path.readlink())
    except (OSError, ValueError):
        return None


def real_path(path: Path) -> Path | None:
    """The path without links; None for a loop, and where nothing is."""
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
        return None


def beginning(path: Path, most: int = MOST_BYTES) -> bytes:
    """The first bytes of an ordinary file.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        with open_regular(path) as file:
            data = bytearray()
            while len(data) < most and (piece := file.read(most - len(data))):
                data += piece
            return bytes(data)
    except OSError as error:
        raise InputError(why_unreadable(error), path) from error
    except ValueError as error:
        raise InputError("cannot be a path; correct it", path) from error


def names_in(path: Path, most: int = MOST_NAMES) -> list[str]:
    """Names in a folder, sorted; so many that the system gives first.

    Raises:
        InputError: If it cannot be listed.
    """
    names: list[str] = []
    try:
        with os.scandir(path) as scan:
            for entry in scan:
                names.append(entry.name)
                if len(names) >= most:
                    break
    except OSError as error:
        raise InputError(why_unreadable(error), path) from error
    except ValueError as error:
        raise InputError("cannot be a path; correct it", path) from error
    return sorted(names)
