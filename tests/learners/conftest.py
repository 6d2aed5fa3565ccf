"""Every learner, and small tasks to try it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from enricher.detector.learners import Cosine, Learner, Logistic, NearestSupport, Prototypes, Ridge
from enricher.detector.learners.forest import ForestLearner
from enricher.learn.meta import (
    ANIL,
    MAML,
    R2D2,
    Episode,
    FirstOrderMAML,
    MetaSGD,
    Network,
    ProtoNet,
    Reptile,
    multilayer,
)

FEATURES = 6


def network(features: int = FEATURES, seed: int = 3) -> Network:
    return Network(multilayer(features, (16, 16), seed), 16)


LEARNERS: dict[str, Callable[[], Learner]] = {
    "prototypes": Prototypes,
    "prototypes-of-a-mixture": lambda: Prototypes(centres=4),
    "nearest-support": lambda: NearestSupport(centres=4),
    "ridge": Ridge,
    "ridge-unbalanced": lambda: Ridge(balance=None),
    "cosine": Cosine,
    "logistic": Logistic,
    "logistic-unbalanced": lambda: Logistic(balance=None),
    "forest": ForestLearner,
    "maml": lambda: MAML(network()),
    "fomaml": lambda: FirstOrderMAML(network()),
    "anil": lambda: ANIL(network()),
    "meta-sgd": lambda: MetaSGD(network()),
    "reptile": lambda: Reptile(network()),
    "protonet": lambda: ProtoNet(network()),
    "r2d2": lambda: R2D2(network()),
}


@pytest.fixture(params=sorted(LEARNERS))
def learner(request: pytest.FixtureRequest) -> Learner:
    """Each learner in turn."""
    return LEARNERS[request.param]()


def tasks(shots: int = 5, count: int = 3, seed: int = 0) -> Episode:
    """Families that stand three standard deviations from benign, each in its own direction."""
    generator = torch.Generator().manual_seed(seed)

    def noise(rows: int) -> Tensor:
        return torch.randn(count, rows, FEATURES, generator=generator)

    shift = 3 * torch.eye(FEATURES)[:count].unsqueeze(1) + 1.5
    labels = torch.arange(60).expand(count, -1) < 30
    query = noise(60) + shift * labels.unsqueeze(-1)
    return Episode(noise(shots) + shift, noise(60), query, labels)


@pytest.fixture(name="make_tasks")
def fixture_make_tasks() -> Callable[..., Episode]:
    return tasks


@pytest.fixture
def three() -> Episode:
    """Three easy tasks."""
    return tasks()


@pytest.fixture(name="make_network")
def fixture_make_network() -> Callable[..., Network]:
    return network


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors are small: threads only cost."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
