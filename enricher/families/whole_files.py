"""Files of bounded size, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024


def read_bounded(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file.

    Raises:
        OSError: If it can not be read.
        ValueError: If it is larger than ``limit``.
    """
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"it is larger than {limit // 1024 // 1024} MiB")
    return data


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, also after a crash.

    Raises:
        OSError: If it can not be written; nothing is left of it then.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
