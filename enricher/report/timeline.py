"""Counts over flow time whose span is not known beforehand, in bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from enricher.report.bounds import NAME_LIMIT, bounded
from enricher.report.parts import Timeline

DISPLAY_BUCKETS = 96
FAMILIES = 50
_BUCKETS = 4096
_DENSE = 1 << 20
# Times are what a log says: beyond this (about 17,000 years) they are only counted at the edge.
_FARTHEST = float(1 << 39)
# Each is a multiple of the one before, so buckets can be joined exactly; then fourfold for ever.
_WIDTHS = (1, 10, 60, 600, 3600, 21600, 86400, 604800)
_DISPLAY_WIDTHS = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200),
    *(86400, 172800, 604800, 1209600),
)
# Where the whole span is this much longer than what holds 99 % of the records, the few stray
# ones are counted instead of shown.
_STRAY_FACTOR = 10


@dataclass(slots=True)
class TimelineCounter:
    """Sparse buckets that become wider when there are too many of them."""

    width: int = _WIDTHS[0]
    earliest: float | None = None
    latest: float | None = None
    _records: dict[int, int] = field(default_factory=dict)
    _alerts: dict[str, dict[int, int]] = field(default_factory=dict)

    def add_records(self, ts: npt.NDArray[np.float64]) -> None:
        """Count records by their flow time, float64 [N], seconds UTC."""
        times = ts[np.isfinite(ts)]
        if times.size == 0:
            return
        low, high = float(times.min()), float(times.max())
        self.earliest = low if self.earliest is None else min(low, self.earliest)
        self.latest = high if self.latest is None else max(high, self.latest)
        buckets = np.floor(np.clip(times, -_FARTHEST, _FARTHEST) / self.width).astype(np.int64)
        first = int(buckets.min())
        if int(buckets.max()) - first < _DENSE:
            dense = np.bincount(buckets - first)
            values = np.flatnonzero(dense)
            counts = dense[values]
            values = values + first
        else:
            values, counts = np.unique(buckets, return_counts=True)
        for bucket, number in zip(values.tolist(), counts.tolist(), strict=True):
            self._records[bucket] = self._records.get(bucket, 0) + number
        self._widen_if_full()

    def add_alert(self, ts: float | None, family: str) -> None:
        """Count one alert by its flow time, seconds UTC."""
        if ts is None or not math.isfinite(ts):
            return
        name = bounded(family, NAME_LIMIT)
        if name not in self._alerts and len(self._alerts) >= FAMILIES:
            name = "other"
        bucket = math.floor(max(-_FARTHEST, min(ts, _FARTHEST)) / self.width)
        row = self._alerts.setdefault(name, {})
        row[bucket] = row.get(bucket, 0) + 1
        self._widen_if_full()

    def timeline(self) -> Timeline:
        """The counts in at most ``DISPLAY_BUCKETS`` equal buckets."""
        span = self._shown_span()
        if span is None:
            return Timeline()
        low, high = span
        width = _display_width(self.width, (high - low + 1) * self.width)
        step = width // self.width
        first, number = low // step, high // step - low // step + 1
        records, outside = _spread(self._records, step, first, number)
        alerts = {
            family: _spread(row, step, first, number)[0] for family, row in self._alerts.items()
        }
        return Timeline(float(first * width), float(width), records, alerts, outside)

    def _shown_span(self) -> tuple[int, int] | None:
        """First and last bucket to show: all, or those of nearly all where a few are far away."""
        buckets = sorted(self._records)
        if not buckets:
            return None
        # An alert's record is among the records, so alerts need no span of their own.
        cumulated = np.cumsum([self._records[bucket] for bucket in buckets])
        low = buckets[int(np.searchsorted(cumulated, cumulated[-1] * 0.005))]
        high = buckets[int(np.searchsorted(cumulated, cumulated[-1] * 0.995))]
        length = max(high - low + 1, DISPLAY_BUCKETS)
        if buckets[-1] - buckets[0] + 1 <= _STRAY_FACTOR * length:
            return buckets[0], buckets[-1]
        near = [bucket for bucket in buckets if low - length <= bucket <= high + length]
        return near[0], near[-1]

    def _widen_if_full(self) -> None:
        size = max([len(self._records), *map(len, self._alerts.values())])
        while size > _BUCKETS:
            wider = next((w for w in _WIDTHS if w > self.width), self.width * 4)
            step = wider // self.width
            self._records = _join(self._records, step)
            self._alerts = {family: _join(row, step) for family, row in self._alerts.items()}
            self.width = wider
            size = max([len(self._records), *map(len, self._alerts.values())])


def _join(row: dict[int, int], step: int) -> dict[int, int]:
    joined: dict[int, int] = {}
    for bucket, number in row.items():
        joined[bucket // step] = joined.get(bucket // step, 0) + number
    return joined


def _spread(row: dict[int, int], step: int, first: int, number: int) -> tuple[list[int], int]:
    """Counts of ``number`` joined buckets from ``first`` on, and what lies outside."""
    counts, outside = [0] * number, 0
    for bucket, amount in row.items():
        place = bucket // step - first
        if 0 <= place < number:
            counts[place] += amount
        else:
            outside += amount
    return counts, outside


def _display_width(base: int, span: int) -> int:
    """The shortest readable width that shows the span in few enough buckets."""
    for width in _DISPLAY_WIDTHS:
        if width % base == 0 and span <= width * (DISPLAY_BUCKETS - 1):
            return width
    largest = max(base, _DISPLAY_WIDTHS[-1])
    if largest % base:
        largest = base
    return largest * math.ceil(span / (largest * (DISPLAY_BUCKETS - 1)))
