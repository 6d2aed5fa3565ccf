"""So many alerts a day and no more, with what is held back counted."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from enricher.alerts.alert import Alert
from enricher.alerts.families import family_label

SECONDS_A_DAY = 86_400
_Order = tuple[int, float, float, int, float, str]


def _severity(family: str) -> int:
    return family_label(family).severity


class DailyBudget:
    """Keeps the best alerts of each flow-time UTC day.

    Within a family, alerts are ordered by score, then p-value, then count, then time, then id.
    Families take turns: the first of each family, the more severe family first, then the second
    of each, and so on; so a flood of one family cannot hide the others.

    Args:
        per_day: Alerts a day; 0 for no limit.
        severity: Severity of a family by its name, 1 high.

    It is fed with :meth:`add` and holds at most ``per_day`` alerts of a family and day;
    :meth:`take` gives the result, which does not depend on the order they came in.
    """

    def __init__(self, per_day: int = 50, severity: Callable[[str], int] = _severity) -> None:
        if per_day < 0:
            raise ValueError(f"alerts a day are 0 (no limit) or more, got {per_day}")
        self.per_day = per_day
        self._severity = severity
        self._best: dict[tuple[int, str], list[_Entry]] = {}
        self._held_back: Counter[str] = Counter()

    def select(self, alerts: Iterable[Alert]) -> tuple[list[Alert], Counter[str]]:
        """The alerts to show, in the order of time, and how many of each family are held back."""
        fresh = DailyBudget(self.per_day, self._severity)
        fresh.add(alerts)
        return fresh.take()

    def add(self, alerts: Iterable[Alert]) -> None:
        """Take alerts of any day."""
        for alert in alerts:
            day = math.floor(alert.window_start / SECONDS_A_DAY)
            best = self._best.setdefault((day, alert.family), [])
            entry = _Entry(_order(alert, self._severity(alert.family)), alert)
            if self.per_day == 0 or len(best) < self.per_day:
                heapq.heappush(best, entry)
            else:
                heapq.heappushpop(best, entry)
                self._held_back[alert.family] += 1

    def hold_back(self, groups: Mapping[str, int]) -> None:
        """Count groups, by family, that were not made alerts because they would be held back."""
        self._held_back.update(groups)

    def take(self) -> tuple[list[Alert], Counter[str]]:
        """Give what :meth:`select` would for everything added since the last call."""
        ranked: dict[int, list[tuple[int, _Order, Alert]]] = {}
        for (day, _), best in self._best.items():
            best.sort(reverse=True)
            ranked.setdefault(day, []).extend(
                (rank, entry.order, entry.alert) for rank, entry in enumerate(best)
            )
        kept: list[Alert] = []
        held_back = self._held_back
        for entries in ranked.values():
            entries.sort(key=lambda entry: entry[:2])
            limit = self.per_day or len(entries)
            kept += [alert for _, _, alert in entries[:limit]]
            held_back.update(alert.family for _, _, alert in entries[limit:])
        self._best, self._held_back = {}, Counter()
        kept.sort(key=lambda alert: (alert.first_ts, alert.source, alert.family, alert.alert_id))
        return kept, held_back


class _Entry:
    """An alert in a heap whose smallest entry is the one to give up first."""

    __slots__ = ("alert", "order")

    def __init__(self, order: _Order, alert: Alert) -> None:
        self.order = order
        self.alert = alert

    def __lt__(self, other: _Entry) -> bool:
        return self.order > other.order


def _order(alert: Alert, severity: int) -> _Order:
    shown = alert.strongest
    return (severity, -shown.score, shown.p_value, -alert.count, alert.first_ts, alert.alert_id)
