"""Scores of all learners on one scale: how rare they are among benign records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from enricher.detector.adaptation.tail import Tail

FINITE = st.floats(-1e6, 1e6, width=32)
SCORES = arrays(np.float32, st.integers(1, 200), elements=FINITE)


@given(SCORES, SCORES)
def test_a_higher_score_is_never_less_rare(benign: np.ndarray, asked: np.ndarray) -> None:
    rarity = Tail.fit(benign)(np.sort(asked))
    assert np.isfinite(rarity).all()
    assert (np.diff(rarity) >= -1e-5).all()


def test_inside_the_benign_scores_it_is_the_log_of_the_share_that_reaches_the_score() -> None:
    benign = np.random.default_rng(0).normal(size=20_000).astype(np.float32)
    tail = Tail.fit(benign)
    for share in (0.5, 0.1, 0.01, 0.001):
        score = np.quantile(benign, 1 - share).astype(np.float32)
        assert tail(np.array([score]))[0] == pytest.approx(-np.log(share), abs=0.15)


def test_above_every_benign_score_records_are_still_in_order() -> None:
    benign = np.linspace(0.0, 1.0, 1_000, dtype=np.float32)
    rarity = Tail.fit(benign)(np.array([1.0, 1.5, 2.0, 3.0, 1e9, 3e38], np.float32))
    assert np.isfinite(rarity).all()
    assert (np.diff(rarity) > 0).all()


@given(SCORES)
def test_equal_benign_scores_count_together(benign: np.ndarray) -> None:
    tied = np.concatenate([benign, np.full(300, benign.max(), np.float32)])
    top = float(Tail.fit(tied)(tied.max()[None])[0])
    reaching = int((tied == tied.max()).sum())
    assert top == pytest.approx(np.log((len(tied) + 1) / (reaching + 1)), abs=1e-4)


@given(SCORES, SCORES)
def test_it_comes_back_from_a_file_as_it_was(benign: np.ndarray, asked: np.ndarray) -> None:
    tail = Tail.fit(benign)
    again = Tail.from_arrays(tail.to_arrays())
    assert np.allclose(tail(asked), again(asked), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"scores": np.zeros(3, np.float32)},
        {"scores": np.array([1.0, 0.0], np.float32)},
        {"scores": np.array([0.0, np.nan], np.float32)},
        {"rarity": np.array([1.0, 0.0], np.float32)},
        {"step": np.zeros(1, np.float32)},
        {"scores": np.arange(5_000, dtype=np.float32), "rarity": np.zeros(5_000, np.float32)},
    ],
)
def test_knots_that_are_no_scale_are_refused(wrong: dict[str, np.ndarray]) -> None:
    right = {
        "scores": np.array([0.0, 1.0], np.float32),
        "rarity": np.array([0.0, 1.0], np.float32),
        "step": np.ones(1, np.float32),
    }
    Tail.from_arrays(right)
    with pytest.raises(ValueError, match="scale"):
        Tail.from_arrays(right | wrong if wrong else {})


def test_no_benign_scores_give_no_scale() -> None:
    with pytest.raises(ValueError, match="benign"):
        Tail.fit(np.zeros(0, np.float32))
