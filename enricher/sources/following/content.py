"""Ways to a place in a file's content, whatever its compression."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

from enricher.sources.compression import MAGIC_BYTES, ByteStream, compression_of, decompressed
from enricher.sources.following.states import LogState

_CHUNK = 256 * 1024


def go_to(raw: io.FileIO, path: Path, state: LogState) -> tuple[ByteStream, bytes] | None:
    """The content of a file from the state's offset on, and its beginning; None if another."""
    compression = compression_of(raw.read(MAGIC_BYTES) or b"")
    raw.seek(0)
    stream = decompressed(raw, path)
    head = read_exactly(stream, state.fingerprint.length)
    if hashlib.sha256(head).hexdigest() != state.fingerprint.sha256:
        return None
    if compression == "plain":
        if os.fstat(raw.fileno()).st_size < state.offset:
            return None
        raw.seek(state.offset)
        return stream, head
    return (stream, head) if skip(stream, state.offset - len(head)) else None


def read_exactly(stream: ByteStream, size: int) -> bytes:
    """The next ``size`` bytes, or all if there are fewer."""
    content = bytearray()
    while len(content) < size and (piece := stream.read(size - len(content))):
        content += piece
    return bytes(content)


def skip(stream: ByteStream, size: int) -> bool:
    """Read over ``size`` bytes; False if there are fewer."""
    while size > 0:
        piece = stream.read(min(size, _CHUNK))
        if not piece:
            return False
        size -= len(piece)
    return True
