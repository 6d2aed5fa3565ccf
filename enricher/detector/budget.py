"""Thresholds that keep the expected number of grouped alerts under a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Channel:
    """One thing that can raise alerts: a family, or novelty, in one kind of record.

    Attributes:
        floor: No threshold is set below this score.
        peaks: float32 [G], the highest score of each group (source, window) that reaches the
            floor, highest first. A threshold raises as many alerts as there are peaks above it.
    """

    floor: float
    peaks: FloatArray

    def alerts(self, level: int) -> int:
        """Alerts to expect where ``level`` peaks may pass.

        A threshold put just above the peak after those lets a next one pass as often as the data
        did, so it counts as one more (the mean of an order statistic); one that stays at the
        floor, which the data did not choose, counts as it was seen.
        """
        return len(self.peaks) if len(self.peaks) <= level else level + 1

    def threshold(self, level: int) -> float:
        """The threshold that lets ``level`` peaks pass."""
        if len(self.peaks) <= level:
            return self.floor
        return float(np.nextafter(self.peaks[level], np.float32(np.inf), dtype=np.float32))


def channel(
    scores: FloatArray,
    sources: npt.NDArray[np.int64],
    windows: npt.NDArray[np.int64],
    floor: float,
) -> Channel:
    """Group the scores of N records by (source, window).

    Args:
        scores: float32 [N].
        sources: int64 [N].
        windows: int64 [N].
        floor: No threshold is set below this score.
    """
    floor = float(np.float32(floor))
    reaching = np.flatnonzero(scores >= np.float32(floor))
    reaching = reaching[np.lexsort((windows[reaching], sources[reaching]))]
    if not len(reaching):
        return Channel(floor, np.zeros(0, dtype=np.float32))
    source, window = sources[reaching], windows[reaching]
    fresh = np.flatnonzero((np.diff(source) != 0) | (np.diff(window) != 0)) + 1
    starts = np.concatenate(([0], fresh))
    peaks = np.maximum.reduceat(scores[reaching], starts)
    return Channel(floor, np.sort(peaks)[::-1])


def common_level(channels: Sequence[Channel], alerts: float) -> int:
    """The most peaks that every channel may let pass so that together they stay under ``alerts``.

    What a quiet channel does not use goes to the others. 0 where even that is too many.
    """
    low, high = 0, max((len(c.peaks) for c in channels), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(c.alerts(middle) for c in channels) <= alerts:
            low = middle
        else:
            high = middle - 1
    return low
