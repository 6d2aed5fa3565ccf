"""What the service tells a running Zeek: two files, made of the alerts that are kept.

There is nothing here that could be lost: after a restart the same files are made anew out of the
committed alerts and flow time.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Sequence
from pathlib import Path

from enricher.config import Settings
from enricher.errors import EnricherError, OutputError
from enricher.pipeline.live.database import MAX_ALERTS, ServiceDatabase
from enricher.pipeline.live.stored import KeptAlert
from enricher.pipeline.verdict_folder import write_verdicts
from enricher.pipeline.verdicts import choice_of, read_line
from enricher.verdicts import Choice, Entry, Verdict, make_files

_STEP = 60.0
"""Flow time is taken in steps of so many seconds: what expires is looked for once in each."""

log = logging.getLogger("enricher")


class LiveVerdicts:
    """Keeps the files as they are to be. Alerts never wait for that.

    Args:
        database: Its alerts are what the files are made of.
        settings: Where they go, and what is written.
        false_alarms: Ids of alerts that an analyst has called false: Zeek is not told of them.
    """

    def __init__(
        self, database: ServiceDatabase, settings: Settings, false_alarms: Collection[str]
    ) -> None:
        self._database = database
        self._said: str | None = None
        self._wanted: object = None
        self.take_up(settings, false_alarms)

    def take_up(self, settings: Settings, false_alarms: Collection[str]) -> None:
        """Begin anew where settings or feedback have changed; :meth:`update` writes."""
        wanted = settings.outputs.zeek, settings.verdicts, frozenset(false_alarms)
        if wanted == self._wanted:
            return
        self._folder: Path | None = settings.outputs.zeek
        self._false_alarms = false_alarms
        self._made_for: float | None = None
        self._files: dict[str, bytes] = {}
        self._written = False
        self._known: dict[str, Entry | None] = {}
        self._latest = 0.0
        if self._folder is not None:
            try:
                self._choice: Choice = choice_of(settings)
                for alert_id, event in self._database.alerts():
                    self._add(alert_id, event)
            except EnricherError as error:
                log.warning("%s; alerts go on, but verdicts for Zeek are not written", error)
                self._folder = self._wanted = None
                return
        self._wanted = wanted

    def update(self, kept: Sequence[KeptAlert], clock: float | None) -> None:
        """Take up what was committed; write what has changed by it, or by time.

        Args:
            kept: Alerts that are new.
            clock: Flow time, seconds UTC; None where no record told it yet.
        """
        if self._folder is None:
            return
        for one in kept:
            self._add(one.alert_id, one.event)
        now = self._latest if clock is None else clock
        now = math.floor(now / _STEP) * _STEP
        if kept or now != self._made_for:
            entries = (one for one in self._known.values() if one is not None)
            self._files = make_files(entries, now, self._choice)
            self._made_for, self._written = now, False
        if not self._written:
            self._write(self._folder)

    def _add(self, alert_id: str, event: str) -> None:
        """Know an alert, as long as the database does."""
        if alert_id in self._known:
            return
        verdict = read_line(event)
        entry = None
        if isinstance(verdict, Verdict):
            self._latest = verdict.ts
            if alert_id not in self._false_alarms:
                entry = Entry.of(verdict, self._choice)
        self._known[alert_id] = entry
        if len(self._known) > MAX_ALERTS:
            del self._known[next(iter(self._known))]

    def _write(self, folder: Path) -> None:
        try:
            write_verdicts(folder, self._files)
        except OutputError as error:
            if str(error) != self._said:
                log.warning("%s; alerts go on, and it is tried again", error)
            self._said = str(error)
            return
        if self._said is not None:
            log.info("%s: verdicts for Zeek are written again", folder)
            self._said = None
        self._written = True
