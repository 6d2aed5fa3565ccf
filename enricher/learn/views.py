"""What a method of few-shot learning may look at: each record in several representations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.detector.adaptation.points import Points
from enricher.detector.adaptation.shares import Shares
from enricher.logs import Kind

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class View:
    """The records of one data set, as a model that has not seen some families represents them.

    Attributes:
        kind: Kind of the records.
        table: float32 [N, D], numbers then categories as they are; NaN is missing. Features of
            hidden groups are left out.
        embedding: float32 [N, E].
        base: float32 [N], how much a record looks like any attack of training: no support needed.
        novelty: float32 [N], how new a record is to a detector that has not seen the site.
        points: The records as the run-time learners take them: all columns, hidden ones empty.
        shares: Shares of the run-time learners, learned from families that are not asked about.
        scaling: float32 [2, D], medians and inverse spreads of the numbers in training.
    """

    kind: Kind
    table: FloatArray
    embedding: FloatArray
    base: FloatArray
    novelty: FloatArray
    points: Points | None = None
    shares: Shares | None = None
    scaling: FloatArray | None = None
