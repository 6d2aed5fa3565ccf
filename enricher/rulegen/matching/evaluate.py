"""Which records a rule matches, and how many alerts come of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.rulegen.matching.buffers import BUFFERS, Buffers
from enricher.rulegen.matching.packets import Counts, between
from enricher.rulegen.matching.reading import Rate, Readable
from enricher.rulegen.matching.values import Mask

_KEYS = {"by_src": ["id.orig_h"], "by_dst": ["id.resp_h"], "by_rule": []}
_BOTH = ["id.orig_h", "id.resp_h"]


@dataclass(frozen=True, slots=True)
class Matches:
    """What a rule matches in some records.

    Attributes:
        counts: int64 [N], how often each record matches.
        alerts: int64 [A], of each alert the record that raised it, in order of time.
        covered: bool [N], which records an alert stands for: those that match, and where
            matches are counted, those in a window that gave an alert.
    """

    counts: Counts
    alerts: Counts
    covered: Mask


def matched(rule: Readable, buffers: Buffers) -> Counts:
    """How often each record matches, before anything is counted together; int64 [N].

    Raises:
        TimeoutError: If an expression takes too long.
    """
    frame = buffers.frame
    wanted = between(rule.header, frame, answers=rule.answers)
    for one in rule.buffers:
        values = buffers[one.name]
        wanted &= values.records(one.mask(values, folded=BUFFERS[one.name].folded))
    if rule.kind != "conn":
        return wanted.astype(np.int64)
    return np.where(wanted, rule.packet.matches(frame), 0)


def evaluate(rule: Readable, buffers: Buffers) -> Matches:
    """What a rule matches, and the alerts that its threshold lets through.

    Raises:
        TimeoutError: If an expression takes too long.
    """
    counts = matched(rule, buffers)
    rows = np.flatnonzero(counts)
    if rule.rate is None:
        return Matches(counts, rows, counts > 0)
    covered = np.zeros(len(counts), dtype=bool)
    alerts: list[int] = []
    for group in _groups(rule.rate, buffers.frame, rows, swapped=rule.answers):
        times = buffers.frame["ts"].fill_null(0.0).to_numpy()[group]
        found, among = count_alerts(rule.rate, times, counts[group])
        alerts += group[found].tolist()
        covered[group[among]] = True
    return Matches(counts, np.sort(np.array(alerts, dtype=np.int64)), covered)


def _groups(rate: Rate, frame: pl.DataFrame, rows: Counts, *, swapped: bool) -> list[Counts]:
    """Rows that are counted together, each group in order of time."""
    keys = _KEYS.get(rate.track, _BOTH)
    if swapped and rate.track in ("by_src", "by_dst"):
        keys = _KEYS["by_dst" if rate.track == "by_src" else "by_src"]
    part = frame[rows].select(*keys, "ts").with_columns(row=pl.Series(rows)).sort("ts")
    if not keys:
        return [part["row"].to_numpy()]
    grouped = part.group_by(keys, maintain_order=True).agg("row")["row"]
    return [group.to_numpy() for group in grouped]


def count_alerts(
    rate: Rate, times: npt.NDArray[np.float64], counts: Counts
) -> tuple[npt.NDArray[np.int64], Mask]:
    """The alerts of one tracked host.

    Windows are as in the engine (``detect-engine-threshold.c``, Suricata's manual, "Thresholding
    Keywords"): ``limit``, ``threshold`` and ``both`` count from the first match for so many
    seconds and then begin anew; ``detection_filter`` lets through what comes after so many
    matches in the seconds before it.

    Args:
        rate: The threshold.
        times: float64 [N], ascending.
        counts: int64 [N], matches at each time.

    Returns:
        Places of the alerts, and bool [N]: which matches are in a window that gave an alert.
    """
    alerts: list[int] = []
    covered = np.zeros(len(times), dtype=bool)
    if rate.type == "detection_filter":
        recent: deque[tuple[float, int]] = deque()
        total = 0
        for place, (time, count) in enumerate(zip(times.tolist(), counts.tolist(), strict=True)):
            while recent and time - recent[0][0] > rate.seconds:
                total -= recent.popleft()[1]
            recent.append((time, count))
            total += count
            if total > rate.count:
                alerts.append(place)
                covered[np.searchsorted(times, time - rate.seconds) : place + 1] = True
        return np.array(alerts, dtype=np.int64), covered
    first, total, begin = -np.inf, 0, 0
    for place, (time, count) in enumerate(zip(times.tolist(), counts.tolist(), strict=True)):
        if time - first > rate.seconds:
            first, total, begin = time, 0, place
        before, total = total, total + count
        if rate.type == "limit":
            given = min(total, rate.count) - min(before, rate.count)
            covered[place] = True
        elif rate.type == "both":
            given = int(before < rate.count <= total)
            covered[place] = total >= rate.count
        else:
            given = total // rate.count - before // rate.count
            covered[place] = total >= rate.count
        if given and rate.type != "limit":
            covered[begin : place + 1] = True
        alerts += [place] * given
    return np.array(alerts, dtype=np.int64), covered
