"""Reads compressed files as streams, with bounded memory, up to the first damaged byte.

Which compression a file has is told by its first bytes. gzip (RFC 1952), xz and Zstandard
(RFC 8878) files may hold several members (frames, streams) one after another, as appending and
parallel compressors leave them. Nothing is ever decompressed whole, so a file of few bytes that
inflates to terabytes costs time, not memory.
"""

from __future__ import annotations

import io
import lzma
import os
import re
import stat
import sys
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, TypeAlias

from enricher.errors import InputError
from enricher.sources.inflating import INFLATE_ERRORS, Decoder, ZlibDecoder, isal_decoder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compression: TypeAlias = Literal["plain", "gzip", "xz", "zstd"]

MAGIC_BYTES = 6

# Opening never waits for the other end of a pipe, and makes no terminal this process's own.
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

# A Zstandard file may begin with a skippable frame (RFC 8878, 3.1.2).
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")

# Compressed bytes given to a decoder at a time, and the most it gives back for them at a time.
_CHUNK = 64 * 1024
_PIECE = 256 * 1024
# What `xz -9` needs is half of it.
_XZ_MEMORY = 128 * 1024 * 1024
# Windows of 128 MiB, the most that `zstd` itself takes without being told to.
_ZSTD_WINDOW_LOG = 27

_DAMAGE: tuple[type[Exception], ...] = (
    *INFLATE_ERRORS,
    lzma.LZMAError,
    zstd.ZstdError,
    EOFError,
)


class ByteStream(Protocol):
    """Bytes of a file, not compressed, in order."""

    def read(self, size: int, /) -> bytes | None:
        """Up to ``size`` bytes; none at the end."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def compression_of(head: bytes) -> Compression:
    """Tell a file's compression from its first :data:`MAGIC_BYTES` bytes."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head.startswith(b"\x28\xb5\x2f\xfd") or _SKIPPABLE.match(head):
        return "zstd"
    return "plain"


def _decoder(compression: Compression) -> Decoder:
    if compression == "gzip":
        return ZlibDecoder()
    if compression == "xz":
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    return zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    )


