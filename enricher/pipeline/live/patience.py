"""Waits for what is not there now (a full disk, a listener gone), says so, tries again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from enricher.errors import OutputError, StateError

T = TypeVar("T")

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0

log = logging.getLogger("enricher")


class StoppedError(Exception):
    """The service was asked to stop while it waited; nothing of the round is committed."""


class Patience:
    """Tries until it works, or the service is asked to stop.

    Args:
        tell: Called before each wait, so that others learn of it.

    Attributes:
        waiting_for: Why it waits now; None where it does not.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self.waiting_for: str | None = None
        self._tell = tell
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether the service was asked to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the service to stop."""
        self._stop.set()

    def pause(self, seconds: float) -> None:
        """Wait, or until the service is asked to stop."""
        self._stop.wait(seconds)

    def until_done(self, work: Callable[[], T]) -> T:
        """Do some work; where it can not be done now, wait and do it again.

        Raises:
            StoppedError: If the service was asked to stop meanwhile.
        """
        wait = _FIRST_WAIT
        while True:
            try:
                done = work()
            except (OutputError, StateError) as error:
                self._say(str(error))
                self._tell()
            else:
                if self.waiting_for is not None:
                    log.info("it works again, nothing was lost")
                    self.waiting_for = None
                return done
            if self._stop.wait(wait):
                raise StoppedError
            wait = min(2 * wait, _LONGEST_WAIT)

    def _say(self, why: str) -> None:
        if why != self.waiting_for:
            log.warning("waiting, nothing is lost meanwhile: %s", why)
        self.waiting_for = why
