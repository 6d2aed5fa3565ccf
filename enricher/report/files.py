"""Writes a finished file in one step."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from enricher.errors import OutputError

MODE = 0o640
"""Reports name addresses and people, as alerts do: the owner writes, the group reads."""
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is either whole under its name or not there (or as it was before).

    Args:
        path: Where it belongs; its directory must exist.
        data: The whole content.

    Raises:
        OutputError: If it could not be written.
    """
    temporary = path.parent / f".enricher-{secrets.token_hex(8)}.part"
    try:
        with os.fdopen(os.open(temporary, _FLAGS, MODE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path} could not be written: {reason}. Make room or choose another directory."
        ) from error
    finally:
        # Also when interrupted, a part must not stay behind; after the rename there is none.
        with contextlib.suppress(OSError):
            temporary.unlink()