class DecompressedStream:
    """The content of a compressed file.

    Args:
        raw: The file, open for reading at its beginning; closed with the stream.
        compression: Its compression.
        name: Its name, for messages.
    """

    def __init__(self, raw: io.FileIO, compression: Compression, name: Path | str) -> None:
        self._raw = raw
        self._compression = compression
        self._name = name
        self._good = 0
        self._failure: InputError | None = None
        self._pending = b""  # compressed bytes that no decoder has yet
        self._chunk_at = 0  # where the decoder's latest chunk begins in the file
        self._decoder: Decoder | None = None
        self._hasty = False  # the decoder is one that is fast but tells less of damage
        self._member_at = 0  # where the member begins in the file
        self._member_good = 0  # how many bytes of it were given out
        self._repeat = 0  # bytes that a second pass over the member must not give out again
        self._careful_from: int | None = None  # the chunk that could not be decoded whole

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end of the file.

        Raises:
            InputError: At the first damage, after everything before it was given out, and at
                every call from then on.
        """
        pieces = []
        while size > 0 and (piece := self._more(size)):
            pieces.append(piece)
            size -= len(piece)
            # Only near damage do bytes come in crumbs, which are gathered.
            if self._careful_from is None:
                break
        if not pieces and self._failure is not None:
            raise self._failure
        return b"".join(pieces)

    def _more(self, size: int) -> bytes:
        """Some bytes that were not given yet; none at the end and at damage."""
        while self._failure is None:
            try:
                piece = self._step(min(size, _PIECE))
            except _DAMAGE as error:
                self._go_back_or_fail(error)
                continue
            if piece is None:
                break
            if piece := self._not_given_yet(piece):
                self._good += len(piece)
                self._member_good += len(piece)
                return piece
        return b""

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _step(self, size: int) -> bytes | None:
        """Decode some more: perhaps nothing this time, None at the end."""
        if self._decoder is None and not self._next_member():
            return None
        decoder = self._decoder
        assert decoder is not None
        data = b""
        if decoder.needs_input:
            data = self._take()
            if not data:
                raise EOFError("it is cut off")
        piece = decoder.decompress(data, size)
        if decoder.eof:
            self._pending = decoder.unused_data + self._pending
            self._decoder, self._hasty = None, False
        return piece

    def _take(self) -> bytes:
        """Compressed bytes for the decoder; one at a time where the damage is known to be."""
        self._chunk_at = self._raw.tell() - len(self._pending)
        wanted = _CHUNK
        if self._careful_from is not None:
            wanted = min(wanted, max(self._careful_from - self._chunk_at, 1))
        if not self._pending:
            self._pending = self._raw.read(_CHUNK) or b""
        data, self._pending = self._pending[:wanted], self._pending[wanted:]
        return data

    def _next_member(self) -> bool:
        """Go to the next member, over zero bytes of padding; False at the end of the file."""
        while True:
            self._pending = self._pending.lstrip(b"\x00")
            more = b"" if len(self._pending) >= MAGIC_BYTES else self._raw.read(_CHUNK)
            if not more:
                break
            self._pending += more
        if not self._pending:
            return False
        self._member_at = self._raw.tell() - len(self._pending)
        self._member_good = 0
        self._careful_from = None
        if compression_of(self._pending) != self._compression:
            raise EOFError("something else follows the compressed data")
        fast = isal_decoder(self._pending) if self._compression == "gzip" else None
        self._hasty = fast is not None
        self._decoder = fast or _decoder(self._compression)
        return True

    def _go_back_or_fail(self, error: Exception) -> None:
        """Decode the member again, more slowly, for what is good before its damage; or give up.

        After a fast decoder comes a thorough one. That keeps what it decoded of the chunk that
        the damage is in, so it is given that chunk byte by byte when it fails too.
        """
        whole = self._decoder is None or isinstance(error, EOFError)
        if self._hasty:
            self._hasty = False
        elif whole or self._careful_from is not None:
            self._failure = InputError(
                f"is damaged: its {self._compression} data is good for {self._good} bytes "
                f"(decompressed), then: {error}; what came before was read; get an undamaged "
                "copy for the rest",
                self._name,
            )
            return
        else:
            self._careful_from = self._chunk_at
        self._repeat += self._member_good
        self._member_good = 0
        self._pending = b""
        self._raw.seek(self._member_at)
        self._decoder = _decoder(self._compression)

    def _not_given_yet(self, piece: bytes) -> bytes:
        known = min(self._repeat, len(piece))
        self._repeat -= known
        self._member_good += known
        return piece[known:]


def open_regular(path: Path) -> io.FileIO:
    """Open a regular file, without ever waiting for the other end of a pipe.

    Raises:
        InputError: If it is not there, must not be read, or is no regular file.
    """
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except OSError as error:
        raise InputError(why_unreadable(error), path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError("is no regular file; give a file or a directory", path)
    return io.FileIO(descriptor, "rb")


def why_unreadable(error: OSError) -> str:
    """What the user can do about a file that could not be opened or read."""
    if isinstance(error, FileNotFoundError):
        return "is not there; it may have been rotated meanwhile, or the path is mistyped"
    if isinstance(error, PermissionError):
        return "must not be read by this user; give it permission, or run as one who may"
    return f"cannot be read: {error.strerror or error}"


def open_decompressed(path: Path) -> ByteStream:
    """Open a file for reading its content, whatever its compression.

    The stream's ``read`` raises :class:`InputError` at the first damage, after everything before
    it was given out, and OSError where reading itself fails.

    Raises:
        InputError: If the file cannot be opened.
    """
    return decompressed(open_regular(path), path)


def decompressed(raw: io.FileIO, name: Path | str) -> ByteStream:
    """The content of a file that is open at its beginning."""
    head = raw.read(MAGIC_BYTES)
    raw.seek(0)
    compression = compression_of(head or b"")
    return raw if compression == "plain" else DecompressedStream(raw, compression, name)
