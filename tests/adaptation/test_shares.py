"""Shares of the base learners by the number of support records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.detector.adaptation.shares import EVEN, Shares

LEARNED = Shares({"conn": {1: (1.0, 0.0, 0.0, 0.0), 10: (0.0, 1.0, 0.0, 0.0)}})


@given(st.integers(1, 10_000))
def test_shares_are_never_negative_and_sum_to_one(shots: int) -> None:
    shares = LEARNED.at("conn", shots)
    assert min(shares) >= 0.0
    assert sum(shares) == pytest.approx(1.0)


def test_between_two_numbers_of_records_shares_lie_between() -> None:
    low, middle, high = (LEARNED.at("conn", shots)[1] for shots in (1, 3, 10))
    assert (low, high) == (0.0, 1.0)
    assert 0.3 < middle < 0.6


def test_outside_what_was_learned_the_nearest_holds() -> None:
    assert LEARNED.at("conn", 500) == LEARNED.at("conn", 10)


def test_a_kind_that_nothing_was_learned_of_weighs_all_alike() -> None:
    assert LEARNED.at("dns", 5) == EVEN


def test_shares_come_back_from_plain_values() -> None:
    assert Shares.from_dict(LEARNED.to_dict()).at("conn", 4) == LEARNED.at("conn", 4)


@pytest.mark.parametrize("wrong", [[1.0], [-1.0, 1.0, 1.0, 1.0], [0.0] * 4, [float("nan")] * 4])
def test_what_is_no_share_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        Shares.from_dict({"conn": {"1": wrong}})
