"""Flow time as records tell it, proof against times that are wrong."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FAR = 86_400.0
"""A record whose time is further than this (in s) from the clock does not move it by itself."""
BELIEVED = 100
"""So many records in a row that are all far ahead, or all far behind, set the clock."""
LATEST = 1e12
"""The end of the year 9999 is below this, and so is every clock."""

Times = npt.NDArray[np.float64]


class FlowClock:
    """The largest flow time so far, over all records of all kinds.

    A record that is ahead by more than :data:`FAR` leaves the clock as it is, for its time may be
    wrong. Where :data:`BELIEVED` records in a row are so, the sensor was silent for a while, and
    the clock is set to the smallest of their times. Where so many in a row are far behind, the
    clock itself was wrong (its first record was), and it goes back to the largest of them. A
    record without a time (0) is not looked at. So a wild timestamp never closes a window, and
    nothing keeps the clock from coming right.

    Attributes:
        now: Flow time in seconds UTC; ``-inf`` before the first record.
    """

    def __init__(self) -> None:
        self.now = -np.inf
        self._far = 0  # how many in a row are far ahead; less than 0: far behind
        self._nearest = 0.0  # the one of them that is nearest to the clock

    def take(self, ts: Times) -> Times:
        """Move on by N records.

        Args:
            ts: float64 [N], times from 0 upwards; 0 where a record has none.

        Returns:
            float64 [N], the clock at each record, this record included. It falls only where the
            clock is set back.
        """
        if not len(ts):
            return ts
        timed = np.where(ts > 0, ts, np.nan)
        if not np.isfinite(self.now) or self._far:
            return self._one_by_one(timed)
        clocks = np.fmax.accumulate(np.concatenate(([self.now], timed)))
        ahead = timed - clocks[:-1]
        if np.any(np.abs(ahead) > FAR):
            return self._one_by_one(timed)
        self.now = float(clocks[-1])
        return clocks[1:]

    def _one_by_one(self, timed: Times) -> Times:
        clocks = np.empty_like(timed)
        for place, ts in enumerate(timed.tolist()):
            if ts == ts:  # noqa: PLR0124  # a time, not a lack of one
                self._step(ts)
            clocks[place] = self.now
        return clocks

    def _step(self, ts: float) -> None:
        if self.now == -np.inf:
            self.now = ts
        elif abs(ts - self.now) <= FAR:
            self.now = max(self.now, ts)
            self._far = 0
        elif ts > self.now:
            self._nearest = ts if self._far <= 0 else min(self._nearest, ts)
            self._far = max(self._far, 0) + 1
        else:
            self._nearest = ts if self._far >= 0 else max(self._nearest, ts)
            self._far = min(self._far, 0) - 1
        if abs(self._far) >= BELIEVED:
            self.now, self._far = self._nearest, 0

    def export(self) -> list[float]:
        """What :meth:`restore` needs; empty before the first record with a time."""
        if self.now == -np.inf:
            return []
        return [self.now, float(self._far), self._nearest]

    def restore(self, state: list[float]) -> None:
        """Go on from an exported state.

        Raises:
            ValueError: If it is none.
        """
        if not state:
            self.now, self._far, self._nearest = -np.inf, 0, 0.0
            return
        now, far, nearest = state
        times = 0.0 <= now < LATEST and 0.0 <= nearest < LATEST
        if not times or abs(far) >= BELIEVED or far != int(far):
            raise ValueError("the clock's state is damaged")
        self.now, self._far, self._nearest = now, int(far), nearest
