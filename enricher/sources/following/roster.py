"""All logs that are known: those that are read, those that are finished."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from enricher.sources.following.finding import begins_with_record
from enricher.sources.following.known import KnownLogs
from enricher.sources.following.open_log import OpenLog
from enricher.sources.following.states import LogState, Piece
from enricher.sources.position import Fingerprint

MAX_OPEN = 256
"""Files held open at once, beside rotated ones that can be read in no other way."""


class Roster:
    """The logs, by number.

    Args:
        states: The logs of an earlier run.
        block_bytes: Size of a block that is aimed at.
        max_line_bytes: A longer line is rejected.

    Attributes:
        known: The logs by the beginnings of their content.
        logs: Those that are not finished.
        finished: The others.
        headers: The latest header of TSV logs, by input and Zeek's name (None for any).
    """

    def __init__(self, states: Sequence[LogState], block_bytes: int, max_line_bytes: int) -> None:
        self.known = KnownLogs()
        self.logs: dict[int, OpenLog] = {}
        self.finished: dict[int, LogState] = {}
        self.headers: dict[tuple[str, str | None], bytes] = {}
        self._bounds = (block_bytes, max_line_bytes)
        self._open: OrderedDict[int, OpenLog] = OrderedDict()
        self._next = max((state.number for state in states), default=-1) + 1
        for state in sorted(states, key=lambda state: state.number):
            if state.finished:
                self.finished[state.number] = state
            else:
                self._read(state, None).given = True
            self._know(state)

    @property
    def has_room(self) -> bool:
        """Whether another file may be held open."""
        return len(self._open) < MAX_OPEN

    def next_number(self) -> int:
        """A number for a new log."""
        self._next += 1
        return self._next - 1

    def begin(
        self, state: LogState, first_written: float | None, beginning: Fingerprint | None
    ) -> OpenLog:
        """Read a new log; until some of it was read it is known by its beginning."""
        if beginning is not None:
            self.known.put(state.number, beginning)
        return self._read(state, first_written)

    def begins_as_known(self, log: OpenLog) -> bool:
        """Whether an open log's file begins as it is known to, if it is."""
        known = self.known.of(log.state.number)
        if known is None:
            return True
        return hashlib.sha256(log.beginning()[: known.length]).hexdigest() == known.sha256

    def know_early(self, log: OpenLog) -> None:
        """Know an open log, of which no record was read yet, by what its file begins with."""
        head = log.beginning()
        if begins_with_record(log.state.format, head):
            digest = hashlib.sha256(head).hexdigest()
            self.known.put(log.state.number, Fingerprint(digest, len(head)))

    def resume(self, state: LogState) -> OpenLog:
        """Read on in a log that was finished."""
        del self.finished[state.number]
        log = self._read(replace(state, finished=False), None)
        log.given = True
        return log

    def state(self, number: int) -> LogState | None:
        """The state of a log, finished or not."""
        log = self.logs.get(number)
        return self.finished.get(number) if log is None else log.state

    def series(self) -> Iterator[list[OpenLog]]:
        """The logs that are read, those of one name together, in the order of their numbers."""
        by_name: dict[str, list[OpenLog]] = {}
        for number in sorted(self.logs):
            log = self.logs[number]
            by_name.setdefault(log.state.name, []).append(log)
        yield from by_name.values()

    def open(self, log: OpenLog, path: Path) -> bool:
        """Open a log's file, and close another one if too many are open.

        Raises:
            InputError: If it cannot be read.
        """
        opened = log.open(path)
        if not opened:
            self._open.pop(log.state.number, None)
            return False
        self._open[log.state.number] = log
        self._open.move_to_end(log.state.number)
        if len(self._open) > MAX_OPEN:
            self._close_one(log)
        return True

    def close(self, log: OpenLog) -> None:
        """Close a log's file."""
        log.close()
        self._open.pop(log.state.number, None)

    def gave(self, log: OpenLog, piece: Piece) -> None:
        """Keep what a piece says of its log."""
        log.active = time.monotonic()
        if log.is_open:
            self._open.move_to_end(piece.log.number)
        self._know(piece.log)
        if piece.log.finished:
            self.close(log)
            del self.logs[piece.log.number]
            self.finished[piece.log.number] = piece.log

    def drop(self, number: int) -> None:
        """Forget a log."""
        log = self.logs.pop(number, None)
        if log is not None:
            self.close(log)
        self.finished.pop(number, None)
        self.known.remove(number)

    def close_all(self) -> None:
        """Close all files."""
        for log in list(self._open.values()):
            self.close(log)

    def _read(self, state: LogState, first_written: float | None) -> OpenLog:
        block_bytes, max_line_bytes = self._bounds
        log = OpenLog(
            state,
            first_written=first_written,
            block_bytes=block_bytes,
            max_line_bytes=max_line_bytes,
        )
        self.logs[state.number] = log
        return log

    def _know(self, state: LogState) -> None:
        # The header alone is the same in many logs.
        if state.written is not None:
            self.known.put(state.number, state.fingerprint)
        if state.header:
            self.headers[state.source, state.log_path] = state.header
            self.headers[state.source, None] = state.header

    def _close_one(self, keep: OpenLog) -> None:
        """Close the one longest unused that can be opened again; rather one at its end."""
        closable = [log for log in self._open.values() if log is not keep and not log.vanished]
        for log in [*(log for log in closable if not log.waiting), *closable][:1]:
            self.close(log)
