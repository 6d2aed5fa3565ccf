"""From data sets to a calibrated model: folds, the final model, thresholds and p-values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.detector.novelty import NoveltyModel
from enricher.detector.unseen import Unseen
from enricher.errors import InputError
from enricher.features.rows import Rows, take
from enricher.learn.calibrating import (
    HeldOut,
    joined,
)
from enricher.learn.dataset import NOT_REAL, Dataset
from enricher.learn.fitting import Fitted, fit, outputs
from enricher.learn.folds import capture_folds
from enricher.learn.labels import BENIGN_LABEL, GENERATED
from enricher.learn.recipe import Recipe
from enricher.learn.run import Datasets, Run, Trained, encoder_config
from enricher.learn.sampling import Balance, Sampler, tail_split
from enricher.learn.settling import begins, settle
from enricher.learn.tasks import Task
from enricher.logs import Kind

_NOVELTY_ROWS = 20_000
_BASELINE_ROWS = 10_000


def train(datasets: Datasets, run: Run) -> Trained:
    """Train and calibrate.

    Kinds that have no benign records or no attacks are left out.

    Raises:
        InputError: If no kind is left, or one has its benign records in a single capture.
    """
    datasets = {
        kind: dataset
        for kind, dataset in datasets.items()
        if (dataset.labels == BENIGN_LABEL).any() and (dataset.labels > BENIGN_LABEL).any()
    }
    if not datasets:
        raise InputError("no kind of log has both benign records and attacks; label more data")
    held = _hold_out(datasets, run)
    tasks = _tasks(datasets, frozenset(), run.recipe)
    fitted = _fit(tasks, run, "final model", run.recipe.schedule.epochs, run.recipe.seed)
    model = _model(fitted, tasks, run)
    trained = Trained(model, {}, {}, {}, {"validation_loss": fitted.losses, "epoch": fitted.best})
    for kind in datasets:
        settle(trained, kind, held[kind], run.recipe)
    return trained


def usable_rows(dataset: Dataset, largest_cell: int) -> Rows:
    """Labelled rows, of each (capture, label) at most ``largest_cell``, evenly over the log."""
    rows = dataset.labelled()
    cells = np.stack([dataset.capture[rows], dataset.labels[rows]])
    _, cell, counts = np.unique(cells, axis=1, return_inverse=True, return_counts=True)
    cell = cell.reshape(-1)
    order = np.argsort(cell, kind="stable")
    starts = np.cumsum(counts) - counts
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = np.arange(len(rows)) - starts[cell[order]]
    size = counts[cell]
    kept = (rank + 1) * largest_cell // size != rank * largest_cell // size
    return np.asarray(rows[kept | (size <= largest_cell)], dtype=np.int64)


def _tasks(datasets: Datasets, without: frozenset[str], recipe: Recipe) -> dict[Kind, Task]:
    """Training and validation records of all captures but some; kinds without any are left out."""
    tasks: dict[Kind, Task] = {}
    for kind, dataset in datasets.items():
        generated = np.flatnonzero(dataset.labels == GENERATED)
        rows = np.union1d(usable_rows(dataset, recipe.data.largest_cell), generated)
        rows = rows[~np.isin(rows, dataset.rows_of(without))]
        early, late = tail_split(dataset, rows, recipe.calibration.tail)
        if (dataset.labels[early] == BENIGN_LABEL).any():
            tasks[kind] = Task(dataset, early, late)
    return tasks


def _fit(tasks: Mapping[Kind, Task], run: Run, name: str, epochs: int, seed: int) -> Fitted:
    """Train one model."""
    recipe = run.recipe.shortened(epochs)
    return fit(
        tasks,
        run.space,
        encoder_config(recipe, tuple(tasks)),
        schedule=recipe.schedule,
        balance=recipe.balance,
        dropout=recipe.dropout,
        growth=recipe.growth,
        weights=recipe.weights,
        names=run.names,
        seed=seed,
        device=run.device,
        progress=lambda what, done, total: run.progress(f"{name}: {what}", done, total),
        checkpoints=run.checkpoints,
    )


def _hold_out(datasets: Datasets, run: Run) -> dict[Kind, HeldOut]:
    """What models say of records of captures that they have not seen."""
    calibration = run.recipe.calibration
    found = capture_folds(datasets, run.recipe.data.same_source, calibration.folds, NOT_REAL)
    # With one fold nothing can be left out: the ends of the logs have to do.
    folds = found if len(found) > 1 else [frozenset()]
    parts: dict[Kind, list[HeldOut]] = {kind: [] for kind in datasets}
    for number, fold in enumerate(folds, start=1):
        tasks = _tasks(datasets, fold, run.recipe)
        if tasks:
            name = f"fold {number} of {len(folds)}"
            fitted = _fit(tasks, run, name, calibration.fold_epochs, run.recipe.seed + number)
            for kind, task in tasks.items():
                parts[kind].append(_held_by(fitted, task, fold, run))
    for kind, dataset in datasets.items():
        if not parts[kind]:
            raise InputError(
                f"{kind}: benign records are in one capture only, and calibration needs to leave "
                f"it out; add another capture ({', '.join(dataset.captures)})"
            )
    return {kind: joined(found) for kind, found in parts.items()}


def _held_by(fitted: Fitted, task: Task, fold: frozenset[str], run: Run) -> HeldOut:
    """Outputs of one fold's model on its captures and on the ends of the logs it has seen."""
    dataset = task.dataset
    usable = usable_rows(dataset, run.recipe.data.largest_cell)
    unseen = usable[np.isin(usable, dataset.rows_of(fold))]
    rows = np.concatenate([unseen, task.valid])
    logits, embeddings = outputs(fitted.encoder, fitted.heads, dataset, rows, run.device)
    novelty, new = _fit_novelty(fitted, task, run)
    points = torch.from_numpy(embeddings)
    with torch.inference_mode():
        novelties = new(novelty.score(points), fitted.attack.logits(points))
    applicable = fitted.heads.applicable[fitted.heads.kinds.index(dataset.kind)]
    return HeldOut(
        dataset=dataset,
        rows=rows,
        logits=logits,
        novelty=novelties.numpy(),
        known=applicable.cpu().numpy().copy(),
        unseen_capture=(np.arange(len(rows)) < len(unseen))
        | ((not fold) & ~begins(dataset, rows, NOT_REAL)),
    )


