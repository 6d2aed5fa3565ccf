"""Follows logs: what is there now, in order, once, whatever happens to the files."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from enricher.config import FollowingSettings
from enricher.errors import InputError
from enricher.logs import Block, Rejected
from enricher.sources.blocks import BLOCK_BYTES, MAX_LINE_BYTES
from enricher.sources.following.looking import Looker
from enricher.sources.following.open_log import OpenLog
from enricher.sources.following.places import Place
from enricher.sources.following.replaying import Replay
from enricher.sources.following.roster import Roster
from enricher.sources.following.states import FollowedInput, Lag, LogState, Piece
from enricher.sources.following.troubles import Troubles
from enricher.sources.following.watching import Watch


class Follower:
    """Follows the logs of some inputs.

    One thread calls :meth:`look` and :meth:`read` in turn, and :meth:`wait` when nothing was
    read; :meth:`wake` may be called from any thread. Whoever keeps the states of the pieces
    that it is done with can go on from them with another follower: every line comes once.

    Args:
        inputs: Where logs are; an input given twice is followed once.
        states: What was kept of an earlier run, in any order.
        settings: How logs are followed.
        since: By path, when an input was followed for the first time, in seconds since 1970: what
            was archived after that is caught up on even where no state of it was kept.
        block_bytes: Size of a block that is aimed at.
        max_line_bytes: A longer line is rejected.

    Attributes:
        notes: Level (``info``, ``warning``) and sentence for the log of the service, to be taken
            out from the left.
    """

    def __init__(
        self,
        inputs: Sequence[FollowedInput],
        states: Sequence[LogState],
        settings: FollowingSettings,
        *,
        since: Mapping[str, float] | None = None,
        block_bytes: int = BLOCK_BYTES,
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        self._settings = settings
        self._roster = Roster(states, block_bytes, max_line_bytes)
        self._troubles = Troubles()
        self.notes = self._troubles.notes
        self._news: deque[Piece] = deque()
        self._looker = Looker(self._roster, settings, self._troubles, self._news.append)
        found = dict(since or {})
        for state in states:
            found[state.source] = min(state.found, found.get(state.source, state.found))
        self._places = [
            Place(given, found.get(given.path))
            for given in {given.path: given for given in inputs}.values()
        ]
        self._replay = Replay(self._roster, self._looker, self._places, max_line_bytes)
        self._watch = Watch()

    def look(self) -> bool:
        """See which logs grew, are new, or were rotated; whether there is anything to read."""
        trouble = self._watch.watch(place.folder() for place in self._places)
        self._troubles.say("watching", "warning", trouble)
        self._looker.look(self._places)
        return bool(self._news) or any(self._is_ready(log) for log in self._roster.logs.values())

    def read(self, limit: int) -> Iterator[Piece]:
        """What was there at the latest look, in order, until about ``limit`` bytes were given.

        Logs of one name follow each other; of several names that one comes first whose last
        record was written earliest. A piece has one block at the most.
        """
        while self._news:
            yield self._news.popleft()
        given = 0
        ready = [deque(series) for series in self._roster.series()]
        while given < limit:
            for series in ready:
                while series and not self._is_ready(series[0]):
                    series.popleft()
            ready = [series for series in ready if series]
            if not ready:
                return
            log = min((series[0] for series in ready), key=lambda log: log.order)
            piece = self._next_piece(log)
            if piece is not None:
                self._roster.gave(log, piece)
                given += sum(len(i.data) for i in piece.items if isinstance(i, Block))
                yield piece

    def troubles(self) -> list[str]:
        """What cannot be read now, and why; one sentence each."""
        return self._troubles.lasting

    def lags(self) -> list[Lag]:
        """How much of each log that is not finished is still to be read."""
        return [
            Lag(log.state.path, log.left, log.state.kind or "eve")
            for log in self._roster.logs.values()
        ]

    def wait(self, seconds: float) -> None:
        """Wait for a change, for :meth:`wake`, or so long; at most until the next poll."""
        self._watch.wait(min(seconds, self._settings.poll_seconds))

    def wake(self) -> None:
        """End :meth:`wait`, from any thread."""
        self._watch.wake()

    def again(
        self, number: int, start: int, end: int, line: int | None = None
    ) -> tuple[Block | Rejected, ...]:
        """Lines that were given out before, once more.

        Args:
            number: The log's number.
            start: Where they begin, in bytes (not compressed): a piece's ``start``.
            end: Where they end: the ``offset`` of that piece's log, or of a later piece's.
            line: Number of the line that begins at ``start``; if None, lines are counted.

        Raises:
            InputError: If the log is nowhere to be found, or cannot be read.
        """
        return self._replay.again(number, start, end, line)

    def close(self) -> None:
        """Let go of all files and watch nothing any longer."""
        self._watch.close()
        self._replay.close()
        self._roster.close_all()

    def _is_ready(self, log: OpenLog) -> bool:
        return not log.state.finished and (log.waiting or self._is_over(log))

    def _is_over(self, log: OpenLog) -> bool:
        """Whether nothing will be read of a log any more."""
        if log.hopeless:
            return True
        if log.waiting or not log.rotated or log.lost_since is not None or log.seen is None:
            return False
        if log.compressed and log.damage is None:
            return True
        quiet = time.monotonic() - log.quiet_since
        return quiet >= self._settings.rotated_seconds

    def _next_piece(self, log: OpenLog) -> Piece | None:
        """The next piece of a log; None if there is none after all."""
        if log.hopeless:
            return log.give_up()
        path = log.state.path
        try:
            if not self._reopened(log):
                self._look_again(log)
                return None
            piece = log.next_piece()
        except InputError as error:
            self._troubles.say(str(path), "warning", error.message)
            self._look_again(log)
            return None
        if piece is None and self._is_over(log):
            if log.damage is not None:
                self._troubles.note("warning", f"{path}: {log.damage}")
            return log.finish()
        return piece

    def _reopened(self, log: OpenLog) -> bool:
        """Open a log's file if there is need to; False if it is another log's now."""
        if log.is_open or not (log.waiting or log.unfinished_line):
            return True
        return self._roster.open(log, log.state.path)

    def _look_again(self, log: OpenLog) -> None:
        """Leave a log alone until the next look has found out what became of it."""
        self._roster.close(log)
        log.seen = None
        log.size = min(log.size, log.read_to)
