"""Closed forms against their definitions and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as SklearnRidge
from torch import Tensor

from enricher.detector.learners import (
    GramBank,
    LinearHead,
    Logistic,
    NearestSupport,
    Prototypes,
    centres,
)
from enricher.detector.learners import Ridge as OwnRidge
from enricher.learn.meta import Episode

BALANCES = [None, 0.5, 0.2]


def records(attack: Tensor, benign: Tensor) -> tuple[np.ndarray, np.ndarray]:
    points = torch.cat((attack, benign)).double().numpy()
    return points, np.arange(len(points)) < len(attack)


def sample_weight(balance: float | None, shots: int, benign: int) -> np.ndarray:
    share = shots / (shots + benign) if balance is None else balance
    return np.repeat([share / shots, (1 - share) / benign], [shots, benign])


def variance(benign: Tensor) -> float:
    return float(benign.double().var(0, correction=0).mean())


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize("banked", [False, True])
def test_ridge_is_the_ridge_of_scikit_learn(
    three: Episode, balance: float | None, banked: bool
) -> None:
    ridge = OwnRidge(regularisation=0.3, balance=balance)
    bank = three.benign[0]
    head = (
        ridge.fit_bank(three.attack, GramBank.of(bank)) if banked else ridge.fit(three.attack, bank)
    )
    for task in range(3):
        points, labels = records(three.attack[task], bank)
        reference = SklearnRidge(alpha=0.3 * variance(bank), solver="cholesky").fit(
            points, labels, sample_weight=sample_weight(balance, 5, len(bank))
        )
        assert np.allclose(head.weight[task], reference.coef_, rtol=1e-9)
        assert float(head.bias[task]) == pytest.approx(reference.intercept_, rel=1e-9)
        expected = reference.predict(three.query[task].double().numpy())
        assert np.allclose(head.scores(three.query)[task], expected, atol=1e-5)


@pytest.mark.parametrize("balance", BALANCES)
def test_ridge_leaves_one_out_as_if_it_had_been_fitted_without(
    three: Episode, balance: float | None
) -> None:
    ridge = OwnRidge(regularisation=0.05, balance=balance)
    left_out = ridge.fit(three.attack, three.benign).leave_one_out()
    assert left_out.shape == (3, 5)
    for shot in range(5):
        rest = torch.cat((three.attack[:, :shot], three.attack[:, shot + 1 :]), dim=1)
        refitted = ridge.fit(rest, three.benign).scores(three.attack[:, shot : shot + 1])
        assert torch.allclose(left_out[:, shot : shot + 1], refitted, atol=1e-6)


def test_one_record_cannot_be_left_out(three: Episode) -> None:
    head = OwnRidge().fit(three.attack[:, :1], three.benign)
    with pytest.raises(ValueError, match="at least two"):
        head.leave_one_out()


def test_a_bank_for_each_task_is_kept_apart(three: Episode) -> None:
    ridge = OwnRidge()
    banked = ridge.fit_bank(three.attack, GramBank.of(three.benign))
    assert torch.equal(banked.weight, ridge.fit(three.attack, three.benign).weight)


def test_a_bank_of_other_features_is_refused(three: Episode) -> None:
    with pytest.raises(ValueError, match="other tasks or features"):
        OwnRidge().fit_bank(three.attack, GramBank.of(torch.zeros(4, 5)))
    with pytest.raises(ValueError, match="different shapes"):
        GramBank.of(torch.zeros(4, 5)).merged(GramBank.of(torch.zeros(4, 6)))


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 20), min_size=2, max_size=6),
    offset=st.sampled_from([0.0, 3.0, 1e6]),
    seed=st.integers(0, 1000),
)
def test_a_bank_grown_in_parts_is_the_bank_of_the_whole(
    sizes: list[int], offset: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    whole = torch.randn(sum(sizes), 4, dtype=torch.float64, generator=generator) + offset
    parts = [GramBank.of(part) for part in torch.split(whole, sizes)]
    grown = parts[0]
    for part in parts[1:]:
        grown = grown.merged(part)
    assert grown.count == len(whole)
    assert torch.allclose(grown.mean, whole.mean(0), rtol=1e-12)
    assert torch.allclose(grown.scatter, GramBank.of(whole).scatter, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("settings_", [{"regularisation": 0.0}, {"balance": 1.0}, {"balance": 0.0}])
@pytest.mark.parametrize("learner", [OwnRidge, Logistic])
def test_settings_out_of_range_are_refused(
    learner: type[OwnRidge | Logistic], settings_: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        learner(**settings_)


@pytest.mark.parametrize("balance", BALANCES)
def test_logistic_is_the_logistic_regression_of_scikit_learn(
    three: Episode, balance: float | None
) -> None:
    bank = three.benign[0]
    head = Logistic(regularisation=0.02, balance=balance).fit(three.attack, bank)
    for task in range(3):
        points, labels = records(three.attack[task], bank)
        reference = LogisticRegression(
            C=1 / (0.02 * variance(bank)), tol=1e-10, max_iter=10_000
        ).fit(points, labels, sample_weight=sample_weight(balance, 5, len(bank)))
        assert np.allclose(head.weight[task], reference.coef_[0], atol=1e-4)
        assert float(head.bias[task]) == pytest.approx(reference.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("gap", [0.0, 1.0, 30.0, 500.0])
def test_logistic_reaches_the_minimum_however_far_classes_are_apart(gap: float) -> None:
    generator = torch.Generator().manual_seed(0)
    attack = torch.randn(1, 8, 3, generator=generator, dtype=torch.float64) + gap
    benign = torch.randn(1, 50, 3, generator=generator, dtype=torch.float64)
    head = Logistic(regularisation=1e-3).fit(attack, benign)
    weight, bias = head.weight[0].requires_grad_(), head.bias[0].requires_grad_()
    attacks, others = (points[0] @ weight + bias for points in (attack, benign))
    loss = (
        torch.nn.functional.softplus(-attacks).mean() + torch.nn.functional.softplus(others).mean()
    ) / 2 + 1e-3 * variance(benign[0]) * weight.square().sum() / 2
    slopes = torch.autograd.grad(loss, (weight, bias))
    assert all(float(slope.abs().max()) < 1e-6 for slope in slopes)


def test_prototypes_by_hand() -> None:
    attack = torch.tensor([[[2.0, 0.0], [4.0, 0.0]]])
    benign = torch.tensor([[0.0, 1.0], [0.0, 3.0]])
    head = Prototypes().fit(attack, benign)
    # Prototypes (3, 0) and (0, 2); squared distances of (1, 1): 5 and 2, of (3, 0): 0 and 13.
    assert head.scores(torch.tensor([[1.0, 1.0], [3.0, 0.0]])).tolist() == [[-3.0, 13.0]]
    assert isinstance(head, LinearHead)
    assert head.weight.tolist() == [[6.0, -4.0]]
    assert head.bias.tolist() == [-5.0]


def test_the_nearest_benign_centre_counts() -> None:
    attack = torch.tensor([[[0.0, 0.0]]])
    benign = torch.tensor([[-10.0, 0.0], [-10.0, 2.0], [10.0, 0.0], [10.0, 2.0]])
    # Centres (-10, 1) and (10, 1): squared distances of (9, 1) are 82 to the family, 1 to benign.
    head = Prototypes(centres=2).fit(attack, benign)
    assert head.scores(torch.tensor([[9.0, 1.0]])).tolist() == [[-81.0]]


def test_the_nearest_support_record_counts() -> None:
    attack = torch.tensor([[[0.0, 5.0], [0.0, -5.0]]])
    benign = torch.tensor([[1.0, 0.0]])
    head = NearestSupport().fit(attack, benign)
    # (0, 4) is at 1 from the first record and at 17 from benign.
    assert head.scores(torch.tensor([[0.0, 4.0]])).tolist() == [[16.0]]


def test_a_benign_prototype_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Prototypes(centres=0)


def test_centres_find_clusters_of_unequal_size() -> None:
    generator = torch.Generator().manual_seed(1)
    middles = torch.tensor([[0.0, 0.0], [20.0, 0.0], [20.0, 9.0]], dtype=torch.float64)
    sizes = torch.tensor([60, 20, 20])
    points = middles.repeat_interleave(sizes, 0)
    points = points + 0.1 * torch.randn(points.shape, generator=generator, dtype=torch.float64)
    found = centres(points[None], 3)[0]
    distance = torch.cdist(middles, found)
    assert float(distance.amin(1).max()) < 0.2


def test_centres_of_fewer_distinct_records_repeat_them() -> None:
    points = torch.tensor([0.1, 0.1, 0.1, 0.7]).double().reshape(1, 4, 1)
    found = centres(points, 4)[0, :, 0].tolist()
    assert {round(value, 6) for value in found} == {0.1, 0.7}


def test_centres_found_once_stand_in_for_the_bank(three: Episode) -> None:
    learner, bank = Prototypes(centres=4), three.benign[0]
    found = centres(bank[None].double(), 4)[0].float()
    plain = learner.fit(three.attack, bank).scores(three.query)
    assert torch.allclose(learner.fit(three.attack, found).scores(three.query), plain, atol=1e-4)


def test_no_more_centres_than_records() -> None:
    points = torch.tensor([[[0.0], [1.0], [5.0]]], dtype=torch.float64)
    assert sorted(centres(points, 7)[0, :, 0].tolist()) == [0.0, 1.0, 5.0]
