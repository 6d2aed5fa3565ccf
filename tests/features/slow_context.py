"""The context again, one record at a time in plain Python, to compare with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

NAN = math.nan


class Running:
    """Mean and deviation: plain averages at first, then the newest counts a 32nd."""

    def __init__(self) -> None:
        self.n, self.mean, self.variance = 0, 0.0, 0.0

    def take(self, value: float) -> None:
        self.n += 1
        weight = max(1 / self.n, 1 / 32)
        old = self.mean
        self.mean = (1 - weight) * old + weight * value
        self.variance = (1 - weight) * (self.variance + weight * (value - old) ** 2)


@dataclass
class Slot:
    clock: float
    first: float
    window_start: float
    start: float | None = None
    seen: list[float] = field(default_factory=list)
    outcomes: list[tuple[float, float]] = field(default_factory=list)
    intervals: Running = field(default_factory=Running)
    sizes: Running = field(default_factory=Running)
    in_window: int = 0
    items: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    before: tuple[float, float] = (0.0, 0.0)


def linear_count(bits_set: int, bits: int) -> float:
    if bits_set == 0:
        return 0.0
    clear = bits - bits_set if bits_set < bits else 0.5
    return -bits * math.log(clear / bits)


def slow_track(rows: list[dict[str, Any]], bits: int) -> list[dict[str, float]]:
    """What one table says of each record; no two keys ever share a slot here."""
    slots: dict[int, Slot] = {}
    said = []
    for row in rows:
        now = row["start"]
        slot = slots.get(row["key"])
        if slot is None or row["end"] < slot.clock - 86400:
            slot = slots[row["key"]] = Slot(now, now, now)
        slot.clock = max(slot.clock, now)
        if slot.clock - slot.window_start >= 600:
            recent = slot.clock - slot.window_start < 1200
            a, b = (linear_count(len(s), bits) if recent else 0.0 for s in slot.items)
            slot.before = (a, b)
            slot.items = (set(), set())
            slot.window_start, slot.in_window = slot.clock, 0
        said.append(say(slot, row, bits))
    return said


def say(slot: Slot, row: dict[str, Any], bits: int) -> dict[str, float]:
    out: dict[str, float] = {}
    now = slot.clock
    if row["counted"]:
        slot.seen.append(now)
        slot.in_window += 1
    if row["outcome"] >= 0:
        slot.outcomes.append((now, row["outcome"]))
    out["minute"] = math.log1p(sum(math.exp((t - now) / 60) for t in slot.seen))
    out["hour"] = math.log1p(sum(math.exp((t - now) / 3600) for t in slot.seen))
    failed = sum(o * math.exp((t - now) / 3600) for t, o in slot.outcomes)
    known = sum(math.exp((t - now) / 3600) for t, _ in slot.outcomes)
    out["failures"] = math.log1p(failed)
    out["failure_ratio"] = failed / known if known > 0 else NAN
    out["interval"] = NAN
    if row["counted"]:
        if slot.start is not None:
            out["interval"] = math.log1p(1000 * max(0.0, row["start"] - slot.start))
            slot.intervals.take(out["interval"])
        slot.start = row["start"]
    out["interval_mean"] = slot.intervals.mean if slot.intervals.n else NAN
    out["interval_deviation"] = math.sqrt(slot.intervals.variance) if slot.intervals.n > 1 else NAN
    out["size_surprise"] = NAN
    if not math.isnan(row["size"]):
        if slot.sizes.n:
            out["size_surprise"] = abs(row["size"] - slot.sizes.mean)
        slot.sizes.take(row["size"])
    out["size_mean"] = slot.sizes.mean if slot.sizes.n else NAN
    out["size_deviation"] = math.sqrt(slot.sizes.variance) if slot.sizes.n > 1 else NAN
    for letter, place in (("a", 0), ("b", 1)):
        marks = slot.items[place]
        bit = row["items"][place] % bits
        out[f"new_{letter}"] = float(bit not in marks)
        if row["counted"]:
            marks.add(bit)
        count = linear_count(len(marks), bits)
        out[f"distinct_{letter}"] = math.log1p(max(count, slot.before[place]))
        out[f"spread_{letter}"] = min(1.0, count / slot.in_window) if slot.in_window else NAN
    out["age"] = math.log1p(min(3600.0, now - slot.first))
    return out
