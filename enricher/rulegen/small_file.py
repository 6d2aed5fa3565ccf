"""Files that a user names and that are read whole: rules, lists, settings of other programs."""

from __future__ import annotations

from pathlib import Path

from enricher.errors import InputError


def read_small(path: Path, most: int) -> bytes:
    """The bytes of a file.

    Args:
        path: The file.
        most: It may have so many bytes.

    Raises:
        InputError: If it can not be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path) from error
    if len(data) > most:
        raise InputError(f"is larger than {most // 1024:,} KiB", path)
    return data
