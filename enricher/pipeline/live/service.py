"""The service: look, read, score, write, commit, for ever."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import Any

from enricher.config import Settings
from enricher.errors import EnricherError, StateError
from enricher.pipeline.live.committing import Committer
from enricher.pipeline.live.database import Round, ServiceDatabase, Span, plain_log
from enricher.pipeline.live.fold import Fold
from enricher.pipeline.live.inputs import Inputs
from enricher.pipeline.live.loading import load_detector, stamp
from enricher.pipeline.live.lock import ServiceLock
from enricher.pipeline.live.metrics import Metrics
from enricher.pipeline.live.outputs import ENRICHED, EVE
from enricher.pipeline.live.patience import Patience, StoppedError
from enricher.pipeline.live.rates import Rates
from enricher.pipeline.live.restoring import restore
from enricher.pipeline.live.status import plain_lags, plain_troubles
from enricher.pipeline.live.verdicts import LiveVerdicts
from enricher.pipeline.live.writing import AlertWriter

log = logging.getLogger("enricher")

_SHORTEST_ROUND = 0.1
"""A round is not begun sooner than so many seconds after the last: commits cost."""
_STATUS_SECONDS = 1.0
_HEARTBEAT_SECONDS = 5.0


class Service:
    """Follows logs and writes alerts until it is told to stop.

    Args:
        load: Gives the settings; called again when they are to be reloaded.

    Raises:
        EnricherError: If it can not begin.
    """

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load
        self._patience = Patience(self._tell_that_it_waits)
        self._reload = False
        self._settings = settings = load()
        self._rates = Rates()
        self._started = time.time()
        self._told = 0.0
        self._metrics = Metrics()
        with ExitStack() as stack:
            stack.enter_context(ServiceLock(settings.state))
            self._database = database = stack.enter_context(ServiceDatabase(settings.state))
            self._inputs = Inputs(settings, database.logs(), database.word("since") or {})
            stack.callback(self._inputs.close)
            database.commit(Round(words={"since": self._inputs.since}))
            self._stamp = stamp(settings.state)
            self._loaded = load_detector(settings)
            self._writer = AlertWriter(self._loaded, settings)
            self._committer = stack.enter_context(Committer(database, settings, self._patience))
            stack.enter_context(self._metrics.served(settings.service.metrics))
            self._fold = restore(database, self._inputs.follower, self._loaded, settings)
            self._verdicts = LiveVerdicts(database, settings, self._loaded.false_alarms)
            self._verdicts.update((), self._fold.clock)
            self._resources = stack.pop_all()

    def stop(self) -> None:
        """Finish the round, commit it, and end; a signal handler may call it."""
        self._patience.stop()
        self._inputs.follower.wake()

    def reload(self) -> None:
        """Between two rounds reopen outputs and read settings, families and calibration again."""
        self._reload = True
        self._inputs.follower.wake()

    def run(self, *, once: bool = False) -> None:
        """Work until :meth:`stop` is called.

        Args:
            once: End when everything that is there has been read.

        Raises:
            EnricherError: If it can not go on.
        """
        log.info("following %s", ", ".join(one.path for one in self._settings.inputs))
        with self._resources:
            try:
                while not self._patience.stopped:
                    self._between_rounds()
                    began = time.monotonic()
                    busy = self._round()
                    if not busy and (once or self._inputs.ended):
                        break
                    self._rest(began, busy=busy)
                self._snapshot(stopped=True)
            except StoppedError:
                log.warning("stopped while waiting: the next start goes on from the last commit")
        log.info("stopped")

    def _rest(self, began: float, *, busy: bool) -> None:
        """Wait for more; hardly where there may be more already."""
        if not busy:
            self._inputs.follower.wait(self._settings.following.poll_seconds)
        elif (left := _SHORTEST_ROUND - (time.monotonic() - began)) > 0.0:
            self._patience.pause(left)

    def _round(self) -> bool:
        """Read what is there, write its alerts, commit; whether anything was there."""
        self._inputs.look()
        began = time.monotonic()
        pieces = list(self._inputs.follower.read(self._settings.service.round_bytes))
        if not pieces and began - self._told < _HEARTBEAT_SECONDS:
            return False
        taken = self._fold.take(pieces)
        lines, kept = self._writer.write(taken.alerts)
        done = Round(
            logs=self._inputs.took(pieces),
            spans=[span for span in map(Span.of, pieces) if len(span)],
            words=self._words(),
            alerts=kept,
        )
        self._committer.commit({EVE: lines, ENRICHED: taken.enriched}, done)
        self._verdicts.update(kept, self._fold.clock)
        self._fold.forget(piece.log.number for piece in pieces if piece.log.finished)
        if pieces:
            self._metrics.round(time.monotonic() - began)
        if self._committer.pending_bytes >= self._settings.service.snapshot_bytes:
            self._snapshot()
        return bool(pieces)

    def _words(self, *, stopped: bool = False) -> dict[str, Any]:
        """What is committed with a round: counts, and now and then the status."""
        words: dict[str, Any] = {"accounting": self._fold.accounting.to_plain()}
        now = time.monotonic()
        if stopped or now - self._told >= _STATUS_SECONDS:
            self._told = now
            words["status"] = self._status() | {"stopped": stopped}
            self._metrics.update(self._fold.accounting, words["status"])
        return words

    def _tell_that_it_waits(self) -> None:
        """Keep the status fresh; positions and counts stay those of the last commit."""
        status = self._status()
        self._metrics.update(self._fold.accounting, status)
        # Where the database is what can not be written, the status grows old, which says enough.
        with suppress(StateError):
            self._database.commit(Round(words={"status": status}))

    def _status(self) -> dict[str, Any]:
        read = {kind: one.read for kind, one in self._fold.accounting.kinds.items()}
        bundle = self._loaded.detector.bundle
        lags = self._inputs.follower.lags()
        return {
            "pid": os.getpid(),
            "started": self._started,
            "updated": time.time(),
            "records_per_second": self._rates.update(read),
            "lags": plain_lags(lags),
            "lag_bytes": sum(lag.bytes for lag in lags),
            "flow_time": self._fold.clock,
            "drift": {kind: asdict(one) for kind, one in self._fold.drift().items()},
            "waiting_for": self._patience.waiting_for,
            "unreadable": plain_troubles(self._inputs.follower.troubles()),
            "families": list(self._loaded.detector.families),
            "model": f"{bundle.name} {bundle.version}",
        }

    def _snapshot(self, *, stopped: bool = False) -> None:
        """Write down all that is known, so that a restart need not read again what came before."""
        arrays, words = self._fold.export()
        forgotten = self._inputs.forget()
        logs = [plain_log(state) for state in self._inputs.states()]
        self._committer.snapshot(
            arrays,
            {"fold": words, "logs": logs},
            Round(words=self._words(stopped=stopped)),
            forgotten,
        )
        self._inputs.snapshot_taken()

    def _between_rounds(self) -> None:
        if self._reload:
            self._reload = False
            fresh = self._load_again()
            read = (
                "families and calibration" if fresh is None else "settings, families, calibration"
            )
            self._take_up(fresh or self._settings, read)
            self._committer.reopen(self._settings)
        elif (now := stamp(self._settings.state)) != self._stamp:
            self._stamp = now
            self._take_up(self._settings, "families or calibration")

    def _load_again(self) -> Settings | None:
        """The settings as they are now; None if they can not be used."""
        try:
            fresh = self._load()
        except EnricherError as error:
            log.warning("the settings are not reloaded, the old ones hold: %s", error)
            return None
        for name in ("inputs", "state", "service", "following", "reading"):
            if getattr(fresh, name) != getattr(self._settings, name):
                log.warning("a change of %r needs a restart; until then the old value holds", name)
        kept = {name: getattr(self._settings, name) for name in ("inputs", "state")}
        return fresh.model_copy(update=kept)

    def _take_up(self, settings: Settings, what: str) -> None:
        """Go on with other settings or another detector, from the same place."""
        try:
            loaded = load_detector(settings)
        except EnricherError as error:
            log.warning("%s are not taken up: %s", what, error)
            return
        # What was known under the old ones can not be found again under the new ones.
        self._snapshot()
        arrays, words = self._fold.export()
        fold = Fold(loaded.detector, settings, self._inputs.states(), loaded.false_alarms)
        try:
            fold.restore(arrays, words)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("context and open groups begin anew, no record is lost: %s", error)
            fold = Fold(loaded.detector, settings, self._inputs.states(), loaded.false_alarms)
        fold.accounting = self._fold.accounting
        self._settings, self._loaded, self._fold = settings, loaded, fold
        self._writer = AlertWriter(loaded, settings)
        self._verdicts.take_up(settings, loaded.false_alarms)
        self._verdicts.update((), fold.clock)
        log.info("%s are taken up", what)
