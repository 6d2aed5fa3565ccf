"""Alerts while records come: one when a group opens, one when it is over."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.alerts.decide import BENIGN, Verdicts
from enricher.alerts.flagged import flag
from enricher.alerts.live.budget import CausalBudget
from enricher.alerts.live.chance import AROUND, CausalChance
from enricher.alerts.live.clock import FlowClock
from enricher.alerts.live.groups import OpenGroups
from enricher.alerts.live.merging import LiveAlert, Merger
from enricher.alerts.live.records import Evidence, Records, Times, times_of
from enricher.alerts.live.stored import Pack, StoredState, Unpack, restore_group, store_group
from enricher.alerts.partials import keyed_records
from enricher.alerts.suppress import Suppressions
from enricher.detector.scores import Scores
from enricher.logs import Kind, LogBatch


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
        clock: Flow time.
        budget: Tells what was let through and held back on a day.
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
        self._chance = CausalChance(false_discovery_rate, typical)
        self.budget = CausalBudget(per_day)
        self._groups = OpenGroups(self.window_seconds, float(late_seconds), max_groups, AROUND)
        self._merger = Merger(
            self._groups, self.budget, suppressions or Suppressions(()), closing=closing
        )

    @property
    def held_back(self) -> Counter[str]:
        """Alerts that the budget held back, by family."""
        return self.budget.held_back

    @property
    def suppressed(self) -> Counter[str]:
        """Alerts that were suppressed, by the words of the suppression."""
        return self._merger.suppressed

    @property
    def late(self) -> Counter[str]:
        """Records that came after their group was closed, by family."""
        return self._merger.late

    @property
    def within_chance(self) -> int:
        """Unknown records that chance explains."""
        return self._merger.within_chance

    @property
    def closed_early(self) -> int:
        """Groups that were closed for want of room."""
        return self._merger.closed_early

    def __len__(self) -> int:
        return len(self._groups.open)

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
                self._chance.clear()
            some = slice(start, end)
            stands_out[some] = self._chance.take(
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
                self._groups.reschedule(int(now[start]))
            alerts += self._stretch(clocks, records, start, end)
        return alerts

    def close_all(self) -> list[LiveAlert]:
        """Close everything, as where the length of a window is about to be another one."""
        return self._merger.closed(self._groups.close_all())

    def export(self, pack: Pack | None = None) -> dict[str, Any]:
        """All that :meth:`restore` needs, as plain values for JSON.

        Args:
            pack: Makes plain values of evidence; without it, evidence is not kept.
        """
        totals, rare = self._chance.export()
        opened, held_back = self.budget.export()
        shown, silent, over = self._groups.export()
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
        self._chance.restore(stored.totals, stored.rare)
        self.budget.restore(stored.opened, stored.held_back, stored.held_back_in_all)
        shown = [(one.key, restore_group(one, unpack)) for one in stored.groups]
        self._groups.restore(shown, stored.silent, stored.over)
        merger = self._merger
        merger.suppressed, merger.late = Counter(stored.suppressed), Counter(stored.late)
        merger.within_chance, merger.closed_early = stored.within_chance, stored.closed_early

    def _windows(self, times: Times) -> npt.NDArray[np.int64]:
        return np.floor(times / self.window_seconds).astype(np.int64)

    def _stretch(
        self, clocks: Times, records: Records | None, start: int, end: int
    ) -> Iterator[LiveAlert]:
        """Take some rows of a batch, among which the clock never falls."""
        while start < end:
            due = self._groups.next_due()
            stop = start + int(np.searchsorted(clocks[start:end], due))
            if stop == start:
                yield from self._merger.closed(self._groups.close_until(float(clocks[start])))
            elif records is None:
                start = stop
            else:
                alerts, start = self._merger.merge(records, start, stop)
                yield from alerts
