"""Novelty is small for what is like benign and grows with distance."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from enricher.detector.novelty import NoveltyModel


def mixture(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 8, generator=generator) * torch.linspace(0.1, 3.0, 8)
    points[count // 2 :] += 40.0
    return points


def test_usual_records_score_near_one_and_new_ones_higher() -> None:
    model = NoveltyModel.fit(mixture(4000, 0))
    usual = model.score(mixture(2000, 1))
    assert 0.7 < usual.median() < 1.3
    between = model.score(torch.full((1, 8), 20.0))
    assert between.item() > usual.max().item()


def test_a_direction_with_little_spread_counts_more() -> None:
    model = NoveltyModel.fit(mixture(4000, 0))
    narrow, wide = torch.zeros(1, 8), torch.zeros(1, 8)
    narrow[0, 0] = wide[0, 7] = 6.0
    assert model.score(narrow) > model.score(wide)


def test_the_same_records_give_the_same_model() -> None:
    first, second = NoveltyModel.fit(mixture(500, 0)), NoveltyModel.fit(mixture(500, 0))
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(
    "points",
    [torch.zeros(2, 8), torch.ones(300, 8), torch.eye(8), mixture(10, 0), mixture(50, 0) * 1e4],
    ids=["two", "equal", "fewer than dimensions", "few", "large"],
)
def test_poor_data_gives_finite_scores(points: Tensor) -> None:
    model = NoveltyModel.fit(points)
    assert torch.isfinite(model.score(torch.cat((points, mixture(10, 3))))).all()


def test_one_record_is_not_enough() -> None:
    with pytest.raises(ValueError, match="at least two"):
        NoveltyModel.fit(torch.zeros(1, 8))
