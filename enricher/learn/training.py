"""From data sets to a calibrated model: folds, the final model, thresholds and p-values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from enricher.detector.calibration import Threshold
from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.inputs import Inputs
from enricher.detector.model import Model
from enricher.detector.novelty import NoveltyModel
from enricher.errors import InputError
from enricher.features import SPECS
from enricher.features.rows import Rows, take
from enricher.learn.calibrating import (
    FloatArray,
    HeldOut,
    benign_weights,
    fit_calibration,
    joined,
    thin_sessions,
    thresholds_at,
)
from enricher.learn.dataset import SIMULATED_CAPTURE, WRAPPED_CAPTURE, Dataset
from enricher.learn.fitting import Fitted, Progress, Task, fit, outputs
from enricher.learn.folds import capture_folds
from enricher.learn.labels import BENIGN_LABEL, LabelSpace
from enricher.learn.recipe import Recipe
from enricher.learn.sampling import Balance, Sampler, tail_split
from enricher.logs import Kind

Datasets = Mapping[Kind, Dataset]

_NOVELTY_ROWS = 20_000
_BASELINE_ROWS = 10_000
_NEVER = 2.0
"""Threshold of a family that does not occur in a kind: no score reaches it."""


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Run:
    """What stays the same throughout a training.

    Attributes:
        space: The label space.
        recipe: Everything that decides a bundle besides the data.
        device: Where to compute.
        progress: Told of what is being done.
    """

    space: LabelSpace
    recipe: Recipe
    device: torch.device
    progress: Progress = _silent


@dataclass(slots=True)
class Trained:
    """A calibrated model and how it came about.

    Attributes:
        model: Encoder, heads, novelty and baselines.
        thresholds: For each kind, one threshold per family of the model.
        alphas: For each kind, the largest p-value that is called new.
        conformal: Benign novelty scores of each kind.
        figures: What was measured on the way, as plain values for JSON.
    """

    model: Model
    thresholds: dict[Kind, list[Threshold]]
    alphas: dict[Kind, float]
    conformal: dict[Kind, ConformalCalibration]
    figures: dict[str, Any]


def encoder_config(recipe: Recipe, kinds: tuple[Kind, ...]) -> EncoderConfig:
    """Shape of the encoder for some kinds."""
    shape = recipe.encoder
    return EncoderConfig(
        layouts={
            kind: KindLayout(
                numeric=len(SPECS[kind].numeric),
                categories=SPECS[kind].categorical_sizes,
                text=SPECS[kind].text_names,
            )
            for kind in kinds
        },
        width=shape.width,
        blocks=shape.blocks,
        embedding=shape.embedding,
        quantiles=shape.quantiles,
        text_buckets=shape.text_buckets,
        text_width=shape.text_width,
        text_orders=shape.text_orders,
        text_bytes=shape.text_bytes,
    )


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
        _calibrate(trained, kind, held[kind], run.recipe)
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
        rows = usable_rows(dataset, recipe.data.largest_cell)
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
        seed=seed,
        device=run.device,
        progress=lambda what, done, total: run.progress(f"{name}: {what}", done, total),
    )


def _hold_out(datasets: Datasets, run: Run) -> dict[Kind, HeldOut]:
    """What models say of records of captures that they have not seen."""
    calibration = run.recipe.calibration
    found = capture_folds(
        datasets, run.recipe.data.same_source, calibration.folds, SIMULATED_CAPTURE
    )
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
    novelty = _fit_novelty(fitted, task, run)
    applicable = fitted.heads.applicable[fitted.heads.kinds.index(dataset.kind)]
    return HeldOut(
        dataset=dataset,
        rows=rows,
        logits=logits,
        novelty=novelty.score(torch.from_numpy(embeddings)).numpy(),
        known=applicable.cpu().numpy().copy(),
        unseen_capture=(np.arange(len(rows)) < len(unseen))
        | ((not fold) & ~_begins(dataset, rows, SIMULATED_CAPTURE)),
    )


def _begins(dataset: Dataset, rows: Rows, start: str) -> npt.NDArray[np.bool_]:
    """Whether the names of the records' captures begin so."""
    named = np.array([name.startswith(start) for name in dataset.captures], dtype=np.bool_)
    return np.asarray(named[dataset.capture[rows]], dtype=np.bool_)


def _benign_sample(task: Task, balance: Balance, count: int, seed: int) -> Rows:
    """Benign training rows, balanced over captures, without repeats."""
    rows = task.train[task.dataset.labels[task.train] == BENIGN_LABEL]
    if len(rows) <= count:
        return np.asarray(rows, dtype=np.int64)
    drawn = Sampler(task.dataset, rows, balance).draw(count, np.random.default_rng([seed, 3]))
    return np.unique(drawn)


