"""Puts the scored records of a block into the order of its lines, where that order shows.

A block of EVE holds several kinds, each of which is scored by itself. Which of its records opens
an alert first, and which comes after the end of a window, must not depend on how the log was cut
into blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from enricher.alerts import BENIGN
from enricher.alerts.flagged import flow_time
from enricher.detector.scores import Scores
from enricher.logs import LogBatch
from enricher.pipeline.scoring import ScoredBatch

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Run:
    """Some records of one batch, in order.

    Attributes:
        scored: The batch.
        start: Place of the first.
        stop: Place after the last.
    """

    scored: ScoredBatch
    start: int
    stop: int

    @property
    def batch(self) -> LogBatch:
        """The records."""
        batch = self.scored.batch
        return LogBatch(batch.kind, batch.frame.slice(self.start, self.stop - self.start))

    @property
    def scores(self) -> Scores:
        """Their scores."""
        scores, rows = self.scored.scores, slice(self.start, self.stop)
        return replace(
            scores,
            family_scores=scores.family_scores[rows],
            novelty=scores.novelty[rows],
            p_value=scores.p_value[rows],
            embedding=scores.embedding[rows],
            attack=scores.attack[rows],
        )

    @property
    def verdicts(self) -> npt.NDArray[np.int32]:
        """Their verdicts."""
        return self.scored.verdicts[self.start : self.stop]


def in_line_order(
    block: Sequence[ScoredBatch], cuts: Sequence[int], window_seconds: float, late_seconds: float
) -> Iterator[Run]:
    """The records of one block as runs of one kind.

    Args:
        block: One batch for each kind, in which lines rise.
        cuts: For each batch a place at which a run has to end.
        window_seconds: Length of a window of flow time.
        late_seconds: So long after its end a window is closed.
    """
    if len(block) == 1:
        yield from _cut(block[0], 0, len(block[0].batch), cuts[0])
        return
    lines = [scored.batch.frame["_line"].to_numpy().astype(np.int64) for scored in block]
    taken = [0] * len(block)
    for owner, first, last in _shown(block, lines, window_seconds, late_seconds):
        for place, scored in enumerate(block):
            bound = first - 1 if place != owner else last
            stop = int(np.searchsorted(lines[place], bound, "right"))
            if stop > taken[place]:
                yield from _cut(scored, taken[place], stop, cuts[place])
                taken[place] = stop
    for place, scored in enumerate(block):
        yield from _cut(scored, taken[place], len(scored.batch), cuts[place])


def _cut(scored: ScoredBatch, start: int, stop: int, cut: int) -> Iterator[Run]:
    if start < cut < stop:
        yield Run(scored, start, cut)
        start = cut
    if start < stop:
        yield Run(scored, start, stop)


def _shown(
    block: Sequence[ScoredBatch],
    lines: Sequence[Numbers],
    window_seconds: float,
    late_seconds: float,
) -> list[tuple[int, int, int]]:
    """Runs of records whose order shows: the batch, the first line, the last line."""
    line = np.concatenate(lines)
    owner = np.repeat(np.arange(len(block)), [len(own) for own in lines])
    flagged = np.concatenate([scored.verdicts != BENIGN for scored in block])
    times = [scored.batch.frame.select(flow_time()).to_series().to_numpy() for scored in block]
    order = np.argsort(line, kind="stable")
    clock = np.maximum.accumulate(np.concatenate(times)[order])
    windows = np.floor((clock - late_seconds) / window_seconds)
    moved = np.diff(windows, prepend=np.nan) != 0
    rows = order[flagged[order] | moved]
    if not len(rows):
        return []
    owners, shown = owner[rows], line[rows]
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    stops = np.append(starts[1:], len(rows)) - 1
    return [
        (int(owners[start]), int(shown[start]), int(shown[stop]))
        for start, stop in zip(starts, stops, strict=True)
    ]
