"""One alert for every flagged record, for those who ask for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from enricher.alerts import BENIGN, Alert, detections, single
from enricher.alerts.decide import Verdicts
from enricher.detector.scores import Scores
from enricher.logs import LogBatch

Rows = npt.NDArray[np.int64]


def single_alerts(
    batch: LogBatch,
    scores: Scores,
    verdicts: Verdicts,
    names: Mapping[int, str] | Sequence[str],
    evidence: Callable[[Rows], Sequence[object]],
) -> list[tuple[int, Alert]]:
    """The alerts of a batch with the rows they are of, in order.

    Args:
        batch: N records.
        scores: Of them.
        verdicts: int32 [N].
        names: Path of each log by its number.
        evidence: Gives what is to be kept of some rows.
    """
    rows = np.flatnonzero(verdicts != BENIGN)
    if not len(rows):
        return []
    found = detections(batch, scores, verdicts, names)
    return [
        (row, single(one, what))
        for row, one, what in zip(rows.tolist(), found, evidence(rows), strict=True)
    ]
