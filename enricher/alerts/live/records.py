"""The records of one batch as live grouping takes them: the flagged ones in columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.alerts.alert import Detection
from enricher.alerts.decide import UNKNOWN
from enricher.alerts.flagged import LATEST_TIME, Flagged
from enricher.alerts.partials import Partials, grouped
from enricher.logs import LogBatch

WAITING = -3
"""Code of unknown records that chance may explain, before the first of their group that it does
not."""

Times = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Evidence = Callable[[Places], Sequence[object]]


def times_of(batch: LogBatch) -> Times:
    """Flow time of every record as :func:`enricher.alerts.flagged.flow_time` has it."""
    ts = batch.frame["ts"].to_numpy()
    return np.clip(np.where(np.isnan(ts), 0.0, ts), 0.0, LATEST_TIME)


@dataclass(frozen=True, slots=True)
class Records:
    """The flagged records of a batch, and the clock at every record.

    Attributes:
        flagged: M records.
        keyed: Of :func:`enricher.alerts.partials.keyed_records`, with ``stands_out``.
        clocks: float64 [N], of all records of the batch.
        file_names: Path of each file by its number.
        evidence: Gives what is to be kept of some rows of the batch.
    """

    flagged: Flagged
    keyed: pl.DataFrame
    clocks: Times
    file_names: Mapping[int, str] | Sequence[str]
    evidence: Evidence | None

    def places(self, start: int, end: int) -> tuple[int, int]:
        """Which of the flagged records stand in rows ``start`` to ``end`` of the batch."""
        first, last = np.searchsorted(self.flagged.rows, (start, end)).tolist()
        return first, last

    def row(self, place: int) -> int:
        """Row in the batch of a flagged record."""
        return int(self.flagged.rows[place])

    def groups(self, first: int, last: int) -> Partials:
        """Group flagged records ``first`` to ``last``; those that wait are apart."""
        some = self.keyed[first:last]
        if bool((self.flagged.verdicts[first:last] == UNKNOWN).any()):
            seen = pl.col("stands_out").cum_max().over("source", "code", "window")
            waits = (pl.col("code") == UNKNOWN) & (seen == 0)
            some = some.with_columns(code=pl.when(waits).then(WAITING).otherwise(pl.col("code")))
        return grouped(some)

    def shown(self, places: Sequence[int]) -> list[Detection]:
        """The detections at some places."""
        return self.flagged.detections(np.asarray(places, dtype=np.int64), self.file_names)

    def kept(self, places: Sequence[int]) -> Sequence[object]:
        """The evidence at some places."""
        if self.evidence is None or not places:
            return [None] * len(places)
        return self.evidence(self.flagged.rows[np.asarray(places, dtype=np.int64)])
