"""Distance to benign neighbours is small for what is like benign and grows with distance."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from enricher.detector.neighbours import NEIGHBOURS, POINTS, NeighbourModel


def mixture(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, 8, generator=generator)
    points[count // 2 :] += 40.0
    return points


def test_the_distances_are_those_of_another_implementation() -> None:
    model = NeighbourModel.fit(mixture(4000, 0))
    assert len(model.centres) == POINTS
    come = mixture(500, 1)
    finder = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(model.centres.numpy())
    distances, _ = finder.kneighbors(come.numpy())
    np.testing.assert_allclose(model.squared(come), (distances**2).mean(1), rtol=1e-4)


def test_usual_records_score_near_one_and_new_ones_higher() -> None:
    model = NeighbourModel.fit(mixture(4000, 0))
    usual = model.score(mixture(2000, 1))
    assert 0.9 < usual.median() < 1.1
    assert model.score(torch.full((1, 8), 20.0)).item() > usual.max().item()


def test_the_same_records_give_the_same_model_and_it_survives_a_file() -> None:
    first, second = NeighbourModel.fit(mixture(500, 0)), NeighbourModel.fit(mixture(500, 0))
    stored = safetensors.torch.load(safetensors.torch.save(first.state_dict()))
    read = NeighbourModel(8, len(first.centres))
    read.load_state_dict(stored)
    come = mixture(50, 2)
    assert torch.equal(first.score(come), second.score(come))
    assert torch.equal(first.score(come), read.score(come))


def test_the_score_has_a_gradient_away_from_benign() -> None:
    model = NeighbourModel.fit(mixture(4000, 0)[:2000])
    point = torch.full((1, 8), 5.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.squared(point).sum(), point)
    assert (gradient > 0).all()


def test_a_record_scores_the_same_in_any_batch() -> None:
    model = NeighbourModel.fit(mixture(4000, 0))
    come = mixture(1000, 1)
    parts = torch.cat([model.score(part) for part in torch.split(come, 7)])
    torch.testing.assert_close(model.score(come), parts, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "points",
    [torch.zeros(2, 8), torch.ones(300, 8), torch.eye(8), mixture(10, 0), mixture(50, 0) * 1e4],
    ids=["two", "equal", "few dimensions", "few", "large"],
)
def test_poor_data_gives_finite_scores(points: Tensor) -> None:
    model = NeighbourModel.fit(points)
    assert torch.isfinite(model.score(torch.cat((points, mixture(10, 3))))).all()


def test_one_record_is_not_enough() -> None:
    with pytest.raises(ValueError, match="at least two"):
        NeighbourModel.fit(torch.zeros(1, 8))
