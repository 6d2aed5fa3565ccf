"""Meta-training teaches learners to adapt, and keeps what was best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from enricher.learn.meta import (
    ANIL,
    MAML,
    R2D2,
    Episode,
    FirstOrderMAML,
    MetaLearner,
    MetaSGD,
    Network,
    ProtoNet,
    Reptile,
    Stopping,
    meta_train,
)

MakeNetwork = Callable[..., Network]
FEATURES = 8
STEPS = 50

LEARNERS: dict[str, tuple[Callable[[Network], MetaLearner], float]] = {
    "maml": (lambda network: MAML(network, steps=2, rate=0.3), 0.02),
    "fomaml": (lambda network: FirstOrderMAML(network, steps=2, rate=0.3), 0.02),
    "anil": (lambda network: ANIL(network, steps=5, rate=0.5), 0.02),
    "meta-sgd": (lambda network: MetaSGD(network, steps=2, rate=0.3), 0.02),
    "reptile": (lambda network: Reptile(network, steps=4, rate=0.3), 0.02),
    "protonet": (ProtoNet, 0.01),
    "r2d2": (R2D2, 0.01),
}


def sample(generator: torch.Generator) -> Sequence[Episode]:
    """Families differ from benign in two features; the six others are loud and say nothing."""
    tasks, shots = 16, 2
    angle = 2 * torch.pi * torch.rand(tasks, 1, generator=generator)
    middle = torch.zeros(tasks, 1, FEATURES)
    middle[..., :2] = 3 * torch.stack((angle.cos(), angle.sin()), dim=-1)
    loudness = torch.tensor([0.5, 0.5, *[3.0] * (FEATURES - 2)])

    def noise(rows: int) -> Tensor:
        return loudness * torch.randn(tasks, rows, FEATURES, generator=generator)

    labels = (torch.arange(40) < 20).expand(tasks, -1)
    query = noise(40) + middle * labels.unsqueeze(-1)
    return [Episode(noise(shots) + middle, noise(32), query, labels)]


def accuracy(learner: MetaLearner) -> float:
    """How often a query record of the family is above one that is benign, on tasks kept aside."""
    (kept,) = sample(torch.Generator().manual_seed(1234))
    scores = learner.fit(kept.attack, kept.benign).scores(kept.query)
    return float((scores[:, :20, None] > scores[:, None, 20:]).float().mean())


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_training_makes_a_learner_better_on_tasks_it_has_not_seen(
    make_network: MakeNetwork, name: str
) -> None:
    make, rate = LEARNERS[name]
    learner = make(make_network(FEATURES))
    before = accuracy(learner)
    optimizer = torch.optim.Adam(learner.parameters(), lr=rate)
    history = meta_train(learner, sample, STEPS, optimizer=optimizer, seed=0)
    assert accuracy(learner) > max(0.85, before + 0.1)
    assert len(history.losses) == STEPS


def trained(make_network: MakeNetwork, seed: int, steps: int = 5) -> dict[str, Tensor]:
    learner = MetaSGD(make_network(FEATURES), steps=2)
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.01)
    meta_train(learner, sample, steps, optimizer=optimizer, seed=seed)
    return {name: value.detach() for name, value in learner.named_parameters()}


def test_the_same_seed_gives_the_same_weights(make_network: MakeNetwork) -> None:
    first, again, other = (trained(make_network, seed) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_meta_sgd_learns_a_rate_for_every_parameter(make_network: MakeNetwork) -> None:
    rates = {
        name: value
        for name, value in trained(make_network, 1, steps=20).items()
        if name.startswith("learned")
    }
    assert rates
    for rate in rates.values():
        assert bool((rate != 0.1).any())
    assert len({value for rate in rates.values() for value in rate.flatten().tolist()}) > 100


def test_training_stops_early_and_keeps_the_best_weights(make_network: MakeNetwork) -> None:
    learner = FirstOrderMAML(make_network(FEATURES))
    states: list[Tensor] = []
    grades = iter([0.1, 0.5, 0.4, 0.3])

    def validate() -> float:
        states.append(learner.network.head.weight.detach().clone())
        return next(grades)

    history = meta_train(
        learner,
        sample,
        100,
        optimizer=torch.optim.Adam(learner.parameters(), lr=0.01),
        seed=0,
        stopping=Stopping(validate, every=2, patience=2),
    )
    assert history.validation == [0.1, 0.5, 0.4, 0.3]
    assert history.best == 2
    assert len(history.losses) == 6
    assert torch.equal(learner.network.head.weight, states[1])
    assert not torch.equal(states[1], states[3])


def test_progress_is_told(make_network: MakeNetwork) -> None:
    learner = ANIL(make_network(FEATURES))
    told: list[tuple[str, int, int]] = []
    meta_train(
        learner,
        sample,
        3,
        optimizer=torch.optim.Adam(learner.parameters()),
        seed=0,
        progress=lambda *step: told.append(step),
    )
    assert told == [("meta-training", step, 3) for step in range(4)]


def test_one_step_takes_episodes_of_several_shots(make_network: MakeNetwork) -> None:
    learner = MAML(make_network(FEATURES))

    def mixed(generator: torch.Generator) -> list[Episode]:
        (many,) = sample(generator)
        return [many, Episode(many.attack[:, :1], many.benign[0], many.query, many.labels)]

    optimizer = torch.optim.SGD(learner.parameters(), lr=0.1)
    history = meta_train(learner, mixed, 1, optimizer=optimizer, seed=0)
    several = mixed(torch.Generator().manual_seed(0))
    fresh = MAML(make_network(FEATURES))
    losses = [fresh.accumulate(episode) for episode in several]
    assert history.losses == [pytest.approx(sum(losses) / 2)]
    slope = fresh.network.head.weight.grad
    assert slope is not None
    step = (learner.network.head.weight - fresh.network.head.weight).detach()
    along = torch.nn.functional.cosine_similarity(step.flatten(), -slope.flatten(), dim=0)
    assert float(along) == pytest.approx(1.0, abs=1e-5)


def test_training_that_diverges_is_stopped(make_network: MakeNetwork) -> None:
    learner = MAML(make_network(FEATURES), steps=20, rate=1e30)
    with pytest.raises(ValueError, match="smaller rates"):
        meta_train(
            learner, sample, 5, optimizer=torch.optim.SGD(learner.parameters(), lr=1.0), seed=0
        )
