"""Reads lines once more that were given out before, wherever their log is now."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from enricher.errors import InputError
from enricher.logs import Block, Rejected
from enricher.sources.blocks import LineCutter
from enricher.sources.compression import ByteStream, open_decompressed, why_unreadable
from enricher.sources.following.content import skip
from enricher.sources.following.looking import Looker
from enricher.sources.following.places import Place
from enricher.sources.following.roster import Roster
from enricher.sources.following.states import LogState
from enricher.sources.position import is_same_log

_CHUNK = 256 * 1024


class Replay:
    """Reads spans of known logs; a span that follows the last one is found without seeking."""

    def __init__(
        self, roster: Roster, looker: Looker, places: Sequence[Place], max_line_bytes: int
    ) -> None:
        self._roster = roster
        self._looker = looker
        self._places = places
        self._max_line_bytes = max_line_bytes
        self._stream: ByteStream | None = None
        self._number = -1
        self._at = 0

    def again(
        self, number: int, start: int, end: int, line: int | None
    ) -> tuple[Block | Rejected, ...]:
        """See :meth:`enricher.sources.following.Follower.again`."""
        state = self._roster.state(number)
        if state is None:
            raise InputError(f"log {number} is not known any more; start with a new state")
        if start == end:
            return ()
        if line is None:
            line = 1 + sum(piece.count(b"\n") for piece in self._span(state, 0, start))
        cutter = LineCutter(
            number,
            state.name,
            block_bytes=max(end - start, 1),
            max_line_bytes=self._max_line_bytes,
            offset=start,
            line=line,
        )
        items: list[Block | Rejected] = []
        for piece in self._span(state, start, end):
            items.extend(cutter.feed(piece))
        items.extend(cutter.finish())
        return tuple(
            replace(i, last=not i.data.endswith(b"\n")) if isinstance(i, Block) else i
            for i in items
        )

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _span(self, state: LogState, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a log from ``start`` to ``end``."""
        stream = self._stream_at(state, start)
        while self._at < end:
            try:
                piece = stream.read(min(_CHUNK, end - self._at))
            except OSError as error:
                raise InputError(why_unreadable(error), state.path) from error
            if not piece:
                raise _gone(state)
            self._at += len(piece)
            yield piece

    def _stream_at(self, state: LogState, start: int) -> ByteStream:
        """The log's content from ``start`` on.

        A span behind the last one of a compressed log needs no new search; a plain file may have
        been emptied meanwhile, and is found and checked again each time.
        """
        stream = self._stream
        known = stream is not None and not isinstance(stream, io.FileIO)
        if stream is None or not known or self._number != state.number or self._at > start:
            self.close()
            stream = self._stream = open_decompressed(self._path_of(state))
            self._number, self._at = state.number, 0
        if isinstance(stream, io.FileIO):
            stream.seek(start)
        elif not skip(stream, start - self._at):
            raise _gone(state)
        self._at = start
        return stream

    def _path_of(self, state: LogState) -> Path:
        log = self._roster.logs.get(state.number)
        if log is not None and log.is_open and not log.compressed:
            return log.open_path
        with suppress(InputError):  # it may be elsewhere
            if is_same_log(state.path, state.fingerprint):
                return state.path
        found = self._looker.search(self._places, state.number)
        if found is None:
            raise _gone(state)
        return found


def _gone(state: LogState) -> InputError:
    return InputError(
        "is gone, or has become shorter, and is not in the archive either; its lines cannot be "
        "read again",
        state.path,
    )
