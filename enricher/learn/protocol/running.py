"""Run every method on every task, and keep what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from joblib import Parallel, delayed

from enricher.learn.dataset import Dataset
from enricher.learn.fitting import Progress
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.protocol.bench import Bench, make_bench
from enricher.learn.protocol.cells import Cell, CellStore, Item
from enricher.learn.protocol.choosing import Origin
from enricher.learn.protocol.method import Meta, Method, Traits
from enricher.learn.protocol.scaling import TableScaler, category_columns, table_of
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.splits import Split
from enricher.learn.protocol.stages import Hidden, Part, Stage, passes
from enricher.learn.protocol.tasks import Task
from enricher.learn.views import FloatArray, View
from enricher.logs import Kind

_TRAINED_ROWS = 100_000


class ColumnsOf(Protocol):
    """Says what the columns of a record are."""

    def __call__(self, dataset: Dataset, hidden: Hidden) -> tuple[FloatArray, int]:
        """Columns float32 [N, D] of N records, and how many of the last are categories."""


def feature_columns(dataset: Dataset, hidden: Hidden) -> tuple[FloatArray, int]:
    """The features of a log's records."""
    features = dataset.features
    return table_of(features, hidden), category_columns(features, hidden)


class ViewMaker(Protocol):
    """Trains a model on a split and represents records with it."""

    def __call__(self, split: Split, hidden: Hidden, seed: int) -> Mapping[Kind, View]:
        """Views of every record of ``split.shown``, row for row.

        Args:
            split: Labels other than those of ``split.rows`` are not to be looked at.
            hidden: Groups of features that are left out.
            seed: Of the training.
        """


def run_stage(
    stage: Stage,
    methods: Sequence[Method],
    make_views: ViewMaker,
    settings: Settings,
    store: CellStore,
    progress: Progress,
    columns: ColumnsOf = feature_columns,
) -> None:
    """Run all that the store does not have yet.

    Args:
        stage: Models and tasks.
        methods: Methods, each with a name of its own.
        make_views: Trains a model.
        settings: How much.
        store: Where results go.
        progress: Told of every step.
        columns: The columns that views have as their table, for what training has seen.
    """
    work = [
        (hidden, model, part.showing(hidden))
        for hidden in passes(settings)
        for model in range(settings.models)
        for part in stage.parts
    ]
    for done, (hidden, model, part) in enumerate(work):
        groups = _groups(part)
        todo = {
            group: [
                item
                for item in _items(stage.name, hidden, model, part.number, group, methods, settings)
                if item not in store
            ]
            for group in groups
        }
        if not any(todo.values()):
            continue
        progress(f"{stage.name}: training", done, len(work))
        seed = settings.seed + 1_000 * model + part.number
        views = make_views(part.split, hidden, seed)
        for group, items in todo.items():
            if not items:
                continue
            bench = _bench(part, groups[group], views[group[0]], hidden, methods, seed, columns)
            name = f"{stage.name} {done + 1}/{len(work)}: {group[0]}, {group[1]}"
            for number, (item, cells) in enumerate(_results(bench, items, settings.workers), 1):
                store.add(item, cells)
                progress(name, number, len(items))


def _groups(part: Part) -> dict[tuple[Kind, Origin], list[Task]]:
    groups: dict[tuple[Kind, Origin], list[Task]] = {}
    for task in part.tasks:
        groups.setdefault((task.kind, task.origin), []).append(task)
    return groups


def _bench(
    part: Part,
    tasks: Sequence[Task],
    view: View,
    hidden: Hidden,
    methods: Sequence[Method],
    seed: int,
    columns: ColumnsOf,
) -> Bench:
    dataset = part.split.train[view.kind]
    rows = part.split.rows[view.kind]
    if len(rows) > _TRAINED_ROWS:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(rows, _TRAINED_ROWS, replace=False))
    table, categories = columns(dataset, hidden)
    table = table[rows]
    attack = dataset.labels[rows] > BENIGN_LABEL
    scaler = TableScaler.fit(table, categories)
    meta = Meta(table, attack, scaler.apply(view.table), part.split.samples[view.kind])
    return make_bench(view, tasks, methods, meta, seed)


def _items(
    stage: str,
    hidden: Hidden,
    model: int,
    part: int,
    group: tuple[Kind, Origin],
    methods: Sequence[Method],
    settings: Settings,
) -> list[Item]:
    return [
        Item(stage, "+".join(hidden), model, part, *group, method.traits.name, shots, draw, seed)
        for shots in settings.shots
        for method in methods
        if method.traits.zero_shot == (shots == 0)
        for draw, seed in _repeats(method.traits, settings)
    ]


def _repeats(traits: Traits, settings: Settings) -> list[tuple[int, int]]:
    """Draws and seeds of a method: without a support set there is nothing to draw."""
    seeds = range(settings.seeds if traits.seeded else 1)
    if traits.zero_shot:
        return [(0, seed) for seed in seeds]
    if traits.costly:
        return [(draw, draw) for draw in range(min(settings.costly_draws, settings.draws))]
    return [(draw, seed) for draw in range(settings.draws) for seed in seeds]


def _results(
    bench: Bench, items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, list[Cell]]]:
    if workers == 1:
        for item in items:
            yield item, bench.run(item)
        return
    parallel = Parallel(n_jobs=workers, return_as="generator")
    yield from zip(items, parallel(delayed(bench.run)(item) for item in items), strict=True)
