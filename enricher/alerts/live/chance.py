"""Whether an unknown record stands out from chance, as far as its window is known by then."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from enricher.alerts.decide import UNKNOWN, Verdicts
from enricher.detector.false_discovery import LEVELS, level_of
from enricher.logs import Kind

AROUND = 24
"""Windows before and after that of the clock which are counted apart; what is further away is
counted with the outermost. The procedure keeps its promise for any set of records."""
_AT_ONCE = 512

Numbers = npt.NDArray[np.int64]
Total = tuple[Kind, int, int]
"""Kind, window, number of records that no family claims."""
Rare = tuple[Kind, int, list[tuple[int, int]]]
"""Kind, window, and how many unknown records have which level of p-value."""


class CausalChance:
    """Benjamini and Hochberg's procedure over the records of a kind and window so far.

    A window is taken to have at least as many records as is typical of the kind: otherwise its
    first records would be judged mildly, for few of few are a large share.

    Args:
        rate: The false discovery rate.
        typical: Records of a window in the site's calibration, by kind; 0 where it has none.
    """

    def __init__(self, rate: float, typical: Mapping[Kind, float]) -> None:
        self._rate = rate
        self._typical = dict(typical)
        self._totals: dict[tuple[Kind, int], int] = {}
        self._rare: dict[tuple[Kind, int], Numbers] = {}

    def take(
        self, kind: Kind, windows: Numbers, now: Numbers, verdicts: Verdicts,
        p_values: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.bool_]:  # fmt: skip
        """Count N records in order.

        Args:
            kind: Their kind.
            windows: int64 [N], number of each record's window.
            now: int64 [N], number of the clock's window at each record; it never falls.
            verdicts: int32 [N].
            p_values: float32 [N].

        Returns:
            bool [N], which records are unknown and not put down to chance by then.
        """
        stands_out = np.zeros(len(windows), dtype=np.bool_)
        rows = np.flatnonzero(verdicts < 0)
        if not len(rows):
            return stands_out
        slots = np.clip(windows[rows], now[rows] - AROUND, now[rows] + AROUND)
        unknown = verdicts[rows] == UNKNOWN
        distinct = np.unique(slots).tolist() if slots.min() < slots.max() else [int(slots[0])]
        for slot in distinct:
            here = slots == slot
            key = (kind, slot)
            before = self._totals.get(key, 0)
            self._totals[key] = before + int(np.count_nonzero(here))
            if not unknown[here].any():
                continue
            totals = before + np.flatnonzero(unknown[here]) + 1
            chosen = rows[here & unknown]
            for start in range(0, len(chosen), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                stands_out[chosen[some]] = self._judge(key, totals[some], p_values[chosen[some]])
        self._forget(kind, int(now[-1]) - AROUND)
        return stands_out

    def export(self) -> tuple[list[Total], list[Rare]]:
        """The counts of every window, for :meth:`restore`."""
        rare: list[Rare] = []
        for (kind, window), counts in self._rare.items():
            levels = np.flatnonzero(counts)
            pairs = zip(levels.tolist(), counts[levels].tolist(), strict=True)
            rare.append((kind, window, list(pairs)))
        return [(kind, window, n) for (kind, window), n in self._totals.items()], rare

    def restore(self, totals: list[Total], rare: list[Rare]) -> None:
        """Go on from what was exported."""
        self._totals = {(kind, window): n for kind, window, n in totals}
        self._rare = {}
        for kind, window, pairs in rare:
            counts = np.zeros(len(LEVELS), dtype=np.int64)
            for level, count in pairs:
                counts[level] = count
            self._rare[kind, window] = counts

    def _judge(
        self, key: tuple[Kind, int], totals: Numbers, p_values: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.bool_]:
        """Unknown records of one window in order, where ``totals`` records were seen by each."""
        found = level_of(np.nan_to_num(p_values, nan=1.0))
        before = self._rare.get(key)
        counts = np.bincount(found, minlength=len(LEVELS))
        self._rare[key] = counts if before is None else before + counts
        # No level that no record has can be the bound, so the others are left out.
        levels = np.flatnonzero(self._rare[key])
        places = np.searchsorted(levels, found)
        seen = np.zeros((len(found) + 1, len(levels)), dtype=np.int64)
        seen[0] = 0 if before is None else before[levels]
        seen[np.arange(1, len(found) + 1), places] = 1
        seen.cumsum(axis=0, out=seen)
        expected = np.maximum(totals, self._typical.get(key[0], 0.0))[:, None] * LEVELS[levels]
        passing = expected <= self._rate * seen[1:].cumsum(axis=1)
        last = len(levels) - 1 - passing[:, ::-1].argmax(axis=1)
        return np.asarray(passing.any(axis=1) & (places <= last))

    def clear(self) -> None:
        """Forget all counts: the clock was wrong, and so were the windows around it."""
        self._totals.clear()
        self._rare.clear()

    def _forget(self, kind: Kind, oldest: int) -> None:
        """Let go of windows that no record can be counted with any longer."""
        for key in [key for key in self._totals if key[0] == kind and key[1] < oldest]:
            del self._totals[key]
            self._rare.pop(key, None)
