"""Watches each kind's traffic for drift away from the site's calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.alerts import UNKNOWN_FAMILY, Alert
from enricher.alerts.flagged import flow_time
from enricher.detector.drift import DriftMonitor
from enricher.detector.site import SiteCalibration
from enricher.features.compiled import kernel
from enricher.logs import Kind
from enricher.pipeline.scoring import ScoredBatch
from enricher.report.parts import Drift

_REMEMBERED = 65_536  # pairs of source and window for each kind; a power of two

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]


class DriftWatch:
    """Feeds the p-values of a scan to one martingale per kind.

    Only the first record of each source and window that no family claims is taken, as in the
    calibration: the records of a burst are alike, and say no more than one of them. The first
    window is left out, as in the calibration: there every source is new to the context, which
    makes its records unusual. Where the site has no calibration nothing is watched, for there is
    no promise to suspend.

    Args:
        site: What the site has calibrated.
        window_seconds: Length of a window; the calibration's.
    """

    def __init__(self, site: Mapping[Kind, SiteCalibration], window_seconds: float) -> None:
        self._window_seconds = window_seconds
        self._monitors = {
            kind: DriftMonitor(calibration.drift_reference)
            for kind, calibration in site.items()
            if calibration.drift_reference
        }
        self._first: dict[Kind, float] = {}
        self._seen: dict[Kind, Keys] = {
            kind: np.zeros(_REMEMBERED, dtype=np.uint64) for kind in self._monitors
        }

    def take(self, scored: ScoredBatch) -> int:
        """Take a batch; gives the first row from which on the promise is suspended.

        That is the number of rows where it holds for all of them.
        """
        kind = scored.batch.kind
        monitor = self._monitors.get(kind)
        if monitor is None:
            return len(scored.batch)
        start = len(scored.batch) if monitor.since is None else 0
        windows, keys, times = self._columns(scored)
        first = self._first.setdefault(kind, float(windows[0]))
        rows = np.flatnonzero((scored.verdicts < 0) & (windows > first))
        rows = rows[_first_of_each(keys[rows], self._seen[kind])]
        alarm = monitor.take(scored.scores.p_value[rows], times[rows])
        return start if alarm is None else min(start, int(rows[alarm]))

    def _columns(self, scored: ScoredBatch) -> tuple[Floats, Keys, Floats]:
        """Each record's window, number of its source and window, and flow time."""
        window = (flow_time() / self._window_seconds).floor().alias("window")
        frame = scored.batch.frame.select(
            window,
            pl.struct(pl.col("id.orig_h"), window).hash().alias("key"),
            flow_time().alias("ts"),
        )
        return frame["window"].to_numpy(), frame["key"].to_numpy(), frame["ts"].to_numpy()

    def suspended(self, alert: Alert) -> bool:
        """Whether an alert is of unknown records and came after the drift."""
        starts = [self._monitors[kind].since for kind in alert.kinds if kind in self._monitors]
        return alert.family == UNKNOWN_FAMILY and any(
            since is not None and alert.last_ts >= since for since in starts
        )

    def since(self, kind: Kind) -> float | None:
        """From which flow time on the promise of a kind is suspended; None where it is kept."""
        monitor = self._monitors.get(kind)
        return None if monitor is None else monitor.since

    def export(self) -> tuple[dict[str, Keys], dict[str, Any]]:
        """All that :meth:`restore` needs: arrays, and plain values for JSON."""
        return {str(kind): seen for kind, seen in self._seen.items()}, {
            "first": dict(self._first),
            "monitors": {kind: monitor.export() for kind, monitor in self._monitors.items()},
        }

    def restore(self, arrays: Mapping[str, Keys], words: Mapping[str, Any]) -> None:
        """Go on where another watch over the same calibration has stopped.

        Raises:
            ValueError, KeyError, TypeError: If it is no such state.
        """
        if set(arrays) != set(self._seen) or set(words["monitors"]) != set(self._monitors):
            raise ValueError("another calibration was watched")
        for name, seen in arrays.items():
            kind = cast(Kind, name)  # it is one of those that are watched
            if seen.shape != (_REMEMBERED,) or seen.dtype != np.uint64:
                raise ValueError("what was seen of a kind is of another shape")
            self._seen[kind] = seen.copy()
            self._monitors[kind] = DriftMonitor.restore(words["monitors"][kind])
        self._first = {kind: float(first) for kind, first in words["first"].items()}

    def seen(self) -> dict[Kind, Drift]:
        """What was seen of each kind that is watched and has records."""
        return {
            kind: Drift(monitor.records, round(monitor.ln_capital, 6), monitor.since)
            for kind, monitor in self._monitors.items()
            if monitor.records
        }


@kernel
def _first_of_each(keys: Keys, seen: Keys) -> npt.NDArray[np.bool_]:
    """Which keys have not been seen; the table forgets an old key for a new one in its place."""
    new = np.zeros(len(keys), dtype=np.bool_)
    for place in range(len(keys)):
        slot = np.int64(keys[place] & np.uint64(len(seen) - 1))
        if seen[slot] != keys[place]:
            seen[slot] = keys[place]
            new[place] = True
    return new
