"""What a protocol is made of: models that have not seen some families, and tasks for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from enricher.features.rows import Rows, join
from enricher.features.spec import Group
from enricher.learn.dataset import Dataset
from enricher.learn.labels import UNLABELLED
from enricher.learn.protocol.choosing import spread
from enricher.learn.protocol.identity import Identity
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.splits import Split, family_folds, training_rows
from enricher.learn.protocol.tasks import Skipped, Task, make_suite
from enricher.logs import KINDS, Kind

Hidden: TypeAlias = tuple[Group, ...]
_SAMPLE_ATTACK = 200
_SAMPLE_BENIGN = 2_000
NOTHING_HIDDEN: Hidden = ()
_HIDDEN_WORDS: Mapping[Hidden, Mapping[Kind, str]] = {
    ("service",): {"conn": "port and service hidden", "dns": "query type hidden"},
    ("context",): dict.fromkeys(KINDS, "records alone"),
}
"""What is hidden in a pass, and how its tables say so, by kind. Records whose context is hidden are
what an analyst cuts out of a log."""


@dataclass(frozen=True, slots=True)
class Part:
    """One model and the tasks whose families it has not seen.

    Attributes:
        number: Place among the parts of a stage, from 0.
        split: What the model may learn from and has to represent.
        tasks: The tasks; their rows are rows of ``split.shown``, none of its sample.
    """

    number: int
    split: Split
    tasks: tuple[Task, ...]

    def showing(self, hidden: Hidden) -> Part:
        """The part of it that is run with some features hidden: conn and dns, or all."""
        if not hidden:
            return self
        tasks = tuple(task for task in self.tasks if task.kind in _HIDDEN_WORDS[hidden])
        kinds = {task.kind for task in tasks}
        shown = {kind: data for kind, data in self.split.shown.items() if kind in kinds}
        return replace(self, split=replace(self.split, shown=shown), tasks=tasks)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that is measured under one name.

    Attributes:
        name: ``P1``, with its table where it is of one, or ``P2`` with its data sets.
        parts: Models and tasks; no task is in two.
        skipped: Families that no task could be made of.
    """

    name: str
    parts: tuple[Part, ...]
    skipped: tuple[Skipped, ...]


def title(table: str, kind: Kind, hidden: Hidden) -> str:
    """Name of a table, with what is hidden."""
    return f"{table}, {_HIDDEN_WORDS[hidden][kind]}" if hidden else table


def passes(settings: Settings) -> tuple[Hidden, ...]:
    """What is hidden in each pass."""
    return (NOTHING_HIDDEN, *((group,) for group in settings.hide))


def families_left_out(
    datasets: Mapping[Kind, Dataset],
    settings: Settings,
    same_source: Sequence[Sequence[str]] = (),
    *,
    name: str = "P1",
    identities: Mapping[Kind, Identity] | None = None,
) -> Stage:
    """P1: every family is left out of training once, with its group, in all kinds at once.

    Args:
        datasets: Labelled records of each kind.
        settings: How much.
        same_source: Captures of the same traffic.
        name: Name of the stage.
        identities: As for :func:`make_suite`, by kind.
    """
    suites = {
        kind: make_suite(dataset, same_source, settings.limits, (identities or {}).get(kind))
        for kind, dataset in datasets.items()
        if kind in settings.kinds
    }
    everything = [task for suite in suites.values() for task in suite.tasks]
    wanted = {(task.kind, task.origin, task.name) for task in _fewer(everything, settings.families)}
    parts = []
    for fold in family_folds(everything, settings.folds):
        tasks = tuple(
            task
            for task in everything
            if fold.holds(task) and (task.kind, task.origin, task.name) in wanted
        )
        if tasks:
            rows = {
                kind: training_rows(datasets[kind], suite, fold) for kind, suite in suites.items()
            }
            trained = {kind: datasets[kind] for kind in suites}
            parts.append(_part(fold.number, trained, rows, datasets, tasks))
    skipped = tuple(entry for suite in suites.values() for entry in suite.skipped)
    return Stage(name, tuple(parts), skipped)


