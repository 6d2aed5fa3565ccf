"""Copies the package for Zeek to where a site keeps its scripts, as a whole or not at all.

The copy has a list of its files with their sums (``SHA256SUMS``, as ``sha256sum -c`` reads it). A
folder that agrees with its list is ours and may be replaced; in any other somebody has something.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
from pathlib import Path
from typing import Literal, TypeAlias

from enricher.errors import InputError, OutputError
from enricher.integration.looking import beginning, is_folder, link_of
from enricher.sinks.file import remedy

SUMS = "SHA256SUMS"
_NOT_ZEEK = frozenset({".py", ".pyc"})
_MOST_FILES = 1024
_MOST_BYTES = 4 << 20

Done: TypeAlias = Literal["copied", "replaced", "unchanged", "moved"]


def copy_package(source: Path, target: Path, *, force: bool = False) -> tuple[Done, Path | None]:
    """Copy the package.

    Args:
        source: The package.
        target: The folder that it becomes; the one above it has to be there.
        force: Take the place of a folder that is not ours; that one is kept under another name.

    Returns:
        What was done, and where the folder that was there is now, if it was moved.

    Raises:
        InputError: If something is there that is not ours, and ``force`` was not given.
        OutputError: If it could not be copied; what was there is there still.
    """
    files = _files_of(source)
    there = target.is_symlink() or target.exists()
    ours = there and is_ours(target)
    if ours and _files_of(target, everything=True) == files:
        return "unchanged", None
    if there and not ours and not force:
        raise InputError(
            "is there and is not, or no longer, the package as it was copied; name another folder, "
            "or keep this one under another name with --force",
            target,
        )
    mark = secrets.token_hex(4)
    part = target.with_name(f".{target.name}.{mark}.part")
    old = target.with_name(f"{target.name}.before-enricher-{mark}")
    try:
        _write(files, part)
        if there:
            target.rename(old)
        try:
            part.rename(target)
        except OSError:
            if there:
                old.rename(target)
            raise
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror or error}. {remedy(error)}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if not there:
        return "copied", None
    if ours:
        shutil.rmtree(old, ignore_errors=True)
        return "replaced", None
    return "moved", old


def is_ours(folder: Path) -> bool:
    """Whether a folder holds the package as it was copied, and nothing else."""
    if link_of(folder) is not None or not is_folder(folder):
        return False
    try:
        listed = beginning(folder / SUMS)
        return listed == _sums(_files_of(folder, everything=True))
    except InputError:
        return False


def _files_of(folder: Path, *, everything: bool = False) -> dict[str, bytes]:
    """The files below a folder by their relative names.

    Args:
        folder: The folder.
        everything: Also hidden ones and Python's; never the list of their sums.

    Raises:
        InputError: If one cannot be read, or there are too many to be a package.
    """
    files: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if is_folder(path) or name.parts == (SUMS,) or not (everything or _is_package(name)):
            continue
        if len(files) >= _MOST_FILES:
            raise InputError(f"has more than {_MOST_FILES} files: it is no package", folder)
        files[name.as_posix()] = beginning(path, _MOST_BYTES)
    return files


def _is_package(name: Path) -> bool:
    """Whether a file is one of the package, and not Python's or an editor's."""
    hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
    return not hidden and name.suffix not in _NOT_ZEEK


def _sums(files: dict[str, bytes]) -> bytes:
    lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return "".join(lines).encode("utf-8", "surrogateescape")


def _write(files: dict[str, bytes], folder: Path) -> None:
    """Write the files so that every user, as Zeek's, may read them."""
    folder.mkdir()
    folder.chmod(0o755)
    for name, data in {**files, SUMS: _sums(files)}.items():
        path = folder / name
        for parent in reversed(path.relative_to(folder).parents[:-1]):
            with contextlib.suppress(FileExistsError):
                (folder / parent).mkdir()
                (folder / parent).chmod(0o755)
        path.write_bytes(data)
        path.chmod(0o644)
