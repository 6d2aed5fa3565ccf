"""Novelty joins two scores, each in its own unit."""

from __future__ import annotations

import torch

from enricher.detector.unseen import Unseen


def fitted() -> Unseen:
    unseen = Unseen()
    draw = torch.Generator().manual_seed(0)
    unseen.fit(torch.randn(5_000, generator=draw) * 10, torch.randn(5_000, generator=draw) / 10)
    return unseen


def test_either_score_alone_makes_a_record_new() -> None:
    unseen = fitted()
    usual, far, attack = unseen(torch.tensor([0.0, 90.0, 0.0]), torch.tensor([0.0, 0.0, 0.9]))
    assert far > usual + 1.0
    assert attack > usual + 1.0


def test_the_units_do_not_matter() -> None:
    one, two = fitted(), Unseen()
    draw = torch.Generator().manual_seed(0)
    two.fit(torch.randn(5_000, generator=draw) * 1e4, torch.randn(5_000, generator=draw) * 100)
    assert torch.allclose(
        one(torch.tensor([20.0]), torch.tensor([0.2])),
        two(torch.tensor([2e4]), torch.tensor([200.0])),
        rtol=1e-3,
    )


def test_constant_or_no_benign_scores_leave_it_finite() -> None:
    unseen = Unseen()
    unseen.fit(torch.zeros(0), torch.zeros(0))
    unseen.fit(torch.ones(10), torch.ones(10))
    assert torch.isfinite(unseen(torch.tensor([5.0]), torch.tensor([-3.0]))).all()
