"""Folds of families: what is alike is left out of training together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.features.rows import Rows
from enricher.learn.dataset import Dataset
from enricher.learn.protocol.tasks import Suite, Task
from enricher.logs import Kind


@dataclass(frozen=True, slots=True)
class Fold:
    """Families that one model does not see.

    Attributes:
        number: Place among the folds, from 0.
        units: Groups of families and generators of domain names that are left out.
    """

    number: int
    units: frozenset[str]

    def holds(self, task: Task) -> bool:
        """Whether the task's family is left out here."""
        return unit_of(task.name, task.family, task.group) in self.units


@dataclass(frozen=True, slots=True)
class FixedSplit:
    """The one fixed split beside the rotation, as units of families that do not overlap."""

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]


def unit_of(variety: str, family: str, group: str) -> str:
    """What is left out together: a group of families, or one generator of domain names."""
    return variety if family == "dga" else group


def family_folds(tasks: Iterable[Task], folds: int) -> list[Fold]:
    """Cut the families of all kinds into folds with as many tasks of each table in each.

    Args:
        tasks: Tasks of all kinds: a family is left out of all of them at once.
        folds: Number of folds, at most the number of units.
    """
    brings: dict[str, dict[str, int]] = {}
    for task in tasks:
        own = brings.setdefault(unit_of(task.name, task.family, task.group), {})
        own[task.table] = own.get(task.table, 0) + 1
    order = sorted(brings, key=lambda unit: (-sum(brings[unit].values()), unit))
    members: list[set[str]] = [set() for _ in range(min(folds, len(order)))]
    held: list[dict[str, int]] = [{} for _ in members]
    for unit in order:
        costs = [
            (sum(own.get(name, 0) * n for name, n in brings[unit].items()), sum(own.values()), at)
            for at, own in enumerate(held)
        ]
        place = min(costs)[-1]
        members[place].add(unit)
        for name, count in brings[unit].items():
            held[place][name] = held[place].get(name, 0) + count
    return [Fold(number, frozenset(names)) for number, names in enumerate(members)]


def fixed_split(folds: Sequence[Fold]) -> FixedSplit:
    """The first fold to test, the second to validate, the others to train on.

    Raises:
        ValueError: If there are fewer than three folds.
    """
    test, validation, *rest = folds
    if not rest:
        raise ValueError("a split in three needs three folds")
    train = frozenset(name for fold in rest for name in fold.units)
    return FixedSplit(train, validation.units, test.units)


def training_rows(dataset: Dataset, suite: Suite, fold: Fold) -> Rows:
    """Rows of a data set that a model may be trained on while a fold is left out.

    Labelled records without those of the fold's families in any capture, without any benign
    record of the later halves, and without exact copies of a record that is asked about.
    """
    rows = dataset.labelled()
    space, attack = dataset.space, dataset.variety[rows] >= 0
    pairs = np.unique(
        np.stack([dataset.variety[rows[attack]], dataset.labels[rows[attack]]]), axis=1
    )
    out = [
        (int(variety), int(label))
        for variety, label in pairs.T
        if _unit(dataset.varieties[int(variety)], space.name(int(label)), dataset) in fold.units
    ]
    gone = np.zeros(len(dataset), dtype=np.bool_)
    for variety, label in out:
        gone |= (dataset.variety == variety) & (dataset.labels == label)
    gone[suite.later] = True
    asked = [task.query for task in suite.tasks if fold.holds(task)]
    asked += [task.negatives for task in suite.tasks]
    if asked:
        gone |= np.isin(suite.identity, suite.identity[np.unique(np.concatenate(asked))])
    return np.asarray(rows[~gone[rows]], np.int64)


def _unit(variety: str, family: str, dataset: Dataset) -> str:
    return unit_of(variety, family, dataset.space.group(family))


@dataclass(frozen=True, slots=True)
class Split:
    """What a model may learn from, and the records that it is to represent.

    Attributes:
        train: Data sets with records to learn from.
        rows: Rows of ``train`` that may be learnt from: labels of all others are not to be read.
        shown: The records that tasks are made of, to be represented; without their labels. A
            sample of those to learn from comes after them.
        samples: Labels of that sample, int16 [S]: of the last S rows of each of ``shown``.
    """

    train: Mapping[Kind, Dataset]
    rows: Mapping[Kind, Rows]
    shown: Mapping[Kind, Dataset]
    samples: Mapping[Kind, npt.NDArray[np.int16]]
