"""Supervised training of the encoder and its heads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

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
from enricher.features.ngrams import NameModel
from enricher.features.rows import Rows, take
from enricher.learn.benign_names import digest
from enricher.learn.changing import Change
from enricher.learn.checkpoints import Checkpoints, key_of
from enricher.learn.columns import Dropout
from enricher.learn.dataset import Dataset
from enricher.learn.growing import Growth
from enricher.learn.labels import BENIGN_LABEL, GENERATED, LabelSpace
from enricher.learn.losses import Aims, Targets, Weights
from enricher.learn.sampling import Balance, Sampler
from enricher.learn.schedule import Schedule
from enricher.learn.tasks import Task
from enricher.learn.validating import FamilyValidation, split_families
from enricher.logs import Kind

Progress = Callable[[str, int, int], None]
"""Called with what is being done, steps done, steps in all."""

_EVALUATED_ROWS = 4096
_ENCODED_ROWS = 32_768


@dataclass(slots=True)
class Fitted:
    """A trained encoder with its heads, not calibrated yet.

    Attributes:
        encoder: In evaluation mode.
        heads: The heads, with the families that occur in training marked applicable.
        attack: The head for any attack.
        losses: What is stopped by after each epoch: the validation loss of known families plus the
            miss rate on families kept out.
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
    growth: Growth,
    weights: Weights,
    names: NameModel | None,
    seed: int,
    device: torch.device,
    progress: Progress = lambda *_: None,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train a new encoder and heads.

    On a CPU, the same arguments and number of threads give the same weights. One in ten of the
    made-up families is kept out: training stops by how well a few of their records tell them.

    Args:
        tasks: Training and validation records of each kind.
        space: Families of the heads.
        config: Shape of the encoder.
        schedule: Length and speed.
        balance: Shares of records.
        dropout: Shares of hidden values.
        growth: Shares of records that have grown.
        weights: Of the aims.
        names: The model that the features of names were made with.
        seed: Of weights, draws and hidden values.
        device: Where to compute.
        progress: Told of every epoch.
        checkpoints: What was fitted already.
    """
    tasks, held = split_families(tasks)
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

    def train() -> tuple[dict[str, Tensor], list[float]]:
        change = Change(dropout, growth, names)
        trainer = _Trainer(encoder, aims, tasks, space, schedule, balance, change, seed, device)
        unseen = FamilyValidation(tasks, held, device, seed)
        return trainer.run(unseen, progress)

    decides = {
        "config": config.to_dict(),
        "families": space.families,
        "settings": [asdict(part) for part in (schedule, balance, dropout, growth, weights)],
        "names": digest(names),
        "seed": seed,
        "device": device.type,
    }
    state, losses = (checkpoints or Checkpoints(None)).get(key_of(tasks, decides), train)
    _load(encoder, state, "encoder.")
    _load(aims, state, "aims.")
    best = int(np.argmin(losses)) if losses else 0
    return Fitted(encoder.eval(), aims.eval().heads, aims.attack, losses, best)


def _load(module: nn.Module, state: Mapping[str, Tensor], prefix: str) -> None:
    own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    module.load_state_dict(own)


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
        change: Change,
        seed: int,
        device: torch.device,
    ) -> None:
        self.encoder, self.aims, self.tasks, self.space = encoder, aims, tasks, space
        self.schedule, self.change, self.device = schedule, change, device
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

    def run(
        self, unseen: FamilyValidation, progress: Progress
    ) -> tuple[dict[str, Tensor], list[float]]:
        """Train until the schedule ends or validation no longer gets better.

        Returns:
            The best weights, and what was stopped by after each epoch.
        """
        schedule = self.schedule
        losses: list[float] = []
        best, best_state = 0, self._state()
        for epoch in range(schedule.epochs):
            progress("training", epoch, schedule.epochs)
            self._epoch(epoch)
            losses.append(self._validate() + unseen.miss(self.encoder))
            if losses[-1] <= min(losses):
                best, best_state = epoch, self._state()
            elif epoch - best >= schedule.patience:
                break
        progress("training", schedule.epochs, schedule.epochs)
        return best_state, losses

    def _state(self) -> dict[str, Tensor]:
        parts = (("encoder.", self.encoder), ("aims.", self.aims))
        return {
            prefix + name: tensor.detach().clone()
            for prefix, module in parts
            for name, tensor in module.state_dict().items()
        }

    def _epoch(self, epoch: int) -> None:
        self.encoder.train()
        kinds = list(self.tasks)
        total = self.schedule.epochs * self.schedule.steps
        for step in range(self.schedule.steps):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(epoch * self.schedule.steps + step, total)
            kind = kinds[int(self.rng.choice(len(kinds), p=self.shares))]
            rows = self.samplers[kind].draw(self.schedule.batch, self.rng)
            features, rows = self.change.made(self.tasks[kind].dataset, rows, self.rng)
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
