"""Which files are there, and what each of them begins with."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import InputError, NotALogError
from enricher.logs.identify import HEAD_BYTES, LogFormat, LogIdentity, identify
from enricher.logs.names import is_companion, parse_name, without_compression
from enricher.sources.compression import (
    MAGIC_BYTES,
    Compression,
    compression_of,
    decompressed,
    open_regular,
    why_unreadable,
)

FileId = tuple[int, int]

_COUNTED = re.compile(r"\.\d{1,4}(\.|$)")
_MOST_HEADER_LINES = 64


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file, as a listing of its directory saw it."""

    path: Path
    file_id: FileId
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file's content.

    Attributes:
        content: Up to :data:`~enricher.logs.identify.HEAD_BYTES` bytes, not compressed.
        compression: How the file is compressed.
        broken: Compressed data ends or is damaged before that; it may still be written.
    """

    content: bytes
    compression: Compression
    broken: bool


def files_in(folder: Path, known: Mapping[str, Path]) -> Iterator[Found]:
    """The regular files of a directory, without its subdirectories.

    Links to files are followed. What is hidden, or kept by Zeek beside its logs, is left out.

    Args:
        folder: The directory.
        known: Paths of it by name, which need not be made again.

    Raises:
        OSError: If the directory cannot be listed.
    """
    with os.scandir(folder) as scan:
        for entry in scan:
            name = entry.name
            if name.startswith(".") or is_companion(name):
                continue
            try:
                status = entry.stat()
            except OSError:
                continue  # it went away meanwhile, or is a link to nothing
            if stat.S_ISREG(status.st_mode):
                yield found_at(known.get(name) or folder / name, status)


def found_at(path: Path, status: os.stat_result) -> Found:
    """A file out of its status."""
    return Found(path, (status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns)


def file_at(path: Path) -> Found | None:
    """The regular file at a path; None if there is none or it cannot be seen."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return found_at(path, status) if stat.S_ISREG(status.st_mode) else None


def is_compressed_name(name: str) -> bool:
    """Whether a file is compressed, by its name."""
    return without_compression(name) != name


def is_rotated_name(name: str) -> bool:
    """Whether a file was rotated away, by its name."""
    parsed = parse_name(name)
    if parsed.day is not None or parsed.clock is not None or is_compressed_name(name):
        return True
    return _COUNTED.search(name) is not None


def read_head(path: Path, size: int = HEAD_BYTES) -> Head:
    """Read the beginning of a file's content.

    Raises:
        InputError: If it cannot be opened or read.
    """
    with open_regular(path) as raw:
        try:
            compression = compression_of(raw.read(MAGIC_BYTES) or b"")
            raw.seek(0)
            stream = decompressed(raw, path)
            content = bytearray()
            while len(content) < size and (piece := stream.read(size - len(content))):
                content += piece
        except OSError as error:
            raise InputError(why_unreadable(error), path) from error
        except InputError:
            if compression == "plain":
                raise
            return Head(bytes(content), compression, broken=True)
    return Head(bytes(content), compression, broken=False)


def identify_followed(content: bytes, name: str, header: bytes) -> tuple[LogIdentity, bytes]:
    """Tell what a file holds that may have been begun a moment ago.

    Args:
        content: Its first bytes.
        name: Its name.
        header: The ``#`` lines of the TSV log of that name before it, which hold on if the file
            was emptied while Zeek wrote to it (copytruncate).

    Returns:
        What it holds, and the header that a reader needs first.

    Raises:
        NotALogError: If it is no log, or too little of it is there to tell.
    """
    try:
        found = identify(content, name)
    except NotALogError:
        if not _continues(header, content):
            raise
        return identify(header + content, name), header
    if found.format == "tsv" and not re.search(rb"^#fields[^\n]*\n", content, re.MULTILINE):
        raise NotALogError("has no whole header yet", name)
    return found, b""


def _continues(header: bytes, content: bytes) -> bool:
    """Whether rows stand there as the header says, without a header of their own."""
    row, newline, _ = content.partition(b"\n")
    fields = re.search(rb"^#fields([^\n]*)\r?\n", header, re.MULTILINE)
    if not newline or not fields or not row or row.startswith(b"#"):
        return False
    separator = fields.group(1)[:1]
    return bool(separator) and row.count(separator) + 1 == fields.group(1).count(separator)


def series_name(source: str, single: bool, identity: LogIdentity) -> str:
    """The name of a log that stays the same over all rotations.

    Args:
        source: The input's path.
        single: The input is one file, not a directory.
        identity: What the log holds.
    """
    if single:
        return source
    base = "eve.json" if identity.format == "eve" else f"{identity.path or identity.kind}.log"
    return f"{source.rstrip('/')}/{base}"


def begins_with_record(log_format: LogFormat, head: bytes) -> bool:
    """Whether a beginning holds more than a header, so that it tells one log from another."""
    if log_format != "tsv":
        return b"\n" in head
    rows = head.split(b"\n", _MOST_HEADER_LINES)[:-1]
    return any(row and not row.startswith(b"#") for row in rows)
