"""Cuts files into blocks of whole lines, each with its place, in bounded memory."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from enricher.errors import InputError
from enricher.logs import Block, Rejected
from enricher.logs.lines import occurrences
from enricher.sources.compression import (
    ByteStream,
    decompressed,
    open_regular,
    why_unreadable,
)
from enricher.sources.files import LogFile

BLOCK_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024

_EXCERPT_BYTES = 256
_PIECE = 256 * 1024
_REST_PIECE = 4096


@dataclass(slots=True)
class _LongLine:
    """A line over the bound, of which only the beginning is kept."""

    excerpt: bytes
    length: int = 0


class LineCutter:
    """Turns bytes that arrive in pieces of any size into blocks of whole lines.

    Where the blocks end depends on the bytes and on ``block_bytes`` only, not on the pieces.
    Whenever an item is given out, ``offset`` and ``line`` stand behind it.

    Args:
        file: The file's number in the run.
        name: The file's path, for messages.
        block_bytes: Size of a block that is aimed at; a longer line makes a block of its own.
        max_line_bytes: Longest line that is taken, without its newline.
        offset: Where the first byte stands in the file.
        line: Number of the line that the first byte begins.

    Attributes:
        offset: Where the first byte stands that was not given out yet.
        line: Number of its line.
    """

    def __init__(
        self,
        file: int,
        name: str,
        *,
        block_bytes: int = BLOCK_BYTES,
        max_line_bytes: int = MAX_LINE_BYTES,
        offset: int = 0,
        line: int = 1,
    ) -> None:
        if block_bytes < 1 or max_line_bytes < 1:
            raise ValueError("blocks and lines need room for a byte at least")
        self._file = file
        self._name = name
        self._block_bytes = block_bytes
        self._max_line_bytes = max_line_bytes
        self.offset = offset
        self.line = line
        self._pieces: list[bytes] = []
        self._held = 0  # bytes in them
        self._long: _LongLine | None = None

    @property
    def in_long_line(self) -> bool:
        """Whether a line over the bound is being skipped, so that ``offset`` is inside of it."""
        return self._long is not None

    def feed(self, piece: bytes) -> Iterator[Block | Rejected]:
        """Take a piece; give what is complete and large enough for a block."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._long is not None or self._held > self._block_bytes:
            yield from self._cut(flush=False)

    def flush(self) -> Iterator[Block | Rejected]:
        """Give all whole lines; an unfinished one stays."""
        yield from self._cut(flush=True)

    def finish(self) -> Iterator[Block | Rejected]:
        """Give everything, also the unfinished last line."""
        yield from self._cut(flush=True)
        if self._long is not None:
            yield self._rejected(self._long)
            self._long = None
        if rest := self._joined():
            yield self._block(rest)
            self._keep(b"")

    def drop_unfinished(self, why: str) -> Iterator[Rejected]:
        """Reject the unfinished line, if there is one, because the rest of it is lost."""
        rest = self._joined()
        if rest or self._long is not None:
            excerpt = self._long.excerpt if self._long else rest[:_EXCERPT_BYTES]
            yield Rejected(self._name, self.line, "cut_off", why, excerpt)
            self._keep(b"")
            self._long = None

    def _joined(self) -> bytes:
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _keep(self, rest: bytes) -> None:
        self._pieces, self._held = [rest] if rest else [], len(rest)

    def _cut(self, *, flush: bool) -> Iterator[Block | Rejected]:
        data = self._joined()
        start = 0
        while start < len(data):
            if self._long is not None:
                newline = data.find(b"\n", start)
                end = len(data) if newline < 0 else newline
                self._long.length += end - start
                self.offset += end - start
                start = end
                if newline < 0:
                    break
                rejected = self._rejected(self._long)
                self._long = None
                self.line += 1
                self.offset += 1
                start += 1
                yield rejected
                continue
            if not flush and len(data) - start <= self._block_bytes:
                break
            end = self._end_of_block(data, start)
            if end > start:
                yield self._block(data[start:end])
                start = end
            elif len(data) - start > self._max_line_bytes:
                kept = min(_EXCERPT_BYTES, self._max_line_bytes)
                self._long = _LongLine(data[start : start + kept])
            else:
                break
        self._keep(data[start:])

    def _end_of_block(self, data: bytes, start: int) -> int:
        """Where the last line ends that fits into a block; ``start`` if the first one does not end.

        Every line up to there is within the bound.
        """
        limit = start + self._block_bytes
        end = start
        while end < limit:
            newline = data.rfind(b"\n", end, min(limit, end + self._max_line_bytes + 1))
            if newline < 0:
                break
            end = newline + 1
        if end == start:
            end = data.find(b"\n", start, start + self._max_line_bytes + 1) + 1
        return max(start, end)

    def _block(self, data: bytes) -> Block:
        block = Block(self._file, self._name, data, self.line, self.offset)
        self.line += occurrences(data, b"\n")
        self.offset += len(data)
        return block

    def _rejected(self, long: _LongLine) -> Rejected:
        return Rejected(
            self._name,
            self.line,
            "line_too_long",
            f"the line has {long.length} bytes; at most {self._max_line_bytes} are read",
            long.excerpt,
        )


