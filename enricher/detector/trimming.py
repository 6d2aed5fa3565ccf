"""Leaving contamination out of a site's calibration.

Logs that are called benign may hold an attack that nobody has seen. A source is left out where
it has far more of the most extreme scores than its share of the records explains. At most a
small share of all records goes, and what went is said, for somebody to look at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

TAIL = 1e-3
LEAST_IN_TAIL = 10
LEAST_SHARE = 0.2
LEAST_LIFT = 10.0


def contaminated_sources(
    channels: Sequence[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], float]],
    records: npt.NDArray[np.int64],
    max_share: float,
) -> npt.NDArray[np.int64]:
    """Sources that own the extreme tail of a channel out of all proportion.

    A source is taken where it has at least 10 records, and a fifth of all, in the tail of a
    channel, and ten times its share of the channel's records.

    Args:
        channels: For each channel the scores float32 [N], the source of each record as a number,
            int64 [N], and the lowest score that can be called extreme. The tail is the highest
            thousandth (at least 50 records) of those that reach it.
        records: int64 [S], number of records of each source in all.
        max_share: Of all records no more than this share is left out.

    Returns:
        int64, numbers of the sources, worst first.
    """
    excess = np.zeros(len(records))
    for scores, sources, floor in channels:
        in_tail = _tail(scores, floor)
        if not len(in_tail):
            continue
        here = np.bincount(sources, minlength=len(records))
        tail = np.bincount(sources[in_tail], minlength=len(records))
        share = tail / len(in_tail)
        lift = share / np.maximum(here / len(scores), 1e-12)
        taken = (tail >= LEAST_IN_TAIL) & (share >= LEAST_SHARE) & (lift >= LEAST_LIFT)
        excess = np.maximum(excess, np.where(taken, share, 0.0))
    left = max_share * float(records.sum())
    out = []
    for source in np.argsort(-excess, kind="stable"):
        if excess[source] <= 0.0:
            break
        if records[source] <= left:
            left -= float(records[source])
            out.append(source)
    return np.array(out, dtype=np.int64)


def _tail(scores: npt.NDArray[np.float32], floor: float) -> npt.NDArray[np.int64]:
    """Places of the highest scores, highest first."""
    size = max(int(TAIL * len(scores)), 5 * LEAST_IN_TAIL)
    reaching = np.flatnonzero(scores >= floor)
    order = np.argsort(-scores[reaching], kind="stable")[:size]
    return np.asarray(reaching[order], dtype=np.int64)