def across_data_sets(
    train_name: str,
    train: Mapping[Kind, Dataset],
    test_name: str,
    test: Dataset,
    settings: Settings,
    identity: Identity | None = None,
) -> Stage:
    """P2: train on one data set; support, calibration and query come from another.

    Families of the tested data set that have a namesake in training are left out of training.

    Args:
        train_name: Name of what is trained on.
        train: Its records.
        test_name: Name of what is asked about.
        test: Its records.
        settings: How much.
        identity: Of the tested records, as for :func:`make_suite`.
    """
    suite = make_suite(test, (), settings.limits, identity)
    names = {task.family for task in suite.tasks}
    rows = {}
    for kind, dataset in train.items():
        known = dataset.labelled()
        same = [number for number, name in enumerate(dataset.space.families, 1) if name in names]
        rows[kind] = known[~np.isin(dataset.labels[known], same)]
    part = _part(0, train, rows, {test.kind: test}, _fewer(suite.tasks, settings.families))
    return Stage(f"P2: {train_name} to {test_name}", (part,), suite.skipped)


def _part(
    number: int,
    train: Mapping[Kind, Dataset],
    rows: Mapping[Kind, Rows],
    asked: Mapping[Kind, Dataset],
    tasks: Sequence[Task],
) -> Part:
    """A part whose data sets to represent have only what its tasks use, and no labels."""
    shown: dict[Kind, Dataset] = {}
    samples: dict[Kind, npt.NDArray[np.int16]] = {}
    moved: list[Task] = []
    for kind in dict.fromkeys(task.kind for task in tasks):
        own = [task for task in tasks if task.kind == kind]
        used = np.unique(
            np.concatenate([part for t in own for part in (t.pool, t.query, t.benign, t.negatives)])
        )
        sample = _sample(train[kind], rows[kind])
        samples[kind] = train[kind].labels[sample]
        shown[kind] = _unlabelled(asked[kind].take(used), train[kind].take(sample))
        moved += [
            replace(
                task,
                pool=np.searchsorted(used, task.pool),
                query=np.searchsorted(used, task.query),
                benign=np.searchsorted(used, task.benign),
                negatives=np.searchsorted(used, task.negatives),
            )
            for task in own
        ]
    return Part(number, Split(train, rows, shown, samples), tuple(moved))


def _sample(dataset: Dataset, rows: Rows) -> Rows:
    """Some records of every family and some benign ones."""
    labels = dataset.labels[rows]
    return np.sort(
        np.concatenate(
            [np.empty(0, np.int64)]
            + [
                spread(rows[labels == label], _SAMPLE_ATTACK if label else _SAMPLE_BENIGN)
                for label in np.unique(labels)
            ]
        )
    )


def _unlabelled(first: Dataset, second: Dataset) -> Dataset:
    """The records of both, one after the other, without labels."""
    count = len(first) + len(second)
    return replace(
        first,
        captures=(*first.captures, *second.captures),
        features=join([first.features, second.features]),
        labels=np.full(count, UNLABELLED, np.int16),
        variety=np.full(count, UNLABELLED, np.int16),
        capture=np.concatenate([first.capture, second.capture + np.int16(len(first.captures))]),
        log=np.concatenate([first.log, second.log]),
        weak=np.concatenate([first.weak, second.weak]),
        times=np.concatenate([first.times, second.times]),
        sources=np.concatenate([first.sources, second.sources]),
    )


def _fewer(tasks: Iterable[Task], families: int | None) -> list[Task]:
    """At most so many tasks of each table and origin, those with the largest pools."""
    kept: dict[tuple[str, str], int] = {}
    chosen = []
    for task in sorted(tasks, key=lambda task: (-len(task.pool), task.name, task.origin)):
        key = (task.table, task.origin)
        kept[key] = kept.get(key, 0) + 1
        if families is None or kept[key] <= families:
            chosen.append(task)
    return chosen
