"""Merges the flagged records of a batch into the open groups, and opens new ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from enricher.alerts.alert import Alert, Detection
from enricher.alerts.group import Group
from enricher.alerts.live.budget import CausalBudget
from enricher.alerts.live.groups import Closed, OpenGroups
from enricher.alerts.live.records import WAITING, Records
from enricher.alerts.partials import Partials
from enricher.alerts.suppress import Suppressions
from enricher.logs import KINDS

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class LiveAlert:
    """An alert to be written now; ``closing`` where it says what came after an opening."""

    alert: Alert
    closing: bool


class Merger:
    """Takes flagged records while no group closes and the clock is not set back.

    Args:
        groups: What is open.
        budget: Room of the day.
        suppressions: Alerts that nobody wants to see.
        closing: Give closing alerts.

    Attributes:
        suppressed: Alerts that were suppressed, by the words of the suppression.
        late: Records that came after their group was closed, by family.
        within_chance: Unknown records that chance explains.
        closed_early: Groups that were closed for want of room.
    """

    def __init__(
        self, groups: OpenGroups, budget: CausalBudget, suppressions: Suppressions, *, closing: bool
    ) -> None:
        self.groups = groups
        self.budget = budget
        self._suppressions = suppressions
        self._closing = closing
        self.suppressed: Counter[str] = Counter()
        self.late: Counter[str] = Counter()
        self.within_chance = 0
        self.closed_early = 0

    def closed(self, closed: Iterable[Closed]) -> list[LiveAlert]:
        """The closing alerts of groups that closed."""
        return [
            LiveAlert(group.alert(key, self.groups.window_seconds, "closing"), closing=True)
            for key, group in closed
            if group is not None and group.count > 1 and self._closing
        ]

    def merge(self, records: Records, start: int, end: int) -> tuple[list[LiveAlert], int]:
        """Take rows ``start`` to ``end``, or fewer; gives where it ended."""
        first, last = records.places(start, end)
        if first == last:
            return [], end
        part = records.groups(first, last)
        news = self._news(part, records)
        if news and not self.groups.room:
            row = records.row(part.first_places[news[0]])
            if row == start:
                return self._closed_early(), start
        stop = self._ends_at(part, news, records, end)
        if stop < end:
            part = records.groups(*records.places(start, stop))
            news = self._news(part, records)
        self._count(part, records)
        return self._open(part, news, records), stop

    def _news(self, part: Partials, records: Records) -> list[int]:
        """Which of the groups would be opened, in the order of the log."""
        return [
            number
            for number, (key, code) in enumerate(
                zip(part.keys(records.flagged), part.codes, strict=True)
            )
            if code != WAITING and key not in self.groups
        ]

    def _ends_at(self, part: Partials, news: list[int], records: Records, end: int) -> int:
        """Row of the first record that something else comes before.

        That is where the room ends, or where a group closes that opens among these records.
        """
        room = self.groups.room
        if len(news) > room:
            end = records.row(part.first_places[news[room]])
        seen: set[int] = set()
        for number in news[:room]:
            row = records.row(part.first_places[number])
            if row >= end:
                break
            now = self.groups.window_of(float(records.clocks[row]))
            last = self.groups.last_window(part.windows[number], now)
            if last not in seen:
                seen.add(last)
                due = self.groups.due(last)
                end = row + int(np.searchsorted(records.clocks[row:end], due))
        return end

    def _closed_early(self) -> list[LiveAlert]:
        before = len(self.groups.open)
        alerts = self.closed(self.groups.close_first())
        self.closed_early += before - len(self.groups.open)
        return alerts

    def _count(self, part: Partials, records: Records) -> None:
        """Take the records of groups that are open or over, and of those that wait."""
        found: list[tuple[int, Group]] = []
        for number, key in enumerate(part.keys(records.flagged)):
            if key in self.groups.over:
                self.late[key[1]] += part.counts[number]
            elif key in self.groups.open:
                group = self.groups.open[key]
                if group is not None:
                    found.append((number, group))
            elif part.codes[number] == WAITING:
                self.within_chance += part.counts[number]
        self._strengthen(part, found, records)
        kind = KINDS.index(records.flagged.kind)
        for number, group in found:
            group.take(kind, *part.numbers(number))

    def _strengthen(self, part: Partials, found: list[tuple[int, Group]], records: Records) -> None:
        """Show the strongest record of each group."""
        winners = [(number, group) for number, group in found if part.ranks[number] < group.rank]
        places = [part.best[number] for number, _ in winners]
        if not places:
            return
        for (number, group), detection, kept in zip(
            winners, records.shown(places), records.kept(places), strict=True
        ):
            if part.ranks[number] < group.rank:
                group.rank, group.strongest = part.ranks[number], detection
                group.evidence = kept

    def _open(self, part: Partials, news: list[int], records: Records) -> list[LiveAlert]:
        """Open groups; gives their alerts."""
        if not news:
            return []
        keys = part.keys(records.flagged)
        places = [part.first_places[number] for number in news]
        kind = KINDS.index(records.flagged.kind)
        alerts: list[Alert] = []
        opened: list[tuple[int, Group]] = []
        for number, place, detection in zip(news, places, records.shown(places), strict=True):
            clock = float(records.clocks[records.row(place)])
            first = _first(kind, detection)
            alert = first.alert(keys[number], self.groups.window_seconds, "opening")
            shown = self._shown(alert, clock)
            group = Group((math.inf, 0.0, 0.0, 0, 0), detection, None) if shown else None
            self.groups.add(keys[number], group, self.groups.window_of(clock))
            if group is not None:
                group.take(kind, *part.numbers(number))
                opened.append((number, group))
                alerts.append(alert)
        kept = records.kept([part.first_places[number] for number, _ in opened])
        for alert, evidence in zip(alerts, kept, strict=True):
            alert.evidence = evidence
        self._strengthen(part, opened, records)
        return [LiveAlert(alert, closing=False) for alert in alerts]

    def _shown(self, alert: Alert, clock: float) -> bool:
        """Whether a group gives alerts: not one that is suppressed or has no room in the day."""
        match = self._suppressions.match(alert)
        if match is not None:
            self.suppressed[self._suppressions.words(match)] += 1
            return False
        day = math.floor(clock / _SECONDS_A_DAY) if math.isfinite(clock) else 0
        return self.budget.admits(alert.family, day)


def _first(kind: int, detection: Detection) -> Group:
    """A group of one record."""
    ts = float(detection.record["ts"])
    known = [0] if detection.record["id.resp_h"] is not None else []
    group = Group((0.0, 0.0, 0.0, 0, 0), detection, None)
    group.take(kind, 1, detection.p_value, ts, ts, known)
    return group
