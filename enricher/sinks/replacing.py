"""A small file that is replaced in one step: it is whole under its name, or as it was before."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW

PARTS = ".enricher-*.part"
"""How files are called until they are whole; one that stays behind was left by a crash."""


def replace_file(
    path: Path,
    data: bytes,
    *,
    mode: int,
    folder: int | None = None,
    finish: Callable[[int], None] | None = None,
) -> None:
    """Write a file, also over a crash either whole or not at all. A link is replaced.

    Args:
        path: The file; a relative one within ``folder``.
        data: Its content.
        mode: Its mode, whatever the umask is.
        folder: Descriptor of a folder that is open, so that nobody can put another in its place.
        finish: Called with the descriptor of the whole file before it gets its name and mode.

    Raises:
        OSError: If that is not possible; nothing has changed then.
    """
    part = path.with_name(PARTS.replace("*", secrets.token_hex(8)))
    try:
        with os.fdopen(os.open(part, _FLAGS, 0o600, dir_fd=folder), "wb") as file:
            file.write(data)
            file.flush()
            if finish is not None:
                finish(file.fileno())
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(part, path, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        with suppress(OSError):
            os.unlink(part, dir_fd=folder)
