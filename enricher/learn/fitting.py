"""Supervised training of the encoder and its heads."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from enricher.detector.attack import AttackHead
from enricher.detector.config import EncoderConfig
from enricher.detector.encoder import Encoder
from enricher.detector.heads import Heads
from enricher.detector.inputs import Inputs
from enricher.features.rows import Rows, take
from enricher.learn.columns import Dropout, hide
from enricher.learn.dataset import Dataset
from enricher.learn.labels import BENIGN_LABEL, GENERATED, LabelSpace
from enricher.learn.losses import Aims, Targets, Weights
from enricher.learn.sampling import Balance, Sampler
from enricher.logs import Kind

Progress = Callable[[str, int, int], None]
"""Called with what is being done, steps done, steps in all."""

_EVALUATED_ROWS = 4096
_ENCODED_ROWS = 32_768


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast is trained.

    Attributes:
        epochs: At most this many.
        steps: Batches an epoch.
        batch: Records a batch.
        rate: Highest learning rate; it rises over the first steps and falls as a cosine.
        decay: Weight decay.
        patience: Epochs without a better validation loss before stopping.
        mate_weight: Weight of a record as a counter-example of a family of its own group.
        weak_weight: Weight of a record that was labelled by rules.
        shares: Share of the steps that each kind gets.
    """

    epochs: int = 12
    steps: int = 120
    batch: int = 1024
    rate: float = 3e-3
    decay: float = 1e-2
    patience: int = 4
    mate_weight: float = 0.1
    weak_weight: float = 0.5
    shares: Mapping[Kind, float] = field(
        default_factory=lambda: {"conn": 0.5, "dns": 0.2, "http": 0.2, "ssl": 0.1}
    )


@dataclass(frozen=True, slots=True)
class Task:
    """Records to train on and to stop by, of one kind."""

    dataset: Dataset
    train: Rows
    valid: Rows


@dataclass(slots=True)
class Fitted:
    """A trained encoder with its heads, not calibrated yet.

    Attributes:
        encoder: In evaluation mode.
        heads: The heads, with the families that occur in training marked applicable.
        attack: The head for any attack.
        losses: Validation loss after each epoch.
        best: The epoch (from 0) whose weights are kept.
    """

    encoder: Encoder
    heads: Heads
    attack: AttackHead
    losses: list[float]
    best: int


