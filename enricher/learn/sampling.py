"""Which records a training step sees: balanced over families and captures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.features.rows import Rows
from enricher.learn.dataset import SIMULATED_CAPTURE, Dataset
from enricher.learn.labels import BENIGN_LABEL, GENERATED


@dataclass(frozen=True, slots=True)
class Balance:
    """How the shares of a batch are chosen.

    Attributes:
        benign: Share of benign records.
        temper: A cell of n records (one family in one capture) is drawn as n to this power:
            0 gives every cell the same share, 1 the share it has.
        largest: No cell gets more than this share of its side, benign or attack.
        simulated: What the weight of a cell of a simulated capture is multiplied with.
        generated: Share of made-up families among the attacks, where there are any.
    """

    benign: float = 0.6
    temper: float = 0.4
    largest: float = 0.4
    simulated: float = 1.0
    generated: float = 0.3


class Sampler:
    """Draws rows of the labelled records of a data set, with replacement.

    Args:
        dataset: The records.
        rows: Those that may be drawn; unlabelled ones among them are left out.
        balance: How shares are chosen.
    """

    def __init__(self, dataset: Dataset, rows: Rows, balance: Balance) -> None:
        labels = dataset.labels[rows]
        rows = rows[(labels >= BENIGN_LABEL) | (labels == GENERATED)]
        labels = dataset.labels[rows]
        cells = np.stack([labels, dataset.capture[rows], dataset.variety[rows]])
        self._names, cell, counts = np.unique(
            cells, axis=1, return_inverse=True, return_counts=True
        )
        cell = cell.reshape(-1)
        order = np.argsort(cell, kind="stable")
        self._rows = rows[order]
        self._counts = counts
        self._starts = np.cumsum(counts) - counts
        simulated = np.array([name.startswith(SIMULATED_CAPTURE) for name in dataset.captures])
        weights = counts.astype(np.float64) ** balance.temper
        weights[simulated[self._names[1]]] *= balance.simulated
        generated = self._names[0] == GENERATED
        if generated.any() and (self._names[0] > BENIGN_LABEL).any():
            others = weights[self._names[0] > BENIGN_LABEL].sum()
            wanted = others * balance.generated / (1 - balance.generated)
            weights[generated] *= wanted / weights[generated].sum()
        self._shares = _shares(self._names[0] == BENIGN_LABEL, weights, balance)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shares(self) -> dict[tuple[int, int], float]:
        """Share of each (label, capture)."""
        found: dict[tuple[int, int], float] = {}
        for (label, capture, _), share in zip(self._names.T, self._shares, strict=True):
            cell = int(label), int(capture)
            found[cell] = found.get(cell, 0.0) + float(share)
        return found

    def draw(self, count: int, rng: np.random.Generator) -> Rows:
        """Draw ``count`` rows, int64 [count]."""
        cells = rng.choice(len(self._shares), size=count, p=self._shares)
        return np.asarray(
            self._rows[self._starts[cells] + rng.integers(0, self._counts[cells])], dtype=np.int64
        )


def _shares(
    benign: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64], balance: Balance
) -> npt.NDArray[np.float64]:
    """Share of each cell; both sides together are 1."""
    shares = np.zeros(len(weights))
    sides = [side for side in (benign, ~benign) if side.any()]
    for side in sides:
        total = 1.0 if len(sides) == 1 else balance.benign if side is benign else 1 - balance.benign
        shares[side] = total * _capped(weights[side], balance.largest)
    return np.asarray(shares / shares.sum())


def _capped(weights: npt.NDArray[np.float64], largest: float) -> npt.NDArray[np.float64]:
    """Weights that sum to 1, none above ``largest`` where there are cells enough to allow it."""
    shares = weights / weights.sum()
    bound = max(largest, 1.0 / len(shares))
    for _ in range(len(shares)):
        over = shares > bound + 1e-12
        if not over.any():
            break
        rest = 1.0 - bound * over.sum()
        shares[~over] *= rest / max(shares[~over].sum(), 1e-12)
        shares[over] = bound
    return np.asarray(shares / shares.sum())


def tail_split(dataset: Dataset, rows: Rows, share: float) -> tuple[Rows, Rows]:
    """Cut the end of every (log, label) off.

    Args:
        dataset: The records.
        rows: Rows to split, in the order of the logs.
        share: Share of the records of each log and label that goes to the second part.

    Returns:
        Rows before, rows after; unlabelled ones are in neither.
    """
    labels = dataset.labels[rows]
    rows = rows[(labels >= BENIGN_LABEL) | (labels == GENERATED)]
    keys = np.stack([dataset.log[rows], dataset.labels[rows].astype(np.int32)])
    _, cell, counts = np.unique(keys, axis=1, return_inverse=True, return_counts=True)
    cell = cell.reshape(-1)
    order = np.argsort(cell, kind="stable")
    rank = np.empty(len(rows), dtype=np.int64)
    starts = np.cumsum(counts) - counts
    rank[order] = np.arange(len(rows)) - np.repeat(starts, counts)
    late = rank >= np.ceil(counts[cell] * (1 - share))
    return rows[~late], rows[late]
