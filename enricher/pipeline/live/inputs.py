"""All inputs of the service as logs that are followed: directories, files, sockets, streams."""

from __future__ import annotations

import hashlib
import logging
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from enricher.config import Settings
from enricher.errors import ConfigError
from enricher.pipeline.live.spool import Receiver, SocketReceiver, Spool, StreamReceiver
from enricher.pipeline.live.stored import FOLDER
from enricher.sources.following import FollowedInput, Follower, LogState, Piece

SPOOL = "spool"
MOST_FINISHED = 20_000
"""So many logs that are read to their end are known, so as not to read their archives again."""

log = logging.getLogger("enricher")


class Inputs:
    """Where lines come from, and how far each log has been read.

    Args:
        settings: Names the inputs.
        states: Logs that are known from before.
        since: When each input was followed for the first time, of those that were before.

    Attributes:
        follower: Reads them.
        since: The same with the inputs that are followed now.

    Raises:
        ConfigError: If no input is named.
        InputError: If a socket can not be listened on.
    """

    def __init__(
        self, settings: Settings, states: Sequence[LogState], since: Mapping[str, float]
    ) -> None:
        if not settings.inputs:
            raise ConfigError("nobody said what to follow: set 'inputs' in the settings")
        self._states = {state.number: state for state in states}
        self._receivers: list[Receiver] = []
        self._levels = logging.getLevelNamesMapping()
        with ExitStack() as stack:
            stack.callback(self._close_receivers)
            places = [self._place(one.path, one.archive, settings) for one in settings.inputs]
            self.follower = Follower(
                places,
                states,
                settings.following,
                since=since,
                block_bytes=settings.reading.block_bytes,
                max_line_bytes=settings.reading.max_line_bytes,
            )
            stack.pop_all()
        self.since = {place.path: since.get(place.path, time.time()) for place in places}
        for receiver in self._receivers:
            receiver.start()

    def _place(self, path: str, archive: Path | None, settings: Settings) -> FollowedInput:
        if path != "-" and not path.startswith("unix:"):
            return FollowedInput(path, archive)
        number = hashlib.sha256(path.encode()).hexdigest()[:16]
        spool = Spool(settings.state / FOLDER / SPOOL / number)
        longest = settings.reading.max_line_bytes
        if path == "-":
            receiver: Receiver = StreamReceiver(sys.stdin.buffer, spool, longest)
        else:
            where = Path(path.removeprefix("unix:").removeprefix("//"))
            receiver = SocketReceiver(where, spool, longest)
        self._receivers.append(receiver)
        return FollowedInput(str(spool.folder))

    @property
    def ended(self) -> bool:
        """Whether no input can bring anything any more."""
        return bool(self._receivers) and all(
            isinstance(one, StreamReceiver) and one.ended for one in self._receivers
        )

    def look(self) -> None:
        """Find what is new, and say what is worth saying."""
        self.follower.look()
        while self.follower.notes:
            level, sentence = self.follower.notes.popleft()
            log.log(self._levels.get(level.upper(), logging.INFO), "%s", sentence)

    def took(self, pieces: Iterable[Piece]) -> list[LogState]:
        """Note how far logs are read; gives the states that have changed."""
        changed = {piece.log.number: piece.log for piece in pieces}
        self._states |= changed
        return list(changed.values())

    def states(self) -> list[LogState]:
        """How far every log is read."""
        return list(self._states.values())

    def forget(self) -> list[int]:
        """Numbers of the oldest finished logs, where there are too many; they are let go."""
        finished = sorted(number for number, state in self._states.items() if state.finished)
        gone = finished[: max(0, len(finished) - MOST_FINISHED)]
        for number in gone:
            del self._states[number]
        return gone

    def snapshot_taken(self) -> None:
        """Remove what was received and will never be read again."""
        read = {one.path for one in self._states.values() if one.finished}
        for receiver in self._receivers:
            for path in receiver.spool.rotated():
                if path.resolve() in read:
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of everything."""
        self.follower.close()
        self._close_receivers()

    def _close_receivers(self) -> None:
        for receiver in self._receivers:
            receiver.close()
