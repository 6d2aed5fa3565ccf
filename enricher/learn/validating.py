"""Early stopping on families: how well an encoder serves those that it is not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from enricher.detector.encoder import Encoder
from enricher.detector.inputs import Inputs
from enricher.detector.learners import Ridge
from enricher.features.rows import Rows, take
from enricher.learn.dataset import Dataset
from enricher.learn.labels import BENIGN_LABEL, GENERATED
from enricher.learn.tasks import Task
from enricher.logs import Kind

_EVERY = 10
"""One made-up family in so many is kept for validation."""
_FAMILIES = 24
_SHOTS = 5
_QUERY = 30
_BENIGN = 1_500
_RATE = 0.01


def split_families(tasks: Mapping[Kind, Task]) -> tuple[dict[Kind, Task], dict[Kind, Rows]]:
    """Keep one in ten made-up families of each kind out of training.

    Returns:
        The tasks without them, and their rows.
    """
    kept: dict[Kind, Task] = {}
    held: dict[Kind, Rows] = {}
    for kind, task in tasks.items():
        data = task.dataset
        rows = np.flatnonzero((data.labels == GENERATED) & (data.variety % _EVERY == 0))
        held[kind] = np.intersect1d(rows, np.concatenate((task.train, task.valid)))
        kept[kind] = replace(
            task,
            train=np.setdiff1d(task.train, held[kind]),
            valid=np.setdiff1d(task.valid, held[kind]),
        )
    return kept, held


@dataclass(frozen=True, slots=True)
class _Episode:
    """Records of one kind: V families of five support and thirty query records, and benign ones."""

    inputs: Inputs
    support: Tensor
    query: Tensor
    bank: Tensor
    negatives: Tensor


class FamilyValidation:
    """Episodes of the families that were kept out, the same after every epoch.

    Args:
        tasks: Tasks that do not train on them; benign records come from the ends of their logs.
        held: What :func:`split_families` gave.
        device: Where to compute.
        seed: Of the draws.
    """

    def __init__(
        self,
        tasks: Mapping[Kind, Task],
        held: Mapping[Kind, Rows],
        device: torch.device,
        seed: int,
    ) -> None:
        made = [
            _episode(task, held[kind], device, np.random.default_rng([seed, 5]))
            for kind, task in tasks.items()
        ]
        self._episodes = [episode for episode in made if episode is not None]

    @torch.inference_mode()
    def miss(self, encoder: Encoder) -> float:
        """Mean miss rate of ridge heads at a false-alarm rate of 1 %, over kinds; 0 without any."""
        misses = []
        for episode in self._episodes:
            embedding = encoder.encode(episode.inputs)
            head = Ridge().fit(embedding[episode.support], embedding[episode.bank])
            attack = head.scores(embedding[episode.query])
            benign = head.scores(embedding[episode.negatives])
            bound = torch.quantile(benign, 1 - _RATE, dim=1)
            misses.append(float((attack <= bound[:, None]).float().mean()))
        return float(np.mean(misses)) if misses else 0.0


def _episode(
    task: Task, held: Rows, device: torch.device, rng: np.random.Generator
) -> _Episode | None:
    data = task.dataset
    families = [
        rng.permutation(rows)[: _SHOTS + _QUERY]
        for rows in _by_variety(data, held)
        if len(rows) >= _SHOTS + _QUERY
    ][:_FAMILIES]
    benign = task.valid[data.labels[task.valid] == BENIGN_LABEL]
    benign = rng.permutation(benign)[: 2 * _BENIGN]
    if not families or len(benign) < int(2 / _RATE):
        return None
    rows = np.concatenate((np.concatenate(families), benign))
    places = torch.arange(len(rows), device=device)
    of_families = places[: -len(benign)].reshape(len(families), -1)
    of_benign = places[-len(benign) :]
    half = len(benign) // 2
    return _Episode(
        Inputs.of(take(data.features, rows), device),
        of_families[:, :_SHOTS],
        of_families[:, _SHOTS:],
        of_benign[:half],
        of_benign[half:],
    )


def _by_variety(data: Dataset, rows: Rows) -> list[Rows]:
    return [rows[data.variety[rows] == number] for number in np.unique(data.variety[rows])]
