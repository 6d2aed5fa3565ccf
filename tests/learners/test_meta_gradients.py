"""What the meta-learners' outer steps follow, against finite differences and definitions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from enricher.detector.config import EncoderConfig
from enricher.detector.encoder import Encoder
from enricher.detector.learners import LinearHead
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
    Trunk,
    multilayer,
)
from enricher.learn.meta.learner import AdaptedNetwork, GradientLearner
from enricher.learn.meta.network import embed

STEP = 1e-5


def small_network(seed: int = 1) -> Network:
    network = Network(multilayer(3, (4,), seed), 4).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        network.head.weight.normal_(generator=generator)
    return network


def episode(seed: int = 0) -> Episode:
    generator = torch.Generator().manual_seed(seed)

    def points(rows: int, shift: float) -> Tensor:
        return torch.randn(2, rows, 3, generator=generator, dtype=torch.float64) + shift

    query = torch.cat((points(3, 1.0), points(5, 0.0)), dim=1)
    labels = (torch.arange(8) < 3).expand(2, -1)
    return Episode(points(2, 1.0), points(6, 0.0), query, labels)


def gradients(learner: MetaLearner, tasks: Episode) -> dict[str, Tensor]:
    learner.zero_grad()
    learner.accumulate(tasks)
    return {
        name: value.grad.clone()
        for name, value in learner.named_parameters()
        if value.grad is not None
    }


def loss_of(learner: MetaLearner, tasks: Episode) -> float:
    loss = learner.accumulate(tasks)
    learner.zero_grad()
    return loss


@pytest.mark.parametrize(
    "make",
    [
        lambda network: MAML(network, steps=3, rate=0.5),
        lambda network: MetaSGD(network, steps=3, rate=0.5),
        lambda network: ANIL(network, steps=3, rate=0.5),
        lambda network: ProtoNet(network).double(),
        lambda network: R2D2(network).double(),
    ],
    ids=["maml", "meta-sgd", "anil", "protonet", "r2d2"],
)
def test_the_meta_gradient_is_that_of_finite_differences(
    make: Callable[[Network], MetaLearner],
) -> None:
    learner, tasks = make(small_network()), episode()
    found = gradients(learner, tasks)
    assert found
    for name, value in learner.named_parameters():
        if name not in found:
            continue
        flat = value.data.view(-1)
        expected = torch.zeros_like(flat)
        for place in range(len(flat)):
            before = float(flat[place])
            flat[place] = before + STEP
            above = loss_of(learner, tasks)
            flat[place] = before - STEP
            below = loss_of(learner, tasks)
            flat[place] = before
            expected[place] = (above - below) / (2 * STEP)
        assert torch.allclose(found[name].view(-1), expected, rtol=1e-4, atol=1e-7), name


def balanced(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in which both classes weigh the same, in other words than the module's."""
    losses = functional.binary_cross_entropy_with_logits(
        logits, labels.to(logits.dtype), reduction="none"
    )
    return (losses[labels].mean() + losses[~labels].mean()) / 2


def support(tasks: Episode, task: int) -> tuple[Tensor, Tensor]:
    points = torch.cat((tasks.attack[task], tasks.benign[task]))
    return points, torch.arange(len(points)) < len(tasks.attack[task])


def descended(
    network: Network, batches: list[tuple[Tensor, Tensor]], rate: float
) -> dict[str, Tensor]:
    """Plain gradient descent of a network, one batch a step, one task, without torch.func."""
    parameters = {name: value.detach().clone() for name, value in network.named_parameters()}
    for points, labels in batches:
        leaves = {name: value.requires_grad_() for name, value in parameters.items()}
        loss = balanced(network.call(leaves, points), labels)
        slopes = torch.autograd.grad(loss, list(leaves.values()))
        parameters = {
            name: (value - rate * slope).detach()
            for (name, value), slope in zip(leaves.items(), slopes, strict=True)
        }
    return parameters


def test_the_inner_loop_is_gradient_descent_on_the_support_set() -> None:
    network, tasks = small_network(), episode()
    head = MAML(network, steps=3, rate=0.5).fit(tasks.attack, tasks.benign)
    assert isinstance(head, AdaptedNetwork)
    for task in range(2):
        expected = descended(network, [support(tasks, task)] * 3, 0.5)
        for name, value in expected.items():
            assert torch.allclose(head.parameters[name][task], value)


def test_first_order_maml_takes_the_gradient_where_the_inner_loop_ends() -> None:
    network, tasks = small_network(), episode()
    found = gradients(FirstOrderMAML(network, steps=3, rate=0.5), tasks)
    expected = {name: torch.zeros_like(value) for name, value in found.items()}
    for task in range(2):
        end = descended(network, [support(tasks, task)] * 3, 0.5)
        leaves = {name: value.requires_grad_() for name, value in end.items()}
        loss = balanced(network.call(leaves, tasks.query[task]), tasks.labels[task])
        for name, slope in zip(
            leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True
        ):
            expected["network." + name] += slope / 2
    for name, slope in found.items():
        assert torch.allclose(slope, expected[name]), name


