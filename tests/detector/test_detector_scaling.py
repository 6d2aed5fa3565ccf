"""Scaling is bounded whatever comes, and is the training distribution's rank."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from enricher.detector.scaling import CHANNELS, QuantileScaler


def fitted(values: np.ndarray, quantiles: int = 16) -> QuantileScaler:
    scaler = QuantileScaler(values.shape[1], quantiles)
    scaler.fit(values.astype(np.float32))
    return scaler


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(st.lists(FLOATS, min_size=1, max_size=30), st.lists(FLOATS, min_size=1, max_size=30))
def test_nothing_leaves_its_range_whatever_was_seen_and_comes(
    seen: list[float], come: list[float]
) -> None:
    scaler = fitted(np.array(seen, dtype=np.float32)[:, None])
    scaled = scaler(torch.tensor(come, dtype=torch.float32)[:, None])
    assert torch.isfinite(scaled).all()
    value, rank, missing = scaled.T
    assert value.abs().max() <= 8.0
    assert rank.abs().max() <= 1.0 + 1e-5
    assert missing.tolist() == [float(np.isnan(c)) for c in come]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=50))
def test_order_is_kept(seen: list[float]) -> None:
    values = np.sort(np.array(seen, dtype=np.float32))
    scaled = fitted(values[:, None])(torch.from_numpy(values)[:, None])
    assert (scaled[:, 0].diff() >= 0).all()
    assert (scaled[:, 1].diff() >= -1e-6).all()


def test_the_rank_is_the_share_of_training_values_below() -> None:
    values = np.random.default_rng(0).exponential(size=(5000, 1))
    scaled = fitted(values)(torch.tensor([[0.1], [0.7], [2.0]], dtype=torch.float32))
    expected = 2.0 * (values <= np.array([[0.1, 0.7, 2.0]])).mean(0) - 1.0
    assert np.allclose(scaled[:, 1], expected, atol=0.06)


def test_equal_values_share_the_middle_of_their_ranks() -> None:
    values = np.array([[0.0]] * 80 + [[float(i)] for i in range(1, 21)])
    scaled = fitted(values)(torch.tensor([[0.0]]))
    assert scaled[0, 1].item() == pytest.approx(2 * 0.4 - 1, abs=1e-5)


def test_a_missing_value_is_the_median_and_flagged() -> None:
    scaled = fitted(np.arange(11.0)[:, None])(torch.tensor([[torch.nan], [5.0]]))
    assert scaled[:, 2].tolist() == [1.0, 0.0]
    assert scaled[0, :2].tolist() == scaled[1, :2].tolist()
    assert scaled[0, 0] == 0.0


def test_values_ranks_and_flags_stand_in_three_groups_of_columns() -> None:
    values = np.random.default_rng(1).normal(size=(100, 4))
    both = fitted(values)(torch.from_numpy(values.astype(np.float32)))
    assert both.shape == (100, CHANNELS * 4)
    alone = fitted(values[:, 2:3])(torch.from_numpy(values[:, 2:3].astype(np.float32)))
    assert torch.equal(both[:, [2, 6, 10]], alone)


@pytest.mark.parametrize("seen", [[3.0] * 5, [np.nan] * 5, [1e38, -1e38], [np.inf, 1.0]])
def test_odd_columns_can_be_fitted(seen: list[float]) -> None:
    scaler = fitted(np.array(seen, dtype=np.float32)[:, None])
    assert torch.isfinite(scaler(torch.tensor([[0.0], [3.0], [1e38]]))).all()
