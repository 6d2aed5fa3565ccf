"""From scores to verdicts, for whole batches at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.detector.scores import Scores

BENIGN = -1
"""Verdict code of a record that is left alone."""
UNKNOWN = -2
"""Verdict code of a record that is new to every family and to the site."""

FloatArray = npt.NDArray[np.float32]
Verdicts = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Policy:
    """The decision rule for one kind of record.

    Attributes:
        families: Names of the F families, in the order of :attr:`Scores.families`.
        thresholds: float32 [F]; a record belongs to family ``f`` from this score upwards. A value
            above 1, or NaN, switches the family off.
        alpha: A record of no family is ``unknown`` where its p-value is at most this; it is the
            bound on the false-alarm rate of novelty (Bates et al. 2023). 0 switches it off.
    """

    families: tuple[str, ...]
    thresholds: FloatArray
    alpha: float

    def __post_init__(self) -> None:
        if self.thresholds.shape != (len(self.families),):
            raise ValueError(
                f"{len(self.families)} families need as many thresholds, "
                f"got an array of shape {self.thresholds.shape}"
            )
        if not 0.0 <= self.alpha < 1.0:
            raise ValueError(f"alpha must be at least 0 and below 1, got {self.alpha}")

    @classmethod
    def of(
        cls,
        families: tuple[str, ...],
        thresholds: Mapping[str, float],
        *,
        alpha: float,
        default: float,
    ) -> Policy:
        """Line up thresholds by name; a family without one gets ``default``."""
        values = [thresholds.get(name, default) for name in families]
        return cls(families, np.asarray(values, dtype=np.float32), alpha)


def decide(scores: Scores, policy: Policy) -> Verdicts:
    """Decide every record.

    Of several families above their thresholds, the one with the highest score is taken, and of
    equal ones the first.

    Args:
        scores: Scores of N records.
        policy: The rule for their kind.

    Returns:
        int32 [N]: the family's index, or :data:`UNKNOWN`, or :data:`BENIGN`.

    Raises:
        ValueError: If the policy was made for other families.
    """
    if policy.families != scores.families:
        raise ValueError(
            f"the policy is for {len(policy.families)} families, the scores are for "
            f"{len(scores.families)}, or their order differs"
        )
    novel = scores.p_value <= np.float32(policy.alpha) if policy.alpha > 0 else np.False_
    verdicts = np.where(novel, np.int32(UNKNOWN), np.int32(BENIGN))
    verdicts = np.broadcast_to(verdicts, (len(scores),)).astype(np.int32)
    if scores.families:
        passed = scores.family_scores >= policy.thresholds
        # Few records pass anything, and there may be many families.
        rows = np.flatnonzero(passed.any(axis=1))
        own = np.where(passed[rows], scores.family_scores[rows], np.float32(-1))
        verdicts[rows] = own.argmax(axis=1)
    return verdicts
