"""Which families one threshold on one feature tells from benign records.

Such a family says nothing about a learner: D'hooge 2023, Castles Built on Sand: Observations from
Classifying Academic Cybersecurity Datasets with Minimalist Methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from enricher.learn.labels import BENIGN_LABEL

FloatMatrix = npt.NDArray[np.float32]

FALSE_POSITIVE_RATE = 1e-3


@dataclass(frozen=True, slots=True)
class OneFeature:
    """The best threshold on one feature for one family.

    Attributes:
        feature: Name of the feature.
        side: A record is flagged when its value is strictly above or below the threshold.
        threshold: In the unit of the stored feature; infinite where no benign record has a value.
        rate: Share of the family's records that are flagged (true-positive rate).
        records: Number of the family's records.
    """

    feature: str
    side: Literal["above", "below"]
    threshold: float
    rate: float
    records: int


def one_feature_separability(
    numeric: FloatMatrix,
    labels: npt.NDArray[np.integer[Any]],
    names: Sequence[str],
    false_positive_rate: float = FALSE_POSITIVE_RATE,
) -> dict[int, OneFeature]:
    """How well each family is found by the best single feature, chosen in hindsight.

    A record without a value is never flagged. Of n benign records at most
    ``floor(false_positive_rate * n)`` are flagged, so with fewer than 1,000 of them none is.

    Args:
        numeric: float32 [N, D], NaN where missing.
        labels: int [N]: 0 benign, above 0 a family; others take no part.
        names: Names of the D columns.
        false_positive_rate: Share of benign records that may be flagged.

    Returns:
        By label, what one threshold can do.

    Raises:
        ValueError: If there is no benign record or no column.
    """
    benign = numeric[labels == BENIGN_LABEL]
    if not benign.size:
        raise ValueError("benign records with at least one feature are needed")
    above = _thresholds(benign, false_positive_rate)
    below = -_thresholds(-benign, false_positive_rate)
    found = {}
    for label in np.unique(labels[labels > BENIGN_LABEL]):
        own = numeric[labels == label]
        # A comparison with NaN is false: a record without a value is not flagged.
        rates = np.stack([(own > above).mean(axis=0), (own < below).mean(axis=0)])
        side, column = divmod(int(rates.argmax()), numeric.shape[1])
        found[int(label)] = OneFeature(
            feature=names[column],
            side="below" if side else "above",
            threshold=float((below if side else above)[column]),
            rate=float(rates[side, column]),
            records=len(own),
        )
    return found


def _thresholds(benign: FloatMatrix, false_positive_rate: float) -> FloatMatrix:
    """float32 [D], of each column the lowest value that few enough benign records are above."""
    allowed = int(false_positive_rate * len(benign))
    place = len(benign) - 1 - allowed
    filled = np.where(np.isnan(benign), np.float32(-np.inf), benign)
    return np.asarray(np.partition(filled, place, axis=0)[place], np.float32)
