"""Support sets and benign banks that are easy to tell apart, without a model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from enricher.detector.adaptation.points import Points
from enricher.features import SPECS

EMBEDDING = 16
WIDTH = len(SPECS["ssl"].numeric) + len(SPECS["ssl"].categorical)
MakePoints = Callable[..., Points]


@pytest.fixture(scope="session")
def make_points() -> MakePoints:
    """``count`` records; those of the family differ by ``shift`` in some columns."""

    def make(count: int, seed: int, shift: float = 0.0) -> Points:
        rng = np.random.default_rng(seed)
        table = rng.normal(size=(count, WIDTH)).astype(np.float32)
        table[:, 3:6] += shift
        table[rng.random(table.shape) < 0.1] = np.nan
        embedding = rng.normal(size=(count, EMBEDDING)).astype(np.float32)
        embedding[:, :2] += shift
        embedding[:, EMBEDDING // 2] += shift
        attack = rng.normal(size=(count, 2)).astype(np.float32) + np.float32(shift)
        return Points("ssl", table, embedding, attack)

    return make
