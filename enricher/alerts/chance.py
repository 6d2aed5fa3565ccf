"""Alerts of unknown records only where a window has more rare records than chance would give it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.alerts.alert import Alert
from enricher.alerts.decide import UNKNOWN, Verdicts
from enricher.alerts.families import UNKNOWN_FAMILY
from enricher.alerts.flagged import flow_time
from enricher.detector.false_discovery import LEVELS, level_of, rejection_bound
from enricher.detector.scores import Scores
from enricher.logs import Kind, LogBatch

WINDOWS = 8192
"""So many windows are counted apart; the next ones are added to the first again. The procedure
keeps its promise for any set of records, and times that a log makes up fill no memory."""

NumberArray = npt.NDArray[np.int64]


class ChanceFilter:
    """Benjamini and Hochberg's procedure over the records of each kind and window.

    A record that no family claims is ``unknown`` where its p-value is at most a bound, and among
    many records some are so by chance. The procedure lowers the bound for the window until, of
    the records under it, at most a share ``rate`` is expected to be ordinary.

    Args:
        window_seconds: Length of a window of flow time.
        rate: The false discovery rate.
    """

    def __init__(self, window_seconds: float, rate: float) -> None:
        self._window_seconds = window_seconds
        self._rate = rate
        self._totals: dict[Kind, NumberArray] = {}
        self._rare: dict[tuple[Kind, int], NumberArray] = {}

    def add(self, batch: LogBatch, scores: Scores, verdicts: Verdicts) -> None:
        """Count the records of a batch that no family claims."""
        windows = (flow_time() / self._window_seconds).floor().cast(pl.Int64)
        slots = batch.frame.select(windows).to_series().to_numpy() % WINDOWS
        totals = self._totals.setdefault(batch.kind, np.zeros(WINDOWS, dtype=np.int64))
        totals += np.bincount(slots[verdicts < 0], minlength=WINDOWS)
        rare = np.flatnonzero(verdicts == UNKNOWN)
        levels = level_of(scores.p_value[rare])
        for slot in np.unique(slots[rare]).tolist():
            counts = np.bincount(levels[slots[rare] == slot], minlength=len(LEVELS))
            key = (batch.kind, slot)
            self._rare[key] = self._rare.get(key, 0) + counts

    def bound(self, kind: Kind, window: int) -> float:
        """The largest p-value of a window that is not put down to chance; 0 if there is none."""
        slot = window % WINDOWS
        counts = self._rare.get((kind, slot))
        if counts is None:
            return 0.0
        return rejection_bound(LEVELS, counts, int(self._totals[kind][slot]), self._rate)

    def keep(self, alerts: Iterable[Alert]) -> tuple[list[Alert], int]:
        """Leave out alerts of unknown records that chance explains; gives how many they were."""
        kept, left_out = [], 0
        for alert in alerts:
            if alert.family == UNKNOWN_FAMILY and not self._stands_out(alert):
                left_out += 1
            else:
                kept.append(alert)
        return kept, left_out

    def _stands_out(self, alert: Alert) -> bool:
        window = round(alert.window_start / self._window_seconds)
        return any(p <= self.bound(kind, window) for kind, p in alert.lowest_p.items())
