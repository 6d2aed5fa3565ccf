"""Scores of a site's own families: one matrix product for all, forests for what it leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from enricher.detector.adaptation.family_head import FamilyHead, ruled_out
from enricher.detector.adaptation.points import FloatArray, Points, table_of
from enricher.features.tensors import Features


class AdaptedHeads:
    """The heads of F families in one kind of record.

    A hundred families cost little more than one: their linear heads are one matrix, and the other
    base learners see only the few records that a family's linear head leaves open.

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
            bias = np.array([h.bias - h.gate(several) for h in self._heads], np.float32)
            self._weight = torch.from_numpy(weight.T.copy()).to(device)
            self._bias = torch.from_numpy(bias).to(device)

    def __len__(self) -> int:
        return len(self._heads)

    def linear(self, embedding: Tensor) -> Tensor:
        """Scores of all linear heads, float32 [N, H], of an embedding float32 [N, E].

        Below 0 is ruled out: the more families there are, the less each leaves open.
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
        open_ = linear >= 0.0
        rows = np.flatnonzero(open_.any(axis=1))
        points = Points(features.kind, table_of(features, rows), embedding[rows], attack[rows])
        for place, head in enumerate(self._heads):
            some = np.flatnonzero(open_[rows, place])
            if len(some):
                chosen = points.rows(some)
                own[rows[some], place] = head.calibrated(head.combine(head.members(chosen)))
        if len(self._present) == len(self.names):
            return own
        scores = np.zeros((len(features), len(self.names)), np.float32)
        scores[:, self._present] = own
        return scores
