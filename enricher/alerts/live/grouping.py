"""Alerts while records come: one when a group opens, one when it is over."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.alerts.alert import Alert, Detection
from enricher.alerts.decide import BENIGN, Verdicts
from enricher.alerts.flagged import flag
from enricher.alerts.group import Group
from enricher.alerts.live.budget import CausalBudget
from enricher.alerts.live.chance import AROUND, CausalChance
from enricher.alerts.live.clock import FlowClock
from enricher.alerts.live.groups import Closed, OpenGroups
from enricher.alerts.live.records import WAITING, Evidence, Records, Times, times_of
from enricher.alerts.live.stored import Pack, StoredState, Unpack, restore_group, store_group
from enricher.alerts.partials import Partials, keyed_records
from enricher.alerts.suppress import Suppressions
from enricher.detector.scores import Scores
from enricher.logs import KINDS, Kind, LogBatch

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class LiveAlert:
    """An alert to be written now; ``closing`` where it says what came after an opening."""

    alert: Alert
    closing: bool


class LiveGrouping:
    """Alerts as records come: an opening one at once, a closing one when the window is over.

    The first record of a (source, family, window) opens a group and gives an alert with what is
    known then. When flow time has passed the end of the window, a group of more than one record
    gives a second alert under the same id, with all that :class:`enricher.alerts.Grouper` would
    say of it. An unknown record opens a group only where it stands out from chance
    (:class:`CausalChance`); once open, all unknown records of its key belong to it.

    What a suppression matches, or the day has no room for, is silent: it is remembered like a
    group and gives no alert at all. Suppressed alerts use up nothing of the budget. A day is one
    of the flow clock, so that an alert counts on the day it is shown.

    It is a fold over records: the alerts and their order are the same however the records are
    cut into batches.

    Args:
        window_seconds: Length of a window of flow time; windows begin at its multiples.
        late_seconds: Records are waited for so long after the end of their window.
        max_groups: So many groups are open at most, silent ones too; at the record that would
            open one more, those that close first are closed early.
        per_day: Opening alerts a day; 0 for no limit.
        false_discovery_rate: Share of a window's unknown records that may be ordinary ones.
        typical: Records of a window in the site's calibration, by kind.
        suppressions: Alerts that nobody wants to see.
        closing: Give closing alerts.

    Attributes:
        suppressed: Alerts that were suppressed, by the words of the suppression.
        late: Records that came after their group was closed, by family.
        within_chance: Unknown records that chance explains.
        closed_early: Groups that were closed for want of room.
    """

    def __init__(
        self,
        *,
        window_seconds: float,
        late_seconds: float,
        max_groups: int,
        per_day: int,
        false_discovery_rate: float,
        typical: Mapping[Kind, float],
        suppressions: Suppressions | None = None,
        closing: bool = True,
    ) -> None:
        if not 1.0 <= window_seconds < math.inf:
            raise ValueError(f"a window is at least a second long, got {window_seconds}")
        if not 0.0 <= late_seconds < math.inf:
            raise ValueError(f"records are waited for 0 s or more, got {late_seconds}")
        if max_groups < 1:
            raise ValueError(f"there must be room for a group, got max_groups={max_groups}")
        self.window_seconds = float(window_seconds)
        self.clock = FlowClock()
        self.chance = CausalChance(false_discovery_rate, typical)
        self.budget = CausalBudget(per_day)
        self.groups = OpenGroups(self.window_seconds, float(late_seconds), max_groups, AROUND)
        self._suppressions = suppressions or Suppressions(())
        self._closing = closing
        self.suppressed: Counter[str] = Counter()
        self.late: Counter[str] = Counter()
        self.within_chance = 0
        self.closed_early = 0

    @property
    def held_back(self) -> Counter[str]:
        """Alerts that the budget held back, by family."""
        return self.budget.held_back

    def __len__(self) -> int:
        return len(self.groups.open)

    def take(
        self,
        batch: LogBatch,
        scores: Scores,
        verdicts: Verdicts,
        file_names: Mapping[int, str] | Sequence[str],
        evidence: Evidence | None = None,
    ) -> list[LiveAlert]:
        """Take the records of a batch, benign ones too: they move the clock.

        Args:
            batch: N records of one kind.
            scores: Their scores.
            verdicts: int32 [N], from :func:`enricher.alerts.decide.decide`.
            file_names: Path of each file by its number.
            evidence: Gives what is to be kept of some rows of the batch (int64 [K] -> K objects);
                asked only for records that are shown.

        Returns:
            The alerts to be written, in order.
        """
        if not len(batch):
            return []
        before, ts = self.clock.now, times_of(batch)
        clocks = self.clock.take(ts)
        set_back = np.flatnonzero(clocks < np.concatenate(([before], clocks[:-1]))).tolist()
        edges = sorted({0, *set_back, len(batch)})
        windows, now = self._windows(ts), self._windows(np.maximum(clocks, 0.0))
        stands_out = np.zeros(len(batch), dtype=np.bool_)
        for start, end in pairwise(edges):
            if start in set_back:
                self.chance.clear()
            some = slice(start, end)
            stands_out[some] = self.chance.take(
                batch.kind, windows[some], now[some], verdicts[some], scores.p_value[some]
            )
        records: Records | None = None
        if (verdicts != BENIGN).any():
            flagged = flag(batch, scores, verdicts)
            keyed = keyed_records(flagged, self.window_seconds).with_columns(
                pl.Series("stands_out", stands_out[flagged.rows].astype(np.int8))
            )
            records = Records(flagged, keyed, clocks, file_names, evidence)
        alerts: list[LiveAlert] = []
        for start, end in pairwise(edges):
            if start in set_back:
                self.groups.reschedule(int(now[start]))
            alerts += self._stretch(clocks, records, start, end)
        return alerts

    def close_all(self) -> list[LiveAlert]:
        """Close everything, as where the length of a window is about to be another one."""
        return self._closed(self.groups.close_all())

    def export(self, pack: Pack | None = None) -> dict[str, Any]:
        """All that :meth:`restore` needs, as plain values for JSON.

        Args:
            pack: Makes plain values of evidence; without it, evidence is not kept.
        """
        totals, rare = self.chance.export()
        opened, held_back = self.budget.export()
        shown, silent, over = self.groups.export()
        return StoredState.model_construct(
            format=1,
            window_seconds=self.window_seconds,
            clock=self.clock.export(),
            totals=totals,
            rare=rare,
            opened=opened,
            held_back=held_back,
            held_back_in_all=dict(self.budget.held_back),
            groups=[store_group(key, group, pack) for key, group in shown],
            silent=silent,
            over=over,
            suppressed=dict(self.suppressed),
            late=dict(self.late),
            within_chance=self.within_chance,
            closed_early=self.closed_early,
        ).model_dump(mode="json")

    def restore(self, state: object, unpack: Unpack | None = None) -> None:
        """Go on from where another one's :meth:`export` was made.

        The budget, the rate, the suppressions, the waiting time and the room may be others.

        Args:
            state: What was exported.
            unpack: Makes evidence of what ``pack`` made of it.

        Raises:
            ValueError: If it is damaged, or has windows of another length.
        """
        stored = StoredState.model_validate(state)
        if stored.window_seconds != self.window_seconds:
            raise ValueError(
                f"the windows of the state are {stored.window_seconds:g} s long, those of the "
                f"settings {self.window_seconds:g} s"
            )
        self.clock.restore(stored.clock)
        self.chance.restore(stored.totals, stored.rare)
        self.budget.restore(stored.opened, stored.held_back, stored.held_back_in_all)
        shown = [(one.key, restore_group(one, unpack)) for one in stored.groups]
        self.groups.restore(shown, stored.silent, stored.over)
        self.suppressed, self.late = Counter(stored.suppressed), Counter(stored.late)
        self.within_chance, self.closed_early = stored.within_chance, stored.closed_early

    def _windows(self, times: Times) -> npt.NDArray[np.int64]:
        return np.floor(times / self.window_seconds).astype(np.int64)

    def _stretch(
        self, clocks: Times, records: Records | None, start: int, end: int
    ) -> Iterator[LiveAlert]:
        """Take some rows of a batch, among which the clock never falls."""
        while start < end:
            due = self.groups.next_due()
            stop = start + int(np.searchsorted(clocks[start:end], due))
            if stop == start:
                yield from self._closed(self.groups.close_until(float(clocks[start])))
            elif records is None:
                start = stop
            else:
                alerts, start = self._merge(records, start, stop)
                yield from alerts

    def _closed(self, closed: Iterable[Closed]) -> list[LiveAlert]:
        return [
            LiveAlert(group.alert(key, self.window_seconds, "closing"), closing=True)
            for key, group in closed
            if group is not None and group.count > 1 and self._closing
        ]

    def _merge(self, records: Records, start: int, end: int) -> tuple[list[LiveAlert], int]:
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
        alerts = self._closed(self.groups.close_first())
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
            alert = first.alert(keys[number], self.window_seconds, "opening")
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
