"""One log that is being read: its file, what of it is cut into lines, and its state."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from enricher.errors import InputError
from enricher.logs import Block, Rejected
from enricher.sources.blocks import LineCutter
from enricher.sources.compression import ByteStream, open_regular, why_unreadable
from enricher.sources.following.content import go_to
from enricher.sources.following.lines import header_after, last_written
from enricher.sources.following.states import LogState, Piece
from enricher.sources.position import FINGERPRINT_BYTES, Fingerprint

_CHUNK = 256 * 1024


class OpenLog:
    """Reads one log onward from its state, as far as it is known to go.

    Args:
        state: Where to go on; the caller's to replace where the log is found elsewhere.
        first_written: When its first record was written, if known; for a log not yet begun.
        block_bytes: Size of a block that is aimed at.
        max_line_bytes: A longer line is rejected.

    Attributes:
        state: As it is after the last piece that was given out.
        size: Bytes on disk, as far as reading may go; for a compressed log its whole size.
        compressed: It is compressed, and so complete.
        ended: A compressed log was read to its end.
        damage: Why the rest of a compressed log could not be read, if so.
        replaced: The file no longer begins as this log does: something else was written there.
        rotated: It was renamed, moved or deleted, or another log has taken its place.
        quiet_since: Since when it has not grown and was rotated (monotonic clock).
        vanished: Its file is not where it was, so that it can be read only as long as it is open.
        home: Where it was found; None if it had been rotated by then.
        seen: Size and time of change at the latest look.
        lost_since: Since when its file is not to be found (monotonic clock).
        truncated: Its file was emptied or replaced while it was read.
        hopeless: What was not read of it is lost.
        active: When it last gave out something (monotonic clock).
        given: It has given out a piece, so that somebody else knows of it.
    """

    def __init__(
        self,
        state: LogState,
        *,
        first_written: float | None,
        block_bytes: int,
        max_line_bytes: int,
    ) -> None:
        self.state = state
        self.size = state.offset
        self.compressed = False
        self.ended = False
        self.damage: str | None = None
        self.replaced = False
        self.rotated = False
        self.vanished = False
        self.home: Path | None = None
        self.seen: tuple[int, int] | None = None
        self.lost_since: float | None = None
        self.truncated = False
        self.hopeless = False
        self.quiet_since = 0.0
        self.active = 0.0
        self.given = False
        self._first_written = first_written
        self._bounds = (block_bytes, max_line_bytes)
        self._raw: io.FileIO | None = None
        self._stream: ByteStream | None = None
        self._cutter = self._fresh_cutter()
        self._queue: deque[tuple[Block | Rejected, int, int]] = deque()
        self._head = bytearray()
        self._read_to = state.offset

    @property
    def is_open(self) -> bool:
        """Whether its file is held open."""
        return self._raw is not None

    @property
    def waiting(self) -> bool:
        """Whether something may be read that is known to be there."""
        if self._queue:
            return True
        return not self.ended if self.compressed else self.size > self._read_to

    @property
    def read_to(self) -> int:
        """How far its file was read, in bytes (not compressed)."""
        return self._read_to

    @property
    def unfinished_line(self) -> bool:
        """Whether it goes on behind the last whole line."""
        return self._read_to > self.state.offset

    @property
    def left(self) -> int:
        """Bytes on disk that are not given out yet; of a compressed log, not decompressed yet."""
        if not self.compressed:
            return max(self.size - self.state.offset, 0)
        if self.ended:
            return 0
        return max(self.size - (self._raw.tell() if self._raw is not None else 0), 0)

    @property
    def order(self) -> tuple[bool, float, str, int]:
        """Logs whose last record was written earlier come first."""
        written = self.state.written
        written = self._first_written if written is None else written
        return (written is None, written or 0.0, self.state.name, self.state.number)

    @property
    def open_path(self) -> Path:
        """A path of the open file, even if it was deleted; see proc(5)."""
        assert self._raw is not None
        return Path(f"/proc/self/fd/{self._raw.fileno()}")

    def status(self) -> os.stat_result:
        """The status of the file that is held open."""
        assert self._raw is not None
        return os.fstat(self._raw.fileno())

    def open(self, path: Path) -> bool:
        """Open a file and go to the log's place in it; False if it is not this log.

        Raises:
            InputError: If it cannot be read.
        """
        self.close()
        raw = open_regular(path)
        try:
            head = go_to(raw, path, self.state)
        except (OSError, InputError) as error:
            raw.close()
            if isinstance(error, InputError):
                raise
            raise InputError(why_unreadable(error), path) from error
        status = os.fstat(raw.fileno())
        file_id = (status.st_dev, status.st_ino)
        # Of a log that is not begun nothing but this is known.
        if head is None or (self.state.offset == 0 and self.state.file_id != file_id):
            raw.close()
            return False
        self._raw, (self._stream, beginning) = raw, head
        self.compressed = self._stream is not raw
        self._head = bytearray(beginning)
        self.state = replace(self.state, path=path, file_id=file_id)
        return True

    def close(self) -> None:
        """Let go of the file; what was read and not given out is read again later."""
        if self._raw is not None:
            self._raw.close()
        self._raw = self._stream = None
        self._queue.clear()
        self._cutter = self._fresh_cutter()
        self._head.clear()
        self.ended = self.replaced = False
        self.damage = None

    def restart(self) -> None:
        """Close it and forget how far it had been read, for it goes on in another file."""
        self.close()
        self._read_to = self.state.offset

    def begins_the_same(self) -> bool:
        """Whether the open file still begins with what was read there."""
        assert self._raw is not None
        return os.pread(self._raw.fileno(), len(self._head), 0) == self._head

    def beginning(self) -> bytes:
        """The first bytes that its open file has now, as many as a fingerprint is of."""
        assert self._raw is not None
        return os.pread(self._raw.fileno(), FINGERPRINT_BYTES, 0)

    def next_piece(self) -> Piece | None:
        """The next lines; None if there are no whole ones left.

        Raises:
            InputError: If reading fails for another reason than damaged compression.
        """
        while not self._queue and self._read_more():
            pass
        if not self._queue:
            return None
        item, offset, line = self._queue.popleft()
        return self._advance((item,), offset, line)

    def finish(self) -> Piece:
        """The last piece: what is left behind the last whole line, and that it is finished."""
        if self.damage is None:
            items = list(self._cutter.finish())
        else:
            why = "the rest of the line is lost: the file is damaged"
            items = list(self._cutter.drop_unfinished(why))
        last = tuple(replace(i, last=True) if isinstance(i, Block) else i for i in items)
        if self.damage is not None or not last:
            return self._advance(last, self.state.offset, self.state.line, finished=True)
        return self._advance(last, self._cutter.offset, self._cutter.line, finished=True)

    def give_up(self) -> Piece:
        """The last piece of a log whose rest is lost."""
        return self._advance((), self.state.offset, self.state.line, finished=True)

    def _read_more(self) -> bool:
        """Read one chunk; False if there is no more for now."""
        if self._stream is None:
            return False
        wanted = _CHUNK if self.compressed else min(_CHUNK, self.size - self._cutter_end)
        try:
            data = (self._stream.read(wanted) or b"") if wanted > 0 else b""
        except InputError as error:
            self.damage, data = error.message, b""
        except OSError as error:
            raise InputError(why_unreadable(error), self.state.path) from error
        if not self.compressed and data and not self.begins_the_same():
            self.replaced = True
            return False
        if not data:
            self.ended = self.compressed
            self._put(self._cutter.flush())
            self._read_to = max(self._read_to, self._cutter_end)
            # A file that shrank is seen at the next look; until then nothing is there.
            self.size = self.size if self.compressed else min(self.size, self._cutter_end)
            return bool(self._queue)
        self._head += data[: FINGERPRINT_BYTES - len(self._head)]
        self._cutter_end += len(data)
        self._read_to = self._cutter_end
        self._put(self._cutter.feed(data))
        if not self.compressed and self._cutter_end >= self.size:
            self._put(self._cutter.flush())
        return True

    def _put(self, items: Iterable[Block | Rejected]) -> None:
        for item in items:
            self._queue.append((item, self._cutter.offset, self._cutter.line))

    def _fresh_cutter(self) -> LineCutter:
        state, (block_bytes, max_line_bytes) = self.state, self._bounds
        self._cutter_end = state.offset
        return LineCutter(
            state.number,
            state.name,
            block_bytes=block_bytes,
            max_line_bytes=max_line_bytes,
            offset=state.offset,
            line=state.line,
        )

    def _advance(
        self, items: tuple[Block | Rejected, ...], offset: int, line: int, finished: bool = False
    ) -> Piece:
        before = self.state
        header, written = before.header, before.written
        for item in items:
            if isinstance(item, Block):
                if before.format == "tsv":
                    header = header_after(header, item.data)
                now = last_written(before.format, header, item.data, before.path.name)
                written = written if now is None else now
        fingerprint = before.fingerprint
        length = min(FINGERPRINT_BYTES, offset)
        if length > fingerprint.length:
            digest = hashlib.sha256(self._head[:length]).hexdigest()
            fingerprint = Fingerprint(digest, length)
        self.state = replace(
            before,
            fingerprint=fingerprint,
            offset=offset,
            line=line,
            header=header,
            written=written,
            finished=finished,
        )
        self.given = True
        return Piece(self.state, before.offset, before.line, items)
