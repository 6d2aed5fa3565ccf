"""Whether benign traffic still looks as it did in calibration: a conformal test martingale.

A capital of 1 is bet, record by record, against the p-values being uniform. While records are
exchangeable with those of the calibration no strategy wins: the capital ever reaches ``1/delta``
with probability at most ``delta``, however long one looks (Ville's inequality). Where it does,
the calibration's promise is no longer kept.

The strategy is the simple jumper (Vovk et al. 2021, "Retrain or not retrain: conformal test
martingales for change-point detection") over bets that win on *small* p-values only: large ones
break no promise, and so p-values that are merely conservative win nothing either.

Ranks against a calibration set of fixed size are not uniform over a long stream, because the set
is a sample: each record is therefore ranked among the calibration's and all records before it,
ties broken at random (Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world").
Ranks are kept as counts per level of p-value, so memory is bounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from enricher.detector.false_discovery import LEVELS, level_of
from enricher.features.compiled import kernel

DELTA = 1e-3
"""Probability that a kind whose traffic has not changed is ever said to have: as rare as a false
alarm about a record, but once in the life of a calibration and not once in a thousand records."""

_JUMP = 0.01
_BETS = 3
_MOST = 2**53  # counts beyond it would not survive JSON

NumberArray = npt.NDArray[np.int64]


def reference_counts(p_values: npt.ArrayLike) -> NumberArray:
    """Calibration records by the level of their own p-value, int64 [L]: what drift is against."""
    return np.bincount(level_of(p_values), minlength=len(LEVELS)).astype(np.int64)


class DriftMonitor:
    """The martingale of one kind of record.

    The result depends on the records and their order alone, never on how they come in batches.

    Args:
        reference: int [L], from :func:`reference_counts`.
        delta: Probability of an alarm where nothing has changed.

    Attributes:
        records: Records taken.
        ln_capital: Natural logarithm of the capital.
        since: Flow time, seconds UTC, of the record at which the capital reached ``1/delta``;
            None while it has not. From then on the promise is suspended, until there is a new
            calibration.

    Raises:
        ValueError: If the reference has another number of levels, or a count is negative.
    """

    def __init__(self, reference: npt.ArrayLike, delta: float = DELTA) -> None:
        counts = np.array(reference, dtype=np.int64)
        if counts.shape != LEVELS.shape or counts.min() < 0 or counts.max() > _MOST:
            raise ValueError(f"a reference has {len(LEVELS)} counts, none negative")
        # A record that is rarer than all of the calibration is as likely as any one of them.
        seen = np.flatnonzero(counts)
        counts[seen[0] if len(seen) else 0] += 1
        self._counts = counts
        self._shares = np.full(_BETS, 1.0 / _BETS)
        self._limit = -math.log(delta)
        self.records = 0
        self.ln_capital = 0.0
        self.since: float | None = None

    def take(self, p_values: npt.ArrayLike, times: npt.NDArray[np.float64]) -> int | None:
        """Take conformal p-values [N] in the order of the log, with their flow times [N].

        Returns:
            The place of the first record that is not covered by the promise; None where all are.
        """
        levels = level_of(p_values)
        if not len(levels):
            return None
        self.ln_capital, alarm = _bet(
            levels, self.records, self._counts, self._shares, self.ln_capital, self._limit
        )
        self.records += len(levels)
        if self.since is not None:
            return 0
        if alarm < 0:
            return None
        self.since = float(times[alarm])
        return int(alarm)

    def export(self) -> dict[str, Any]:
        """The state as plain numbers: what :meth:`restore` goes on from."""
        return {
            "counts": self._counts.tolist(),
            "shares": self._shares.tolist(),
            "records": self.records,
            "ln_capital": self.ln_capital,
            "since": self.since,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], delta: float = DELTA) -> Self:
        """A monitor that goes on where another has stopped.

        Raises:
            ValueError, KeyError, TypeError: If it is no such state.
        """
        monitor = cls(state["counts"], delta)
        monitor._counts = np.array(state["counts"], dtype=np.int64)
        shares = np.array(state["shares"], dtype=np.float64)
        if shares.shape != (_BETS,) or shares.min() <= 0.0 or not np.isclose(shares.sum(), 1.0):
            raise ValueError(f"a capital has {_BETS} shares that add up to 1")
        monitor._shares = shares
        monitor.records = int(state["records"])
        monitor.ln_capital = float(state["ln_capital"])
        since = state["since"]
        monitor.since = None if since is None else float(since)
        if monitor.records < 0 or not math.isfinite(monitor.ln_capital):
            raise ValueError("a number of the state is out of range")
        return monitor


@kernel
def _uniform(number: int) -> float:
    """A number in (0, 1) that is as good as random (splitmix64, Steele et al. 2014)."""
    mixed = np.uint64(number) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return (float(mixed >> np.uint64(12)) + 0.5) / 4503599627370496.0


@kernel
def _bet(
    levels: NumberArray,
    first: int,
    counts: NumberArray,
    shares: npt.NDArray[np.float64],
    ln_capital: float,
    limit: float,
) -> tuple[float, int]:
    """Play one round a record; gives the capital and the first place where it is at the limit.

    ``counts`` and ``shares`` go on from round to round.
    """
    total = counts.sum()
    alarm = -1
    for place in range(len(levels)):
        level = levels[place]
        rank = counts[:level].sum() + _uniform(first + place) * (counts[level] + 1)
        p = rank / (total + 1)
        counts[level] += 1
        total += 1
        # Wait; bet on small; bet on very small. Each is a density on (0, 1) that falls.
        shares[1] *= 1.5 - p
        shares[2] *= 0.5 / np.sqrt(p)
        won = shares.sum()
        ln_capital += np.log(won)
        for bet in range(len(shares)):
            shares[bet] = (1.0 - _JUMP) * shares[bet] / won + _JUMP / len(shares)
        if alarm < 0 and ln_capital >= limit:
            alarm = place
    return ln_capital, alarm
