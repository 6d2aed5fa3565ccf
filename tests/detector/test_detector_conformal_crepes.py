"""p-values agree with those of another implementation."""

from __future__ import annotations

import numpy as np
import pytest
from crepes.base import p_values_batch  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from enricher.detector.conformal import ConformalCalibration

# Few distinct values, so that there are ties.
SCORES = st.lists(st.integers(-8, 8).map(float), min_size=1, max_size=60)


@given(SCORES, SCORES)
def test_p_values_are_those_of_crepes(seen: list[float], come: list[float]) -> None:
    theirs = p_values_batch(np.array(seen), np.array(come), smoothing=False)
    np.testing.assert_allclose(ConformalCalibration(seen).p_values(come), theirs, rtol=1e-6)


@pytest.mark.parametrize("kinds", [2, 4])
def test_a_calibration_for_each_kind_is_the_mondrian_one_of_crepes(kinds: int) -> None:
    rng = np.random.default_rng(0)
    seen_kind, come_kind = rng.integers(0, kinds, 3000), rng.integers(0, kinds, 500)
    seen = rng.normal(scale=1 + seen_kind).astype(np.float32)
    come = rng.normal(0.5, 1.0, size=500).astype(np.float32)
    theirs = p_values_batch(seen, come, seen_kind, come_kind, smoothing=False)
    ours = np.empty(500)
    for kind in range(kinds):
        rows = come_kind == kind
        ours[rows] = ConformalCalibration(seen[seen_kind == kind]).p_values(come[rows])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