def _fit_novelty(fitted: Fitted, task: Task, run: Run) -> NoveltyModel:
    """A novelty model of a kind's benign training records, on the CPU."""
    rows = _benign_sample(task, run.recipe.balance, _NOVELTY_ROWS, run.recipe.seed)
    _, embeddings = outputs(fitted.encoder, fitted.heads, task.dataset, rows, run.device)
    return NoveltyModel.fit(torch.from_numpy(embeddings))


def _model(fitted: Fitted, tasks: Mapping[Kind, Task], run: Run) -> Model:
    """Everything with weights in one module, on the CPU."""
    model = Model(fitted.encoder.config, fitted.heads.families)
    model.encoder.load_state_dict(fitted.encoder.state_dict())
    model.heads.load_state_dict(fitted.heads.state_dict())
    for kind, task in tasks.items():
        model.novelties[kind] = _fit_novelty(fitted, task, run)
        rows = _benign_sample(task, run.recipe.balance, _BASELINE_ROWS, run.recipe.seed)
        benign = Inputs.of(take(task.dataset.features, rows), torch.device("cpu"))
        model.baseline(kind).fit(model.encoder, benign)
    return model.eval()


def _calibrate(trained: Trained, kind: Kind, held: HeldOut, recipe: Recipe) -> None:
    """Set a kind's sigmoids, thresholds and p-values from what was held out."""
    heads = trained.model.heads
    line = heads.kinds.index(kind)
    scores = np.zeros_like(held.logits)
    calibrated = []
    for place, family in enumerate(heads.families):
        known = bool(heads.applicable[line, place])
        platt = fit_calibration(held, place) if known else None
        heads.calibrate(kind, family, platt)
        if platt is not None:
            with np.errstate(over="ignore"):
                logits = np.nan_to_num(held.logits[:, place], nan=-50.0)
                scores[:, place] = 1 / (1 + np.exp(-(platt.scale * logits + platt.offset)))
            calibrated.append(place)
    benign = held.dataset.labels[held.rows] == BENIGN_LABEL
    chosen = np.flatnonzero(benign & held.unseen_capture)
    weights = benign_weights(held.dataset, held.rows[chosen])
    rate = recipe.calibration.family_rate
    found = thresholds_at(scores[chosen][:, calibrated], weights, rate)
    thresholds = [Threshold(_NEVER, 0, len(chosen), 0.0) for _ in heads.families]
    for place, threshold in zip(calibrated, found, strict=True):
        thresholds[place] = threshold
    trained.thresholds[kind] = thresholds
    # What was made around a list is more alike than real traffic: it says nothing of novelty.
    recorded = chosen[~_begins(held.dataset, held.rows[chosen], WRAPPED_CAPTURE)]
    thinned = thin_sessions(held.dataset, held.rows[recorded], recipe.calibration.session_records)
    kept = recorded[np.isin(held.rows[recorded], thinned)]
    trained.conformal[kind] = ConformalCalibration(held.novelty[kept])
    trained.alphas[kind] = recipe.calibration.novelty_rate
    trained.figures[kind] = _figures(held, scores, thresholds, trained.conformal[kind])


def _figures(
    held: HeldOut,
    scores: FloatArray,
    thresholds: list[Threshold],
    conformal: ConformalCalibration,
) -> dict[str, Any]:
    """False alarms of captures that were left out, and detection of each family."""
    labels = held.dataset.labels[held.rows]
    values = np.array([threshold.value for threshold in thresholds], dtype=np.float32)
    flagged = np.asarray((scores >= values).any(axis=1), dtype=np.bool_)
    alarms = {}
    for number, name in enumerate(held.dataset.captures):
        rows = _where(held.dataset.capture[held.rows], number)
        rows &= held.unseen_capture & (labels == BENIGN_LABEL)
        if rows.any():
            alarms[name] = {"benign": int(rows.sum()), "flagged": int(flagged[rows].sum())}
    found: dict[str, dict[str, dict[str, int]]] = {}
    for number, family in enumerate(held.dataset.space.families, start=1):
        for unseen in (True, False):
            rows = _where(labels, number) & (held.unseen_capture == unseen)
            if rows.any():
                key = "captures left out" if unseen else "ends of known logs"
                entry = {"records": int(rows.sum()), "flagged": int(flagged[rows].sum())}
                found.setdefault(family, {})[key] = entry
    return {
        "false_alarms_left_out": alarms,
        "families": found,
        "novelty_records": len(conformal),
        "thresholds": {
            family: round(threshold.value, 6)
            for family, threshold in zip(held.dataset.space.families, thresholds, strict=True)
            if threshold.value <= 1
        },
    }


def _where(numbers: npt.NDArray[np.int16], wanted: int) -> npt.NDArray[np.bool_]:
    return np.asarray(numbers == wanted, dtype=np.bool_)


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
