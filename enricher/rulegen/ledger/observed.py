"""How often a rule was right, as far as anybody knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of the hits of one revision of a rule.

    Attributes:
        hits: Alerts that were counted.
        confirmed: Those that an analyst called right.
        false: Those that an analyst called wrong.
        agreed: Those in whose flow the detector saw the rule's family too.
        disagreed: Those in whose flow the detector saw nothing but what is benign.
        first: Time of the first, seconds UTC.
        last: Time of the last, seconds UTC.
        days: Days with a hit.
        sources: Addresses that they came from; at most those that are kept.
    """

    hits: int
    confirmed: int
    false: int
    agreed: int
    disagreed: int
    first: float
    last: float
    days: int
    sources: int

    @property
    def precision(self) -> float | None:
        """Share of the judged hits that were right; None where none was judged."""
        judged = self.confirmed + self.false
        return self.confirmed / judged if judged else None

    def lower_bound(self, confidence: float = CONFIDENCE) -> float:
        """One-sided lower bound of the precision; 0 where no hit was judged.

        It holds for judged hits that were drawn without choosing.
        """
        return wilson_lower(self.confirmed, self.confirmed + self.false, confidence)


def wilson_lower(right: int, judged: int, confidence: float = CONFIDENCE) -> float:
    """One-sided lower bound of a share of which ``right`` in ``judged`` were seen.

    The score interval of E. B. Wilson, "Probable Inference, the Law of Succession, and
    Statistical Inference", JASA 22 (1927), pp. 209-212.
    """
    if judged == 0 or right == 0:
        return 0.0
    share, z = right / judged, NormalDist().inv_cdf(confidence)
    middle = share + z * z / (2 * judged)
    half = z * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    return max(0.0, (middle - half) / (1 + z * z / judged))
