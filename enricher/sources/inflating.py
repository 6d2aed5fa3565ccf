"""Decoders of one gzip member: Intel's ISA-L, which is fast, and zlib, which is thorough.

ISA-L inflates in half of zlib's time. At damage, and where a file is cut off, it keeps back some
of what zlib would still give; so what it refuses is for zlib to judge.
"""

from __future__ import annotations

import zlib
from typing import Protocol, cast

try:
    from isal import igzip_lib
except ImportError:  # there is none for this processor
    INFLATE_ERRORS: tuple[type[Exception], ...] = (zlib.error,)
    HAS_ISAL = False
else:
    # Its stubs declare the class as if it were an exception.
    INFLATE_ERRORS = (zlib.error, cast("type[Exception]", igzip_lib.IsalError))
    HAS_ISAL = True

# Bits of the header's flags that mean nothing yet (RFC 1952, 2.3.1.2): ISA-L lets them pass.
_RESERVED_FLAGS = 0xE0
_FLAGS_AT = 3


class Decoder(Protocol):
    """The interface that the standard library's decompressors share."""

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether more can come only from more input."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Input behind the member's end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take ``data``; give ``max_length`` bytes at most."""
        ...


class ZlibDecoder:
    """zlib's decompressor for one gzip member, with the interface of the others."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._tail = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        """Input behind the member's end."""
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take ``data``; give ``max_length`` bytes at most."""
        piece = self._inflate.decompress(self._tail + data, max_length)
        self._tail = self._inflate.unconsumed_tail
        # A full piece may leave more inside zlib although it has taken all of its input.
        self.needs_input = not self._tail and len(piece) < max_length
        return piece


def isal_decoder(head: bytes) -> Decoder | None:
    """ISA-L's decoder for a member that begins with ``head``; None where zlib has to do it."""
    if not HAS_ISAL or len(head) <= _FLAGS_AT or head[_FLAGS_AT] & _RESERVED_FLAGS:
        return None
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
