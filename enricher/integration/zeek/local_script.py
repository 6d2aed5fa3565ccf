"""The enricher's lines in a site's ``local.zeek``: added once, between two comments."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from enricher.errors import InputError, OutputError
from enricher.integration.looking import beginning, real_path
from enricher.sinks.file import remedy
from enricher.sinks.replacing import replace_file

BEGIN = "# enricher: begin. Written by 'enricher zeek install'; to undo, remove down to its end."
END = "# enricher: end."
BACKUP = ".before-enricher"
"""Ending of the copy that is kept of the script as it was before the latest change."""

_BEGIN_MARK, _END_MARK = b"# enricher: begin", b"# enricher: end"
_MOST_BYTES = 8 << 20

Done: TypeAlias = Literal["added", "replaced", "unchanged"]


def write_block(script: Path, lines: Sequence[str]) -> Done:
    """Add lines to a script, or bring those that it has up to date.

    Everything else in it stays byte for byte, and so do its owner and mode. A copy of it as it
    was is kept beside it.

    Args:
        script: The script; a link is followed.
        lines: What to add.

    Raises:
        InputError: If it is no script that can be read, or only one of the two comments is in it.
        OutputError: If it cannot be written; it is as before then.
    """
    place = real_path(script)
    if place is None:
        raise InputError("is not there; name the script that Zeek loads, local.zeek", script)
    before = beginning(place, _MOST_BYTES + 1)
    if len(before) > _MOST_BYTES:
        raise InputError("is too large for a script", script)
    after, done = with_block(before, lines, script)
    if done != "unchanged":
        _replace(place.with_name(place.name + BACKUP), before, place)
        _replace(place, after, place)
    return done


def with_block(before: bytes, lines: Sequence[str], script: Path) -> tuple[bytes, Done]:
    """A script with lines between the two comments.

    Args:
        before: The script.
        lines: The lines.
        script: What to call it in messages.

    Raises:
        InputError: If not exactly one pair of comments, or none, is in it.
    """
    block = "\n".join((BEGIN, *lines, END, "")).encode()
    rows = before.split(b"\n")
    begins = [at for at, row in enumerate(rows) if row.startswith(_BEGIN_MARK)]
    ends = [at for at, row in enumerate(rows) if row.startswith(_END_MARK)]
    if not begins and not ends:
        gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
        return before + gap + block, "added"
    if len(begins) != 1 or len(ends) != 1 or begins > ends:
        raise InputError(
            f"has {len(begins)} lines that begin with '{_BEGIN_MARK.decode()}' and {len(ends)} "
            f"with '{_END_MARK.decode()}'; remove them and what belongs to them, and try again",
            script,
        )
    head = b"".join(row + b"\n" for row in rows[: begins[0]])
    after = head + block + b"\n".join(rows[ends[0] + 1 :])
    return after, "unchanged" if after == before else "replaced"


def _replace(path: Path, data: bytes, like: Path) -> None:
    """Write a file in one step, with the owner and mode of another one."""
    try:
        status = like.stat()

        def give(file: int) -> None:
            # Who may not give files away keeps it.
            with contextlib.suppress(PermissionError):
                os.fchown(file, status.st_uid, status.st_gid)

        replace_file(path, data, mode=stat.S_IMODE(status.st_mode), finish=give)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}. {remedy(error)}") from error
