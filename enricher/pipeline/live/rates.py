"""How many records a second."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

_MINUTE = 60.0


class Rates:
    """Records a second by kind, over about the last minute.

    Args:
        clock: Tells the time in seconds; it never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._seen: dict[str, int] = {}
        self._rates: dict[str, float] = {}

    def update(self, read: Mapping[str, int]) -> dict[str, float]:
        """Take how many records of each kind were ever read; gives the rates."""
        now = self._clock()
        passed, self._at = max(now - self._at, 1e-9), now
        weight = 1.0 - math.exp(-passed / _MINUTE)
        for kind, count in read.items():
            rate = (count - self._seen.get(kind, count)) / passed
            known = self._rates.get(kind, rate)
            self._rates[kind] = known + weight * (rate - known)
            self._seen[kind] = count
        return {kind: round(rate, 3) for kind, rate in self._rates.items()}
