"""One alert for (source, family, window of flow time), whatever the batches were."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import orjson

from enricher.alerts.alert import Alert, Detection
from enricher.alerts.contenders import Contenders
from enricher.alerts.decide import Verdicts
from enricher.alerts.flagged import Flagged, flag
from enricher.alerts.group import Group, alert_id
from enricher.alerts.partials import (
    MAX_SOURCE_CHARACTERS,
    Key,
    Partials,
    Rank,
    grouped,
    keyed_records,
)
from enricher.detector.scores import Scores
from enricher.logs import KINDS, LogBatch

Places = npt.NDArray[np.int64]
Evidence = Callable[[Places], Sequence[object]]
FileNames = Mapping[int, str] | Sequence[str]


class Grouper:
    """Merges flagged records into alerts, over batches and kinds, in bounded memory.

    The strongest record of a group is the one with the highest score, then the lowest p-value,
    then the earliest, then the first in the log: a total order, so the way the log was cut into
    batches never shows.

    Args:
        window_seconds: Length of a window of flow time; windows begin at its multiples.
        max_groups: So many groups are open at most. At the record that would open one more, the
            oldest windows are closed early; a group that comes up again is then a new alert with
            the same id.
        contenders: Tells which groups may be shown; the others are counted and give no alert.

    Attributes:
        closed_early: Number of groups that were closed for want of room.
        held_back: Groups that gave no alert, by family.
    """

    def __init__(
        self,
        window_seconds: float = 3600.0,
        max_groups: int = 100_000,
        contenders: Contenders | None = None,
    ) -> None:
        if not 1.0 <= window_seconds < math.inf:
            raise ValueError(f"a window is at least a second long, got {window_seconds}")
        if max_groups < 1:
            raise ValueError(f"there must be room for a group, got max_groups={max_groups}")
        self.window_seconds = float(window_seconds)
        self.max_groups = max_groups
        self.closed_early = 0
        self.held_back: Counter[str] = Counter()
        self._contenders = contenders
        # By window, so that the oldest is found without a look at every group.
        self._groups: dict[int, dict[Key, Group]] = {}
        self._open = 0

    def __len__(self) -> int:
        return self._open

    def add(
        self,
        batch: LogBatch,
        scores: Scores,
        verdicts: Verdicts,
        file_names: FileNames,
        evidence: Evidence | None = None,
    ) -> list[Alert]:
        """Take the flagged records of a batch.

        Args:
            batch: N records of one kind.
            scores: Their scores.
            verdicts: int32 [N], from :func:`enricher.alerts.decide.decide`.
            file_names: Path of each file by its number.
            evidence: Gives what is to be kept of some rows of the batch (int64 [K] -> K objects);
                asked only for records that are now the strongest of their group.

        Returns:
            Alerts that were closed early for want of room; mostly none.
        """
        flagged = flag(batch, scores, verdicts)
        if not len(flagged):
            return []
        keyed = keyed_records(flagged, self.window_seconds)
        early: list[Alert] = []
        start, end = 0, len(flagged)
        while start < end:
            part = grouped(keyed.slice(start, end - start))
            cut = self._room_ends_at(part, flagged)
            if cut == start:
                early += self._close_oldest()
                continue
            if cut is not None:
                part = grouped(keyed.slice(start, cut - start))
            self._merge(part, flagged, file_names, evidence)
            start = end if cut is None else cut
        return early

    def close_before(self, ts: float) -> list[Alert]:
        """Close the groups whose window ends at or before a flow time (seconds UTC)."""
        last = math.floor(ts / self.window_seconds)
        return self._close([window for window in self._groups if window < last])

    def close_all(self) -> list[Alert]:
        """Close everything, in the order of the windows."""
        return self._close(list(self._groups))

    def _room_ends_at(self, part: Partials, flagged: Flagged) -> int | None:
        """Place of the first record that would open a group too many."""
        room = self.max_groups - self._open
        if len(part.codes) <= room:
            return None
        for key, place in zip(part.keys(flagged), part.first_places, strict=True):
            if self._find(key) is None:
                if room == 0:
                    return place
                room -= 1
        return None

    def _merge(
        self, part: Partials, flagged: Flagged, file_names: FileNames, evidence: Evidence | None
    ) -> None:
        kind = KINDS.index(flagged.kind)
        keys = part.keys(flagged)
        found = [self._find(key) for key in keys]
        winners = [
            number
            for number, (group, rank) in enumerate(zip(found, part.ranks, strict=True))
            if group is None or rank < group.rank
        ]
        shown = self._shown(winners, keys, found, part.ranks)
        places = np.asarray([part.best[number] for number in shown], dtype=np.int64)
        kept = evidence(flagged.rows[places]) if evidence and shown else [None] * len(shown)
        built = dict(
            zip(shown, zip(flagged.detections(places, file_names), kept, strict=True), strict=True)
        )
        for number in winners:
            detection, what = built.get(number, (None, None))
            group, rank = found[number], part.ranks[number]
            if group is None:
                found[number] = self._opened(keys[number], Group(rank, detection, what))
            else:
                group.rank, group.strongest, group.evidence = rank, detection, what
        for group, *values in zip(
            found,
            part.counts,
            part.lowest_p,
            part.first_ts,
            part.last_ts,
            part.destinations,
            strict=True,
        ):
            assert group is not None
            group.take(kind, *values)

    def _shown(
        self,
        numbers: Sequence[int],
        keys: Sequence[Key],
        found: Sequence[Group | None],
        ranks: Sequence[Rank],
    ) -> Sequence[int]:
        """Those of some groups that may be shown."""
        contenders = self._contenders
        if contenders is None:
            return numbers
        return [
            number
            for number in numbers
            if contenders.admits(
                keys[number],
                ranks[number],
                known=(group := found[number]) is not None and group.strongest is not None,
            )
        ]

    def _find(self, key: Key) -> Group | None:
        window = self._groups.get(key[2])
        return None if window is None else window.get(key)

    def _opened(self, key: Key, group: Group) -> Group:
        self._groups.setdefault(key[2], {})[key] = group
        self._open += 1
        return group

    def _close_oldest(self) -> list[Alert]:
        """Make room for a tenth of the groups: one at a time would take for ever in a flood."""
        before = self._open
        alerts = self._close([min(self._groups)])
        while self._open > self.max_groups * 9 // 10:
            alerts += self._close([min(self._groups)])
        self.closed_early += before - self._open
        return alerts

    def _close(self, windows: list[int]) -> list[Alert]:
        alerts = []
        for window in sorted(windows):
            groups = self._groups.pop(window)
            self._open -= len(groups)
            shown = sorted(key for key, group in groups.items() if group.strongest is not None)
            alerts += [groups[key].alert(key, self.window_seconds) for key in shown]
            if len(shown) < len(groups):
                self.held_back.update(
                    key[1] for key, group in groups.items() if group.strongest is None
                )
        return alerts


def single(detection: Detection, evidence: object = None) -> Alert:
    """The alert of one record, for an alert on every record.

    Its id is made of the record. Where the log gave no ``uid``, two records of the same content
    can not be told apart by it, so the place in the log is part of the id.
    """
    record = detection.record
    content = orjson.dumps(list(record.values())).decode("utf-8", "replace")
    place = "" if record.get("uid") else detection.origin
    ts = float(record["ts"])
    return Alert(
        alert_id=alert_id(detection.kind, detection.family, content, place),
        source=(record.get("id.orig_h") or "")[:MAX_SOURCE_CHARACTERS],
        family=detection.family,
        window_start=ts,
        window_seconds=0.0,
        strongest=detection,
        count=1,
        first_ts=ts,
        last_ts=ts,
        kinds={detection.kind: 1},
        destinations=int(record.get("id.resp_h") is not None),
        lowest_p={detection.kind: detection.p_value},
        evidence=evidence,
    )
