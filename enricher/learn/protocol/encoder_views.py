"""Views by encoders that are trained without the families of a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from enricher.detector.adaptation.points import Points
from enricher.detector.adaptation.points import table_of as whole_table
from enricher.detector.adaptation.shares import Shares
from enricher.detector.inputs import Inputs
from enricher.detector.novelty import NoveltyModel
from enricher.detector.table_distance import scaling_of
from enricher.detector.unseen import Unseen
from enricher.features import SPECS
from enricher.features.rows import Rows
from enricher.features.tensors import Features
from enricher.learn.dataset import Dataset
from enricher.learn.fitting import Fitted, fit, outputs
from enricher.learn.labels import BENIGN_LABEL, GENERATED
from enricher.learn.protocol.scaling import table_of
from enricher.learn.protocol.splits import Split
from enricher.learn.protocol.stages import Hidden
from enricher.learn.run import Run, encoder_config
from enricher.learn.sampling import tail_split
from enricher.learn.tasks import Task
from enricher.learn.views import FloatArray, View
from enricher.logs import Kind

_NOVELTY_ROWS = 10_000


class EncoderViews:
    """Trains an encoder for each split, once, and represents records with it.

    Groups of features are hidden from a trained encoder by giving it no values: it has learned
    to do without.

    Args:
        run: The label space, the recipe, the device.

    Attributes:
        shares: Shares of the run-time base learners by the seed of a split: learned from families
            that its tasks do not ask about. Equal ones where there are none.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._fitted: dict[tuple[int, int], Fitted] = {}
        self.shares: dict[int, Shares] = {}

    def __call__(self, split: Split, hidden: Hidden, seed: int) -> Mapping[Kind, View]:
        """See :class:`enricher.learn.protocol.running.ViewMaker`."""
        tasks = {
            kind: _task(split.train[kind], rows, self._run.recipe.calibration.tail)
            for kind, rows in split.rows.items()
        }
        fitted = self._trained(split, tasks, seed)
        return {
            kind: self._view(fitted, tasks[kind], shown, hidden, self.shares.get(seed))
            for kind, shown in split.shown.items()
            if kind in tasks
        }

    def _trained(self, split: Split, tasks: Mapping[Kind, Task], seed: int) -> Fitted:
        key = (seed, hash(tuple(len(rows) for rows in split.rows.values())))
        if key not in self._fitted:
            recipe = self._run.recipe
            self._fitted[key] = fit(
                tasks,
                next(iter(split.train.values())).space,
                encoder_config(recipe, tuple(tasks)),
                schedule=recipe.schedule,
                balance=recipe.balance,
                dropout=recipe.dropout,
                growth=recipe.growth,
                weights=recipe.weights,
                names=self._run.names,
                seed=recipe.seed + seed,
                device=self._run.device,
                progress=self._run.progress,
                checkpoints=self._run.checkpoints,
            )
        return self._fitted[key]

    def _view(
        self, fitted: Fitted, task: Task, shown: Dataset, hidden: Hidden, shares: Shares | None
    ) -> View:
        features = without_values(shown.features, hidden)
        points = represent(fitted, features, self._run.device)
        return View(
            kind=shown.kind,
            table=table_of(shown.features, hidden),
            embedding=points.embedding,
            base=points.attack[:, 1],
            novelty=self._novelty(fitted, task, points),
            points=points,
            shares=shares,
            scaling=scaling_of(fitted.encoder.stem(shown.kind)).numpy(),
        )

    @torch.inference_mode()
    def _novelty(self, fitted: Fitted, task: Task, points: Points) -> FloatArray:
        """As in a bundle: from benign records of training, in units of later ones."""
        model = NoveltyModel.fit(self._benign(fitted, task, task.train))
        later, unseen = self._benign(fitted, task, task.valid), Unseen()
        unseen.fit(model.score(later), fitted.attack.logits(later))
        distance = model.score(torch.from_numpy(points.embedding))
        novelty = unseen(distance, torch.from_numpy(points.attack[:, 1]))
        return np.asarray(novelty.numpy(), dtype=np.float32)

    def _benign(self, fitted: Fitted, task: Task, rows: Rows) -> torch.Tensor:
        """Embeddings of benign records, float32 [N, E]."""
        rows = rows[task.dataset.labels[rows] == BENIGN_LABEL]
        if len(rows) > _NOVELTY_ROWS:
            rows = np.sort(np.random.default_rng(0).choice(rows, _NOVELTY_ROWS, replace=False))
        device = self._run.device
        _, embedding = outputs(fitted.encoder, fitted.heads, task.dataset, rows, device)
        return torch.from_numpy(embedding)


def represent(fitted: Fitted, features: Features, device: torch.device) -> Points:
    """Records as their features and as a model in training sees them."""
    with torch.inference_mode():
        embedding = fitted.encoder.encode(Inputs.of(features, device))
        logits = (fitted.attack.alone(embedding), fitted.attack.logits(embedding))
        attack = torch.stack(logits, dim=1)
    return Points(
        features.kind,
        whole_table(features),
        np.asarray(embedding.cpu().numpy(), dtype=np.float32),
        np.asarray(attack.cpu().numpy(), dtype=np.float32),
    )


def without_values(features: Features, hidden: Hidden) -> Features:
    """The features with those of some groups missing."""
    if not hidden:
        return features
    spec = SPECS[features.kind]
    numeric, categorical = features.numeric.copy(), features.categorical.copy()
    numeric[:, [feature.group in hidden for feature in spec.numeric]] = np.nan
    categorical[:, [feature.group in hidden for feature in spec.categorical]] = 0
    return replace(features, numeric=numeric, categorical=categorical)


def _task(dataset: Dataset, rows: Rows, tail: float) -> Task:
    generated = np.flatnonzero(dataset.labels == GENERATED)
    early, late = tail_split(dataset, np.union1d(rows, generated), tail)
    return Task(dataset, early, late)
