"""Writes and commits: alerts first, then positions and the length of what was written, at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from enricher.config import Settings
from enricher.pipeline.live.database import Round, ServiceDatabase
from enricher.pipeline.live.outputs import Outputs
from enricher.pipeline.live.patience import Patience
from enricher.pipeline.live.snapshot import Arrays, sweep_snapshots, write_snapshot

log = logging.getLogger("enricher")

_OUTPUTS, _SNAPSHOTS = "outputs", "snapshots"


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
        self._settings = settings
        self._state = settings.state
        self._snapshots = int(database.word(_SNAPSHOTS) or 0)
        self._outputs = Outputs(settings, database.word(_OUTPUTS), patience)
        self.pending_bytes = sum(map(len, database.journal()))

    def commit(self, lines: Mapping[str, Sequence[bytes]], done: Round) -> None:
        """Write lines, by the name of their output, then commit the round they came of.

        Raises:
            StoppedError: If the service was asked to stop while it waited.
        """
        # What was renamed without a word to us is what its reader has: a new file is begun, and
        # is known to be ours before there is a line in it.
        if any(lines.values()) and (moved := self._outputs.moved()):
            log.info("the file of %s was moved away: a new one is begun", ", ".join(moved))
            self.reopen(self._settings)
        self._outputs.append(lines)
        done.words[_OUTPUTS] = self._outputs.written()
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
        done.words |= {_OUTPUTS: self._outputs.written(), _SNAPSHOTS: number}
        gone = tuple(forget)
        self._patience.until_done(lambda: self._database.commit_snapshot(name, done, gone))
        sweep_snapshots(self._state, name)
        self.pending_bytes = 0

    def reopen(self, settings: Settings) -> None:
        """Begin with whatever file is at the output's place now, as after a rotation.

        Raises:
            StoppedError: If the service was asked to stop while it waited.
        """
        self._settings = settings
        self._outputs.reopen(settings)
        words = {_OUTPUTS: self._outputs.written()}
        self._patience.until_done(lambda: self._database.commit(Round(words=words)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._outputs.close()
