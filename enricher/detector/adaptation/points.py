"""Records in every representation that a family's learners look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.features.tensors import Features
from enricher.logs import Kind

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Points:
    """N records of one kind.

    Attributes:
        kind: Their kind.
        table: float32 [N, D + C], numbers and categories as they are, NaN where missing.
        embedding: float32 [N, E].
        attack: float32 [N, 2], logits of 'any attack': without and with context.
    """

    kind: Kind
    table: FloatArray
    embedding: FloatArray
    attack: FloatArray

    def __len__(self) -> int:
        return len(self.table)

    def wide(self) -> FloatArray:
        """All of it side by side, float32 [N, D + C + E + 2]."""
        return np.concatenate((self.table, self.embedding, self.attack), axis=1)

    def rows(self, index: npt.NDArray[np.integer]) -> Points:
        """The records at ``index``."""
        return Points(self.kind, self.table[index], self.embedding[index], self.attack[index])

    def joined(self, others: Points) -> Points:
        """These records and then others of the same kind."""
        return Points(
            self.kind,
            np.concatenate((self.table, others.table)),
            np.concatenate((self.embedding, others.embedding)),
            np.concatenate((self.attack, others.attack)),
        )


def table_of(features: Features, rows: npt.NDArray[np.int64] | None = None) -> FloatArray:
    """Numbers and categories of some records side by side, float32 [R, D + C]."""
    numeric, categorical = features.numeric, features.categorical
    if rows is not None:
        numeric, categorical = numeric[rows], categorical[rows]
    table = np.concatenate((numeric, categorical.astype(np.float32)), axis=1)
    table[np.isinf(table)] = np.nan
    return table


@torch.inference_mode()
def represent(model: Model, features: Features) -> Points:
    """Records as their features and as the model sees them."""
    embedding = model.encoder.encode(Inputs.of(features, model.device))
    attack = torch.stack((model.attack.alone(embedding), model.attack.logits(embedding)), dim=1)
    return Points(
        features.kind,
        table_of(features),
        np.asarray(embedding.cpu().numpy(), dtype=np.float32),
        np.asarray(attack.cpu().numpy(), dtype=np.float32),
    )
