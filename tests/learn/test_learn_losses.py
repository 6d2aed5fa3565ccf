"""What training asks for pulls the right records together, and takes part in what it should."""

from __future__ import annotations

import torch

from enricher.detector.attack import AttackHead
from enricher.detector.heads import Heads
from enricher.learn.losses import Aims, Targets, Weights, contrast


def points(*rows: tuple[float, float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32, requires_grad=True)


def test_contrast_is_small_where_mates_are_near_and_others_far() -> None:
    variety = torch.tensor([0, 0, 1, 1, -1])
    good = points((1, 0), (1, 0.1), (-1, 0), (-1, 0.1), (0, 1))
    bad = points((1, 0), (-1, 0), (1, 0.1), (-1, 0.1), (0, 1))
    assert contrast(good, variety, 0.1) < 0.2
    assert contrast(bad, variety, 0.1) > 2.0


def test_benign_records_are_not_pulled_together() -> None:
    variety = torch.tensor([0, 0, -1, -1])
    apart = contrast(points((1, 0), (1, 0), (0, 1), (-1, 0)), variety, 0.1)
    together = contrast(points((1, 0), (1, 0), (-1, 0), (-1, 0)), variety, 0.1)
    assert torch.isclose(apart, together, atol=1e-3)


def test_an_attack_without_a_mate_asks_for_nothing() -> None:
    embedding = points((1, 0), (0, 1), (-1, 0))
    loss = contrast(embedding, torch.tensor([0, 1, -1]), 0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0.0


def aims(weights: Weights) -> Aims:
    torch.manual_seed(0)
    return Aims(Heads(["scan", "tunnel"], ("conn",), 8), AttackHead(8), weights)


def targets(attack: float, weight: float) -> Targets:
    return Targets(
        family=torch.zeros(4, 2),
        weight=torch.full((4, 2), weight),
        attack=torch.full((4,), attack),
        weak=torch.ones(4),
        variety=torch.full((4,), -1),
    )


def gradients(made: Targets, weights: Weights) -> tuple[float, float]:
    """Norms of the gradients of the families' heads and of the attack head."""
    own = aims(weights)
    own.loss(torch.ones(4, 8), "conn", made).backward()  # type: ignore[no-untyped-call]
    heads = own.heads.weight.grad
    attack = own.attack.whole.weight.grad
    assert heads is not None
    assert attack is not None
    return float(heads.norm()), float(attack.norm())


def test_a_made_up_attack_teaches_the_attack_head_and_no_family() -> None:
    heads, attack = gradients(targets(1.0, 0.0), Weights(contrast=0.0))
    assert heads == 0.0
    assert attack > 0.0


def test_a_benign_record_teaches_both() -> None:
    heads, attack = gradients(targets(0.0, 1.0), Weights(contrast=0.0))
    assert heads > 0.0
    assert attack > 0.0
