"""How often something has to happen before it is an attack and no longer ordinary."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.rulegen.matching.evaluate import count_alerts
from enricher.rulegen.matching.packets import Counts
from enricher.rulegen.matching.reading import Rate, Track
from enricher.rulegen.matching.values import Mask

MARGIN = 2.0
"""So many times what the busiest benign host does."""
LEAST, MOST = 5, 100_000
WINDOWS = (10, 60, 300)
_KEYS: dict[Track, list[str]] = {"by_src": ["id.orig_h"], "by_dst": ["id.resp_h"]}
Times = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """A rate that tells a family from benign hosts.

    Attributes:
        rate: The threshold.
        covered: bool [N], which records of the family are in a window that gives an alert.
        benign: What the busiest benign host does in such a window.
    """

    rate: Rate
    covered: Mask
    benign: int


def find_rate(
    family: pl.DataFrame,
    matches: Counts,
    benign: pl.DataFrame,
    benign_matches: Counts,
    tracks: Sequence[Track] = ("by_src",),
    least: int = LEAST,
    margin: float = MARGIN,
) -> Found | None:
    """The rate that covers most of a family and is far above what benign hosts do.

    Args:
        family: Its records, with times and hosts.
        matches: int64 [N], how often each matches what is counted.
        benign: Benign records.
        benign_matches: int64 [M], the same of them.
        tracks: By which host to count.
        least: Matches at least.
        margin: So many times what the busiest benign host does.

    Returns:
        None where no rate tells them apart.
    """
    best: Found | None = None
    for track in tracks:
        groups = list(_groups(family, matches, track))
        others = list(_groups(benign, benign_matches, track))
        for seconds in WINDOWS:
            busiest = max((busy(times, counts, seconds) for _, times, counts in others), default=0)
            count = max(math.ceil(busiest * margin) + 1, least)
            if count > MOST:
                continue
            # As high as still covers what a lower count does: benign hosts may be busier yet.
            found = [_covered(groups, Rate("both", track, n, seconds), len(family), busiest)
                     for n in _above(count, groups, seconds)]  # fmt: skip
            for one in found:
                if best is None or one.covered.sum() > best.covered.sum() * _MORE:
                    best = one
    return best if best is not None and best.covered.any() else None


_MORE = 1.05


def _above(count: int, groups: Sequence[tuple[Counts, Times, Counts]], seconds: int) -> list[int]:
    peaks = sorted(busy(times, counts, seconds) for _, times, counts in groups)
    typical = peaks[len(peaks) // 2] if peaks else 0
    return sorted({count, max(count, typical // 2), max(count, typical // 4)}, reverse=True)


def _covered(
    groups: Sequence[tuple[Counts, Times, Counts]], rate: Rate, records: int, busiest: int
) -> Found:
    covered = np.zeros(records, dtype=bool)
    for rows, times, counts in groups:
        covered[rows] = count_alerts(rate, times, counts)[1]
    return Found(rate, covered, busiest)


def busy(times: Times, counts: Counts, seconds: int) -> int:
    """Most matches within a window of so many seconds.

    Args:
        times: float64 [N], ascending.
        counts: int64 [N].
        seconds: Length of the window.
    """
    total = np.concatenate([[0], np.cumsum(counts)])
    ends = np.searchsorted(times, times + seconds, side="right")
    return int((total[ends] - total[:-1]).max(initial=0))


def _groups(
    frame: pl.DataFrame, matches: Counts, track: Track
) -> Iterator[tuple[Counts, Times, Counts]]:
    rows = np.flatnonzero(matches)
    part = frame[rows].select(*_KEYS[track], "ts").with_columns(
        pl.col("ts").fill_null(0.0), row=pl.Series(rows)
    )  # fmt: skip
    grouped = part.sort("ts").group_by(_KEYS[track], maintain_order=True).agg("row", "ts")
    for own, times in zip(grouped["row"], grouped["ts"], strict=True):
        place = own.to_numpy()
        yield place, times.to_numpy(), matches[place]
