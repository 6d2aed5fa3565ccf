"""Shares of base learners follow the risk over families, and are decided by other families."""

from __future__ import annotations

import numpy as np
import pytest

from enricher.detector.adaptation.family_head import MEMBERS
from enricher.learn.stacking import (
    Outcome,
    average,
    cross_fitted,
    fit_shares,
    selection,
    super_learner,
)


def outcome(good: int, family: str = "a", seed: int = 0, shots: int = 5) -> Outcome:
    """Base learner ``good`` tells the family from benign records; the others do not."""
    rng = np.random.default_rng(seed)
    attack = rng.exponential(size=(len(MEMBERS), 200)).astype(np.float32)
    attack[good] += 9.0
    benign = rng.exponential(size=(len(MEMBERS), 5_000)).astype(np.float32)
    return Outcome("conn", family, shots, attack, benign)


@pytest.mark.parametrize("good", range(len(MEMBERS)))
def test_the_base_learner_that_finds_families_gets_most_of_the_weight(good: int) -> None:
    outcomes = [outcome(good, str(seed), seed) for seed in range(4)]
    weights = super_learner(outcomes)
    assert sum(weights) == pytest.approx(1.0)
    assert min(weights) >= 0.0
    assert int(np.argmax(weights)) == good
    assert selection(outcomes)[good] == 1.0


def test_a_combination_beats_its_parts_where_their_errors_differ() -> None:
    rng = np.random.default_rng(0)
    outcomes = []
    for seed in range(4):
        signal = rng.normal(5.0, 1.0, size=300)
        attack = rng.normal(size=(len(MEMBERS), 300)).astype(np.float32)
        attack[0] = signal + rng.normal(size=300) * 3
        attack[2] = signal + rng.normal(size=300) * 3
        benign = rng.normal(size=(len(MEMBERS), 5_000)).astype(np.float32) * 2
        outcomes.append(Outcome("conn", str(seed), 5, attack, benign))
    both = np.mean([one.risk(super_learner(outcomes)) for one in outcomes])
    best = np.mean([one.risk(selection(outcomes)) for one in outcomes])
    alike = np.mean([one.risk(average()) for one in outcomes])
    assert both < 0.9 * best
    assert both <= alike


def test_families_weigh_alike_however_often_they_are_drawn() -> None:
    many = [outcome(0, "often", seed) for seed in range(9)]
    few = [outcome(2, "seldom", 50), outcome(2, "rare", 51)]
    assert super_learner([*many, *few])[2] > super_learner([*many, *few])[0]


def test_the_shares_of_a_part_are_not_decided_by_its_own_families() -> None:
    parts = {0: [outcome(0, "a", 1)], 1: [outcome(3, "b", 2)], 2: [outcome(3, "c", 3)]}
    shares = cross_fitted(parts)
    assert int(np.argmax(shares[0].at("conn", 5))) == 3
    changed = cross_fitted(parts | {0: [outcome(1, "a", 9)]})
    assert changed[0].at("conn", 5) == shares[0].at("conn", 5)


def test_shares_are_learned_for_each_number_of_records() -> None:
    learned = fit_shares([outcome(0, "a", 1, shots=1), outcome(3, "a", 2, shots=50)])
    assert int(np.argmax(learned.at("conn", 1))) == 0
    assert int(np.argmax(learned.at("conn", 50))) == 3


def test_a_perfect_base_learner_has_no_risk_and_a_blind_one_nearly_all() -> None:
    made = outcome(1)
    assert made.risk((0.0, 1.0, 0.0, 0.0)) < 0.05
    assert made.risk((1.0, 0.0, 0.0, 0.0)) > 0.95
