"""Which open groups can still be among the best of their family and day."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection

from enricher.alerts.budget import SECONDS_A_DAY
from enricher.alerts.partials import Key, Rank

_Standing = tuple[float, float]
"""Score, then minus the p-value: the larger, the better."""


class Contenders:
    """Tells groups apart that :class:`~enricher.alerts.budget.DailyBudget` is sure to hold back.

    Groups only get stronger as records come. So where a family already has as many groups on a day
    as the budget lets through, one that is weaker than all of them has no chance until a stronger
    record comes, and nothing needs to be kept to show it. On the day of a flood that is almost
    every group.

    Args:
        per_day: Alerts a day; 0 for no limit.
        window_seconds: Length of a window.
        always: Families of which every group counts, because some are left out later.
    """

    def __init__(self, per_day: int, window_seconds: float, always: Collection[str]) -> None:
        self._per_day = per_day
        self._window_seconds = window_seconds
        self._always = always
        # The best standings that groups had when they came, the weakest of them on top.
        self._best: dict[tuple[int, str], list[_Standing]] = {}

    def admits(self, key: Key, rank: Rank, *, known: bool) -> bool:
        """Whether a group of this rank may be shown.

        Args:
            key: Its source, family and window.
            rank: Of its strongest record.
            known: Whether it was admitted before, so that it is not counted twice.
        """
        _, family, window = key
        if not self._per_day or family in self._always:
            return True
        day = math.floor(window * self._window_seconds / SECONDS_A_DAY)
        best = self._best.setdefault((day, family), [])
        standing = (-rank[0], -rank[1])
        if len(best) >= self._per_day and standing < best[0]:
            return False
        if not known:
            if len(best) < self._per_day:
                heapq.heappush(best, standing)
            else:
                heapq.heappushpop(best, standing)
        return True