def fit(
    tasks: Mapping[Kind, Task],
    space: LabelSpace,
    config: EncoderConfig,
    *,
    schedule: Schedule,
    balance: Balance,
    dropout: Dropout,
    weights: Weights,
    seed: int,
    device: torch.device,
    progress: Progress = lambda *_: None,
) -> Fitted:
    """Train a new encoder and heads.

    On a CPU, the same arguments and number of threads give the same weights.

    Args:
        tasks: Training and validation records of each kind.
        space: Families of the heads.
        config: Shape of the encoder.
        schedule: Length and speed.
        balance: Shares of records.
        dropout: Shares of hidden values.
        weights: Of the aims.
        seed: Of weights, draws and hidden values.
        device: Where to compute.
        progress: Told of every epoch.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(config)
        heads = Heads(space.families, tuple(tasks), config.embedding)
        aims = Aims(heads, AttackHead(config.embedding), weights)
    for kind, task in tasks.items():
        encoder.stem(kind).fit_scalers(_balanced_numbers(task, balance, seed))
        _mark_applicable(heads, kind, task)
    encoder.to(device)
    aims.to(device)
    trainer = _Trainer(encoder, aims, tasks, space, schedule, balance, dropout, seed, device)
    return trainer.run(progress)


def _balanced_numbers(task: Task, balance: Balance, seed: int) -> npt.NDArray[np.float32]:
    """Numbers of a balanced draw, so that no big capture decides the quantiles alone."""
    sampler = Sampler(task.dataset, task.train, balance)
    rows = sampler.draw(min(4 * len(sampler), 40_000), np.random.default_rng([seed, 7]))
    return task.dataset.features.numeric[rows]


def _mark_applicable(heads: Heads, kind: Kind, task: Task) -> None:
    present = set(np.unique(task.dataset.labels[task.train]).tolist())
    for number, family in enumerate(heads.families, start=1):
        if number not in present:
            heads.calibrate(kind, family, None)


class _Trainer:
    """State of one training run."""

    def __init__(
        self,
        encoder: Encoder,
        aims: Aims,
        tasks: Mapping[Kind, Task],
        space: LabelSpace,
        schedule: Schedule,
        balance: Balance,
        dropout: Dropout,
        seed: int,
        device: torch.device,
    ) -> None:
        self.encoder, self.aims, self.tasks, self.space = encoder, aims, tasks, space
        self.schedule, self.dropout, self.device = schedule, dropout, device
        self.rng = np.random.default_rng([seed, 1])
        self.samplers = {
            kind: Sampler(task.dataset, task.train, balance) for kind, task in tasks.items()
        }
        shares = np.array([schedule.shares.get(kind, 0.1) for kind in tasks])
        self.shares = shares / shares.sum()
        self.parameters: list[nn.Parameter] = [*encoder.parameters(), *aims.parameters()]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=schedule.rate, weight_decay=schedule.decay, foreach=True
        )
        self.mates = torch.from_numpy(space.mates())
        valid_rng = np.random.default_rng([seed, 2])
        self.valid = {
            kind: Sampler(task.dataset, task.valid, balance).draw(_EVALUATED_ROWS, valid_rng)
            for kind, task in tasks.items()
            if (task.dataset.labels[task.valid] >= BENIGN_LABEL).any()
        }

    def run(self, progress: Progress) -> Fitted:
        """Train until the schedule ends or the validation loss no longer falls."""
        schedule = self.schedule
        losses: list[float] = []
        best, best_state = 0, self._state()
        for epoch in range(schedule.epochs):
            progress("training", epoch, schedule.epochs)
            self._epoch(epoch)
            losses.append(self._validate())
            if losses[-1] <= min(losses):
                best, best_state = epoch, self._state()
            elif epoch - best >= schedule.patience:
                break
        progress("training", schedule.epochs, schedule.epochs)
        self.encoder.load_state_dict(best_state[0])
        self.aims.load_state_dict(best_state[1])
        aims = self.aims.eval()
        return Fitted(self.encoder.eval(), aims.heads, aims.attack, losses, best)

    def _state(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        states = copy.deepcopy((self.encoder.state_dict(), self.aims.state_dict()))
        return dict(states[0]), dict(states[1])

    def _epoch(self, epoch: int) -> None:
        self.encoder.train()
        kinds = list(self.tasks)
        total = self.schedule.epochs * self.schedule.steps
        for step in range(self.schedule.steps):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(epoch * self.schedule.steps + step, total)
            kind = kinds[int(self.rng.choice(len(kinds), p=self.shares))]
            rows = self.samplers[kind].draw(self.schedule.batch, self.rng)
            features = hide(take(self.tasks[kind].dataset.features, rows), self.dropout, self.rng)
            loss = self._loss(kind, Inputs.of(features, self.device), rows)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()

    def _rate(self, step: int, total: int) -> float:
        warm = max(1, total // 20)
        rising = min(1.0, (step + 1) / warm)
        return self.schedule.rate * rising * (0.02 + 0.49 * (1 + math.cos(math.pi * step / total)))

    def _loss(self, kind: Kind, inputs: Inputs, rows: Rows) -> Tensor:
        return self.aims.loss(self.encoder(inputs), kind, self._targets(kind, rows))

    def _targets(self, kind: Kind, rows: Rows) -> Targets:
        task = self.tasks[kind]
        labels = torch.from_numpy(task.dataset.labels[rows].astype(np.int64))
        families = len(self.space.families)
        target = functional.one_hot(labels.clamp(min=0), families + 1)[:, 1:].float()
        weight = torch.ones_like(target)
        known, generated = labels > BENIGN_LABEL, labels == GENERATED
        weight[known] -= (1 - self.schedule.mate_weight) * self.mates[labels[known] - 1].float()
        weight[generated] = 0.0
        weight = torch.where(target > 0, torch.ones_like(weight), weight)
        weak = torch.from_numpy(task.dataset.weak[rows])
        weight[weak] *= self.schedule.weak_weight
        trust = torch.where(weak, self.schedule.weak_weight, 1.0)
        variety = torch.from_numpy(task.dataset.variety[rows].astype(np.int64))
        return Targets(
            target.to(self.device),
            weight.to(self.device),
            (known | generated).float().to(self.device),
            trust.to(self.device),
            variety.to(self.device),
        )

    @torch.inference_mode()
    def _validate(self) -> float:
        """Mean loss over the kinds, by their shares in training."""
        self.encoder.eval()
        total = weight = 0.0
        for kind, share in zip(self.tasks, self.shares, strict=True):
            if kind in self.valid:
                rows = self.valid[kind]
                inputs = Inputs.of(take(self.tasks[kind].dataset.features, rows), self.device)
                total += float(share) * float(self._loss(kind, inputs, rows))
                weight += float(share)
        return total / weight if weight else 0.0


@torch.inference_mode()
def outputs(
    encoder: Encoder, heads: Heads, dataset: Dataset, rows: Rows, device: torch.device
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Raw logits float32 [R, F] and embeddings float32 [R, E] of some records."""
    embeddings = [np.zeros((0, encoder.config.embedding), np.float32)]
    logits = [np.zeros((0, len(heads.families)), np.float32)]
    for start in range(0, len(rows), _ENCODED_ROWS):
        part = take(dataset.features, rows[start : start + _ENCODED_ROWS])
        embedding = encoder.encode(Inputs.of(part, device))
        embeddings.append(embedding.cpu().numpy())
        logits.append(heads.logits(embedding).cpu().numpy())
    return np.concatenate(logits), np.concatenate(embeddings)
