"""Upper ends of confidence intervals: what may be, where little or nothing was seen."""

from __future__ import annotations

import math

CONFIDENCE = 0.95
_STEPS = 200


def poisson_upper(events: int, confidence: float = CONFIDENCE) -> float:
    """The largest mean with which so few events are not yet surprising.

    Garwood's exact limit ("Fiducial limits for the Poisson distribution", Biometrika 28, 1936),
    one-sided. With no event it is ``-log(1 - confidence)``: the rule of three.

    Args:
        events: What was seen.
        confidence: Of the limit.
    """
    low, high = float(events), float(events) + 10.0 * math.sqrt(events + 1.0) + 10.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if _at_most(events, middle) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high


def share_upper(hits: int, records: int, confidence: float = CONFIDENCE) -> float:
    """The largest share of records that a rule may hit; for rare hits Poisson's limit.

    Args:
        hits: Records that it hit.
        records: Of so many.
        confidence: Of the limit.
    """
    return min(poisson_upper(hits, confidence) / records, 1.0) if records else 1.0


def _at_most(events: int, mean: float) -> float:
    """Probability of so many events or fewer."""
    term = total = math.exp(-mean) if mean < _EXACT else 0.0
    if not term:
        # Far out the normal approximation is good enough, and exp would be 0.
        z = (events + 0.5 - mean) / math.sqrt(mean)
        return 0.5 * math.erfc(-z / math.sqrt(2.0))
    for number in range(1, events + 1):
        term *= mean / number
        total += term
    return total


_EXACT = 700.0
