"""Scores of a site's own families: one matrix product for all, forests for what is left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from enricher.detector.adaptation.family_head import WIDE, FamilyHead, ruled_out
from enricher.detector.adaptation.gates import BoolArray
from enricher.detector.adaptation.points import FloatArray, Points, table_of
from enricher.features.rows import Rows
from enricher.features.tensors import Features


class AdaptedHeads:
    """The heads of F families in one kind of record.

    A hundred families cost little more than one: their linear heads are one matrix, and the other
    base learners see only the few records that a family's gates leave open.

    Args:
        names: Names of the families, for the columns of the scores.
        heads: Head of each family that has one in this kind.
        device: Where embeddings are.

    Raises:
        ValueError: If a head is not of a named family.
    """

    def __init__(
        self, names: Sequence[str], heads: Mapping[str, FamilyHead], device: torch.device
    ) -> None:
        if set(heads) - set(names):
            raise ValueError(f"heads of families without a name: {set(heads) - set(names)}")
        self.names = tuple(names)
        self._present = [place for place, name in enumerate(names) if name in heads]
        self._heads = [heads[names[place]] for place in self._present]
        if self._heads:
            weight = np.stack([head.weight for head in self._heads])
            several = len(self._heads)
            gates = np.array([head.gates.at(several) for head in self._heads])
            bias = np.array([head.bias for head in self._heads]) - gates[:, 0]
            self._weight = torch.from_numpy(weight.T.copy()).to(device)
            self._bias = torch.from_numpy(bias.astype(np.float32)).to(device)
            self._attack = gates[:, 1].astype(np.float32)
            self._sides = np.array([int(head.context) for head in self._heads])

    def __len__(self) -> int:
        return len(self._heads)

    def linear(self, embedding: Tensor) -> Tensor:
        """Scores of all linear heads, float32 [N, H], of an embedding float32 [N, E].

        Below 0 is ruled out, unless it looks like an attack of any kind: the more families there
        are, the less each leaves open.
        """
        return torch.addmm(self._bias, embedding, self._weight)

    def scores(
        self, linear: FloatArray, features: Features, embedding: FloatArray, attack: FloatArray
    ) -> FloatArray:
        """Scores of the families, float32 [N, F]; 0 where a family has no head in this kind.

        Args:
            linear: float32 [N, H], what :meth:`linear` gave.
            features: The records.
            embedding: float32 [N, E].
            attack: float32 [N, 2].
        """
        if not self._heads:
            return np.zeros((len(features), len(self.names)), np.float32)
        own = ruled_out(linear)
        rows, open_ = self._open(linear, attack)
        points = Points(features.kind, table_of(features, rows), embedding[rows], attack[rows])
        wide = points.wide() if any(WIDE in head.forests for head in self._heads) else None
        for place, head in enumerate(self._heads):
            some = np.flatnonzero(open_[:, place])
            if len(some):
                rarity = head.combine(head.members(points, some, wide))
                own[rows[some], place] = head.calibrated(rarity)
        if len(self._present) == len(self.names):
            return own
        scores = np.zeros((len(features), len(self.names)), np.float32)
        scores[:, self._present] = own
        return scores

    def _open(self, linear: FloatArray, attack: FloatArray) -> tuple[Rows, BoolArray]:
        """Records that are open to any family, int64 [R], and to which ones, bool [R, H]."""
        likely = linear.max(axis=1) >= 0.0
        for side in (0, 1):
            own = self._sides == side
            if own.any():
                likely |= attack[:, side] >= self._attack[own].min()
        rows = np.flatnonzero(likely)
        return rows, (linear[rows] >= 0.0) | (attack[rows][:, self._sides] >= self._attack)
