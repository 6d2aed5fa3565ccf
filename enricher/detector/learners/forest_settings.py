"""How a forest is grown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from enricher.detector.learners.forest_arrays import MOST_DEPTH, MOST_TREES


@dataclass(frozen=True, slots=True)
class ForestSettings:
    """How trees are grown.

    Attributes:
        trees: Number of trees.
        exhaustive: Share of the trees that try all thresholds of a feature.
        thresholds: Thresholds that the other trees draw for each feature; 1 for extra trees.
        features: Features that a node tries, as a multiple of the root of the number of those
            that vary. What does not vary within the node does not count.
        bag: Share of the benign records that a tree is shown.
        largest_bag: Benign records that it is shown at most.
        searched: Benign records that the choice of one cut looks at, at most: a random part of
            those in the node. All of the tree's are then divided by it.
        depth: Cuts from root to leaf, at most.
        least: Records (of those looked at) on each side of a cut.
        turns: Attack records are left out of the trees in turns, each of one tree in so many;
            0 shows every tree all of them.
        balance: 0 weighs records alike, 1 the classes, and between them in geometric steps.
        smoothing: So many records of the prior, the share of the classes, are added to a leaf.
    """

    trees: int = 128
    exhaustive: float = 0.0
    thresholds: int = 1
    features: float = 1.0
    bag: float = 0.8
    largest_bag: int = 10_000
    searched: int = 1_000
    depth: int = 16
    least: int = 1
    turns: int = 5
    balance: float = 0.5
    smoothing: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings that make no trees.

        Raises:
            ValueError: Naming the setting.
        """
        right = {
            "trees": 1 <= self.trees <= MOST_TREES,
            "exhaustive": 0.0 <= self.exhaustive <= 1.0,
            "thresholds": self.thresholds >= 1,
            "features": 0.0 < self.features < np.inf,
            "bag": 0.0 < self.bag <= 1.0,
            "largest_bag": self.largest_bag >= 1,
            "searched": self.searched >= 1,
            "depth": 0 <= self.depth <= MOST_DEPTH,
            "least": self.least >= 1,
            "turns": self.turns == 0 or self.turns > 1,
            "balance": 0.0 <= self.balance <= 1.0,
            "smoothing": 0.0 < self.smoothing < np.inf,
        }
        for name, fits in right.items():
            if not fits:
                raise ValueError(f"{name} of a forest cannot be {getattr(self, name)}")
