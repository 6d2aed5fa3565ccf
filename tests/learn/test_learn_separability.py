"""One threshold on one feature: what it finds of a family at a rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.learn.separability import one_feature_separability


def test_the_feature_that_gives_a_family_away_is_named() -> None:
    rng = np.random.default_rng(1)
    numeric = rng.normal(size=(3000, 3)).astype(np.float32)
    labels = np.zeros(3000, np.int16)
    labels[:100], labels[100:300], labels[300:400] = 1, 2, -1
    numeric[:100, 1] = 50.0
    numeric[100:300, 2] -= 60.0
    numeric[300:400, 0] = 99.0
    found = one_feature_separability(numeric, labels, ("a", "b", "c"))
    assert set(found) == {1, 2}
    assert (found[1].feature, found[1].side, found[1].rate, found[1].records) == (
        "b", "above", 1.0, 100,
    )  # fmt: skip
    assert (found[2].feature, found[2].side, found[2].rate) == ("c", "below", 1.0)


def test_a_family_that_is_like_benign_records_is_not_found() -> None:
    rng = np.random.default_rng(2)
    numeric = rng.normal(size=(20_000, 2)).astype(np.float32)
    labels = (np.arange(20_000) % 2).astype(np.int16)
    assert one_feature_separability(numeric, labels, ("a", "b"))[1].rate < 0.005


def test_a_missing_value_is_never_flagged_and_a_present_one_may_be() -> None:
    nan = np.nan
    numeric = np.array([[nan, 1.0], [nan, 2.0], [5.0, 1.5], [nan, 1.5]], np.float32)
    found = one_feature_separability(numeric, np.array([0, 0, 1, 1], np.int16), ("a", "b"))
    assert (found[1].feature, found[1].rate) == ("a", 0.5)


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, np.nan]), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, np.nan]), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_no_threshold_is_better_and_its_false_alarms_are_few_enough(
    benign: list[float], attack: list[float], rate: float
) -> None:
    numeric = np.array([*benign, *attack], np.float32)[:, None]
    labels = np.array([0] * len(benign) + [1] * len(attack), np.int16)
    found = one_feature_separability(numeric, labels, ("a",), rate)[1]
    a, b = np.array(attack), np.array(benign)

    def flagged(values: np.ndarray, threshold: float, side: str) -> int:
        return int((values > threshold).sum() if side == "above" else (values < threshold).sum())

    assert flagged(b, found.threshold, found.side) <= rate * len(b)
    best = max(
        flagged(a, threshold, side)
        for side in ("above", "below")
        for threshold in (-np.inf, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, np.inf)
        if flagged(b, threshold, side) <= rate * len(b)
    )
    assert found.rate == pytest.approx(best / len(a))


def test_benign_records_are_needed() -> None:
    with pytest.raises(ValueError, match="benign"):
        one_feature_separability(np.ones((2, 1), np.float32), np.array([1, 1]), ("a",))