def blocks(
    file: LogFile, block_bytes: int = BLOCK_BYTES, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Block | Rejected]:
    """Read a file as blocks of whole lines.

    What is appended to a file while it is read is left for the next run, except for the rest of
    the line that its end stood in. The last block has ``last`` set; it holds the unfinished last
    line, if there is one. A rejected line may come one block before its place. An empty file
    gives nothing. Memory is bounded by a few times ``block_bytes`` and ``max_line_bytes``.

    Raises:
        InputError: If the file cannot be opened, is damaged, became shorter while it was read, or
            is another file than the one that was found; what was good was given before.
    """
    cutter = LineCutter(
        file.number, str(file.path), block_bytes=block_bytes, max_line_bytes=max_line_bytes
    )
    pending: Block | None = None
    for item in _cut_file(file, cutter):
        if isinstance(item, InputError):
            if pending is not None:
                yield replace(pending, last=True)
            raise item
        if isinstance(item, Rejected):
            yield item
            continue
        if pending is not None:
            yield pending
        pending = item
    if pending is not None:
        yield replace(pending, last=True)


def _cut_file(file: LogFile, cutter: LineCutter) -> Iterator[Block | Rejected | InputError]:
    """Blocks of a file; an error, if there is one, is the last item."""
    try:
        with open_regular(file.path) as raw:
            size = _size_of_same(file, raw)
            stream = decompressed(raw, file.path)
            pieces = _up_to(raw, size, file.path) if stream is raw else _pieces(stream)
            for piece in pieces:
                yield from cutter.feed(piece)
        yield from cutter.finish()
    except InputError as error:
        yield from cutter.flush()
        line = cutter.line
        yield from cutter.drop_unfinished("the rest of the line is lost: the file is damaged")
        yield InputError(error.message, file.path, line)
    except OSError as error:
        yield from cutter.flush()
        line = cutter.line
        yield from cutter.drop_unfinished("the rest of the line could not be read")
        yield InputError(why_unreadable(error), file.path, line)


def _size_of_same(file: LogFile, raw: io.FileIO) -> int:
    """The file's size now, if it still is the one that was found."""
    now = os.fstat(raw.fileno())
    if file.file_id is not None and file.file_id != (now.st_dev, now.st_ino):
        raise InputError(
            "was replaced by another file after it was found (log rotation?); run again", file.path
        )
    return now.st_size


def _up_to(raw: ByteStream, size: int, path: Path) -> Iterator[bytes]:
    """The first ``size`` bytes of a file that may grow, and the rest of the line they end in."""
    left = size
    last = b"\n"
    while left:
        piece = raw.read(min(_PIECE, left))
        if not piece:
            raise InputError(
                f"became {left} bytes shorter while it was read (log rotation?); what was read "
                "before is kept; run again",
                path,
            )
        left -= len(piece)
        last = piece[-1:]
        yield piece
    while last != b"\n" and (piece := raw.read(_REST_PIECE)):
        end = piece.find(b"\n") + 1
        yield piece[:end] if end else piece
        last = b"\n" if end else last


def _pieces(stream: ByteStream) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece
