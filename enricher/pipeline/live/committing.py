"""Writes and commits: alerts first, then positions and the length of what was written, at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from enricher.config import Settings
from enricher.errors import OutputError
from enricher.pipeline.live.database import Round, ServiceDatabase
from enricher.pipeline.live.output import Output, Written, open_output
from enricher.pipeline.live.patience import Patience
from enricher.pipeline.live.snapshot import Arrays, sweep_snapshots, write_snapshot

log = logging.getLogger("enricher")

_OUTPUT, _SNAPSHOTS = "output", "snapshots"


class Committer:
    """The one place where the service writes.

    Args:
        database: What is committed.
        settings: Where alerts go.
        patience: Waits where something can not be written.

    Attributes:
        pending_bytes: Bytes of logs that a restart would read again.

    Raises:
        OutputError: If the output can not be opened.
        StateError: If the database can not be used.
    """

    def __init__(self, database: ServiceDatabase, settings: Settings, patience: Patience) -> None:
        self._database = database
        self._patience = patience
        self._state = settings.state
        self._snapshots = int(database.word(_SNAPSHOTS) or 0)
        self._target = _target(settings)
        self._output: Output = open_output(self._target, Written.from_plain(database.word(_OUTPUT)))
        self.pending_bytes = sum(map(len, database.journal()))

    def commit(self, lines: Sequence[bytes], done: Round) -> None:
        """Write lines, then commit the round they came of.

        Raises:
            StoppedError: If the service was asked to stop while it waited.
        """
        self._patience.until_done(lambda: self._output.append(lines))
        done.words[_OUTPUT] = self._written()
        self._patience.until_done(lambda: self._database.commit(done))
        self.pending_bytes += sum(map(len, done.spans))

    def snapshot(
        self, arrays: Arrays, words: Mapping[str, Any], done: Round, forget: Iterable[int]
    ) -> None:
        """Write down all that is known, so that a restart begins there.

        Args:
            arrays: What the fold knows.
            words: The same.
            done: What else is committed with it.
            forget: Numbers of logs that need not be known any longer.

        Raises:
            StoppedError: If the service was asked to stop while it waited.
        """
        self._snapshots += 1
        number = self._snapshots
        name = self._patience.until_done(lambda: write_snapshot(self._state, number, arrays, words))
        done.words |= {_OUTPUT: self._written(), _SNAPSHOTS: number}
        gone = tuple(forget)
        self._patience.until_done(lambda: self._database.commit_snapshot(name, done, gone))
        sweep_snapshots(self._state, name)
        self.pending_bytes = 0

    def reopen(self, settings: Settings) -> None:
        """Begin with whatever file is at the output's place now, as after a rotation.

        Raises:
            StoppedError: If the service was asked to stop while it waited.
        """
        if (target := _target(settings)) != self._target:
            log.info("alerts go to %s now", target)
            self._output.close()
            self._target = target
            self._output = self._patience.until_done(lambda: open_output(target, None))
        else:
            self._patience.until_done(self._output.reopen)
        words = {_OUTPUT: self._written()}
        self._patience.until_done(lambda: self._database.commit(Round(words=words)))

    def _written(self) -> dict[str, int] | None:
        written = self._output.written()
        return None if written is None else written.to_plain()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._output.close()


def _target(settings: Settings) -> str:
    if settings.outputs.eve is None:
        raise OutputError(
            "nobody said where alerts go: set outputs.eve to a file, unix:/path of a socket, or -"
        )
    return settings.outputs.eve
