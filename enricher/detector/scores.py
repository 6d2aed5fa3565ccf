"""What the detector says of a batch of records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.logs import Kind

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of N records of one kind against F families.

    Attributes:
        kind: The kind of the records.
        families: Names of the F families, without ``benign``.
        family_scores: float32 [N, F], calibrated score of each family, in [0, 1].
        novelty: float32 [N], how far the record is from what was seen as benign, and how much
            like an attack of any kind; larger is newer.
        p_value: float32 [N], conformal p-value of ``novelty`` against the benign calibration
            records of this kind (Bates et al. 2023): small means 'never seen'.
        embedding: float32 [N, E].
        attack: float32 [N, 2], logits of 'any attack', without and with the record's context.
    """

    kind: Kind
    families: tuple[str, ...]
    family_scores: FloatArray
    novelty: FloatArray
    p_value: FloatArray
    embedding: FloatArray
    attack: FloatArray

    def __len__(self) -> int:
        return int(self.novelty.shape[0])

    @property
    def nearest(self) -> npt.NDArray[np.int64]:
        """int64 [N], index of the family with the largest score."""
        return np.asarray(self.family_scores.argmax(axis=1), dtype=np.int64)

    @property
    def score(self) -> FloatArray:
        """float32 [N], the largest family score: how sure it is that the record is an attack."""
        return np.asarray(self.family_scores.max(axis=1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature that moved a record's score, in words an analyst uses.

    Attributes:
        feature: The feature's name in the specification.
        words: For people, for example ``412 destination hosts in 10 minutes (benign: 3)``.
        weight: How much of the score it explains; larger is more.
    """

    feature: str
    words: str
    weight: float