def _benign_sample(task: Task, balance: Balance, count: int, seed: int) -> Rows:
    """Benign training rows, balanced over captures, without repeats."""
    rows = task.train[task.dataset.labels[task.train] == BENIGN_LABEL]
    if len(rows) <= count:
        return np.asarray(rows, dtype=np.int64)
    drawn = Sampler(task.dataset, rows, balance).draw(count, np.random.default_rng([seed, 3]))
    return np.unique(drawn)


def _fit_novelty(fitted: Fitted, task: Task, run: Run) -> tuple[NoveltyModel, Unseen]:
    """What is far from a kind's benign training records, and how new that makes it, on the CPU.

    The units of the second come from the ends of the logs, which training has not seen.
    """
    late = task.valid[task.dataset.labels[task.valid] == BENIGN_LABEL]
    rows = _benign_sample(task, run.recipe.balance, _NOVELTY_ROWS, run.recipe.seed)
    _, embeddings = outputs(fitted.encoder, fitted.heads, task.dataset, rows, run.device)
    novelty = NoveltyModel.fit(torch.from_numpy(embeddings))
    _, later = outputs(fitted.encoder, fitted.heads, task.dataset, late, run.device)
    points, new = torch.from_numpy(later), Unseen()
    with torch.inference_mode():
        new.fit(novelty.score(points), fitted.attack.logits(points))
    return novelty, new


def _model(fitted: Fitted, tasks: Mapping[Kind, Task], run: Run) -> Model:
    """Everything with weights in one module, on the CPU."""
    model = Model(fitted.encoder.config, fitted.heads.families)
    model.encoder.load_state_dict(fitted.encoder.state_dict())
    model.heads.load_state_dict(fitted.heads.state_dict())
    model.attack.load_state_dict(fitted.attack.state_dict())
    for kind, task in tasks.items():
        model.novelties[kind], model.unseen[kind] = _fit_novelty(fitted, task, run)
        rows = _benign_sample(task, run.recipe.balance, _BASELINE_ROWS, run.recipe.seed)
        benign = Inputs.of(take(task.dataset.features, rows), torch.device("cpu"))
        model.baseline(kind).fit(model.encoder, benign)
    return model.eval()


def without_captures(datasets: Datasets, captures: frozenset[str]) -> dict[Kind, Dataset]:
    """The data sets without some captures; kinds that lose all records are left out."""
    result: dict[Kind, Dataset] = {}
    for kind, dataset in datasets.items():
        keep = np.setdiff1d(np.arange(len(dataset)), dataset.rows_of(captures))
        if len(keep):
            smaller = dataset.take(keep)
            present = sorted(set(smaller.capture.tolist()))
            table = np.full(len(dataset.captures), -1, dtype=np.int16)
            table[present] = np.arange(len(present))
            result[kind] = replace(
                smaller,
                captures=tuple(dataset.captures[number] for number in present),
                capture=table[smaller.capture],
            )
    return result