def test_first_order_maml_differs_from_maml_by_the_second_order_term_alone() -> None:
    network, tasks = small_network(), episode()

    def distance(rate: float) -> float:
        full = gradients(MAML(network, steps=1, rate=rate), tasks)
        first = gradients(FirstOrderMAML(network, steps=1, rate=rate), tasks)
        return sum(float((full[name] - first[name]).norm()) for name in full)

    assert distance(0.1) > 1e-3
    # One step's term is the rate times the Hessian: it vanishes in proportion to the rate.
    assert distance(1e-4) == pytest.approx(distance(1e-3) / 10, rel=0.01)


def test_anil_adapts_the_head_alone() -> None:
    network, tasks = small_network(), episode()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    anil = ANIL(network, steps=4, rate=0.5)
    assert set(anil.adapted(tasks.attack, tasks.benign)) == {"head.weight", "head.bias"}
    # It is the inner loop of MAML with no rate for the body.
    frozen = MetaSGD(network, steps=4, rate=0.5)
    with torch.no_grad():
        for name, rate in zip(before, frozen.learned, strict=True):
            rate.fill_(0.5 if name.startswith("head.") else 0.0)
    scores = anil.fit(tasks.attack, tasks.benign).scores(tasks.query)
    assert torch.allclose(scores, frozen.fit(tasks.attack, tasks.benign).scores(tasks.query))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_anil_learns_its_body_in_the_outer_loop() -> None:
    found = gradients(ANIL(small_network()), episode())
    assert all(float(slope.norm()) > 0 for name, slope in found.items() if "body" in name)


def test_the_adapted_heads_of_anil_are_lines_of_one_matrix() -> None:
    network, tasks = small_network(), episode()
    fitted = ANIL(network).fit(tasks.attack, tasks.benign)
    head = fitted.head
    assert isinstance(head, LinearHead)
    assert head.weight.shape == (2, 4)
    with torch.no_grad():
        expected = embed(network.body, tasks.query[0]) @ head.weight.t() + head.bias
    assert torch.allclose(fitted.scores(tasks.query[0]), expected.t())


def test_reptile_moves_to_the_mean_of_where_its_tasks_end() -> None:
    network, tasks, size = small_network(), episode(), 0.3
    start = {name: value.detach().clone() for name, value in network.named_parameters()}
    ends = [
        descended(
            network,
            [support(tasks, task), (tasks.query[task], tasks.labels[task]), support(tasks, task)],
            0.5,
        )
        for task in range(2)
    ]
    learner = Reptile(network, steps=3, rate=0.5)
    learner.accumulate(tasks)
    torch.optim.SGD(learner.parameters(), lr=size).step()
    for name, value in network.named_parameters():
        mean = (ends[0][name] + ends[1][name]) / 2
        assert torch.allclose(value, start[name] + size * (mean - start[name])), name


@pytest.mark.parametrize("kind", [MAML, FirstOrderMAML, ANIL, MetaSGD, Reptile])
def test_gradients_of_episodes_add_up(kind: type[GradientLearner]) -> None:
    learner = kind(small_network(), steps=2)
    apart = [gradients(learner, episode(seed)) for seed in (0, 1)]
    learner.zero_grad()
    for seed in (0, 1):
        learner.accumulate(episode(seed))
    for name, value in learner.named_parameters():
        assert value.grad is not None
        assert torch.allclose(value.grad, apart[0][name] + apart[1][name])


def test_a_query_set_of_one_class_gives_a_finite_gradient() -> None:
    tasks = episode()
    lone = Episode(tasks.attack, tasks.benign, tasks.query, torch.zeros_like(tasks.labels))
    found = gradients(MAML(small_network()), lone)
    assert all(bool(torch.isfinite(slope).all()) for slope in found.values())


@pytest.mark.parametrize(
    ("query", "labels"), [((2, 8, 4), (2, 8)), ((1, 8, 3), (1, 8)), ((2, 8, 3), (2, 7))]
)
def test_an_episode_whose_query_does_not_fit_is_refused(
    query: tuple[int, ...], labels: tuple[int, ...]
) -> None:
    tasks = episode()
    with pytest.raises(ValueError, match="does not fit"):
        Episode(tasks.attack, tasks.benign, torch.zeros(query), torch.zeros(labels).bool())


def test_labels_that_are_no_truth_values_are_refused() -> None:
    tasks = episode()
    with pytest.raises(ValueError, match="bool"):
        Episode(tasks.attack, tasks.benign, tasks.query, tasks.labels.long())


def test_an_encoders_trunk_can_be_the_body() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = Encoder(EncoderConfig(layouts={}, width=8, embedding=6, blocks=1))
    network = Network(Trunk(encoder), 6)
    total = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(embed(network.body, total), encoder.trunk(total), atol=1e-6)
    in_tasks = embed(network.body, total.reshape(2, 2, 16)).reshape(4, 6)
    assert torch.allclose(in_tasks, encoder.trunk(total), atol=1e-6)
    before = encoder.out.weight.detach().clone()
    with torch.no_grad():
        network.body.get_parameter("encoder.out.weight").add_(1.0)
    assert torch.equal(encoder.out.weight, before)
