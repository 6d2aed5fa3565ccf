"""What is done to the records of a batch before a model sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from enricher.features.ngrams import NameModel
from enricher.features.rows import Rows, take
from enricher.features.tensors import Features
from enricher.learn.columns import Dropout, hide
from enricher.learn.dataset import Dataset
from enricher.learn.growing import Growth, grow_some


@dataclass(frozen=True, slots=True)
class Change:
    """Some records grow, some lose values.

    Attributes:
        dropout: Shares of hidden values.
        growth: Shares of records that have grown.
        names: The model that the features of names were made with.
    """

    dropout: Dropout
    growth: Growth
    names: NameModel | None

    def made(self, dataset: Dataset, rows: Rows, rng: np.random.Generator) -> tuple[Features, Rows]:
        """Changed features of some records, and the records in the order of these."""
        features, attack = take(dataset.features, rows), dataset.variety[rows] >= 0
        features, order = grow_some(features, attack, self.growth, rng, self.names)
        return hide(features, self.dropout, rng), rows[order]
