"""The bounds at which a decision is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The bounds of one kind of record.

    Attributes:
        families: Names of the F families, in the order of the scores.
        values: float32 [F]; a record belongs to a family from this score upwards.
        alpha: A record of no family is new where its p-value is at most this; 0 is never.
    """

    families: tuple[str, ...]
    values: npt.NDArray[np.float32]
    alpha: float
