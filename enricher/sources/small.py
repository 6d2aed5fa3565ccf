"""Reads small files whole, with few calls to the system: a directory may hold thousands."""

from __future__ import annotations

import os
import stat

from enricher.logs import Block
from enricher.sources.compression import MAGIC_BYTES, OPEN_FLAGS, compression_of
from enricher.sources.files import LogFile


def small_block(file: LogFile, most: int) -> Block | None:
    """All of a small file as one block.

    Args:
        file: The file.
        most: Bytes that it may have; no more than a line may have.

    Returns:
        What :func:`enricher.sources.blocks` would give. None where that has to say it: of a file
        that is large, compressed, empty, not the one that was found, changing, or not readable.
    """
    if file.compression != "plain" or file.size > most:
        return None
    try:
        descriptor = os.open(file.path, OPEN_FLAGS)
        try:
            now = os.fstat(descriptor)
            data = os.read(descriptor, most + 1) if stat.S_ISREG(now.st_mode) else b""
        finally:
            os.close(descriptor)
    except OSError:
        return None
    found = file.file_id is None or file.file_id == (now.st_dev, now.st_ino)
    # A file that does not end with a line may be in the middle of being written.
    whole = len(data) == now.st_size <= most and data.endswith(b"\n")
    if not found or not whole or compression_of(data[:MAGIC_BYTES]) != "plain":
        return None
    return Block(file.number, str(file.path), data, 1, 0, last=True)
