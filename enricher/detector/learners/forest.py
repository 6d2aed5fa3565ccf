"""Ensembles of randomised trees, fast enough to be fitted on demand and to serve.

Extremely randomised trees (Geurts, Ernst and Wehenkel 2006) that draw some thresholds for each
feature, beside, as a setting, trees that try all of them as in a random forest (Breiman 2001).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from enricher.detector.learners.base import AdaptedHead, Learner
from enricher.detector.learners.forest_arrays import (
    MOST_NODES,
    Arrays,
    check_arrays,
)
from enricher.detector.learners.forest_kernel import grow
from enricher.detector.learners.forest_rows import hash_rows, to_columns, varying, walk
from enricher.detector.learners.forest_settings import ForestSettings
from enricher.detector.learners.points import SHARED, checked, checked_query

__all__ = ["Forest", "ForestLearner", "ForestSettings", "OutOfBag"]

_ARRAYS: Final = ("feature", "threshold", "missing_left", "left", "right", "value", "roots")

Table = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OutOfBag:
    """Scores of the records a forest was fitted on, each from the trees that were not shown it.

    The record does not count for the leaves either, so a recall or a threshold made of these is
    one of records that the forest has not seen. NaN where every tree was shown the record.

    Attributes:
        attack: float32 [K].
        benign: float32 [B].
    """

    attack: Table
    benign: Table


@dataclass(frozen=True, slots=True)
class Forest:
    """All trees as flat arrays, tree after tree; a parent stands before its children.

    Attributes:
        feature: int32 [M], the column that a node asks for, -1 for a leaf.
        threshold: float32 [M]; values up to it go left.
        missing_left: bool [M], whether NaN goes left.
        left: int32 [M], number of the left child, -1 for a leaf.
        right: int32 [M], number of the right child, -1 for a leaf.
        value: float32 [M], value of a leaf in [0, 1], 0 elsewhere.
        roots: int32 [T], the first node of each tree.
        width: Number of columns D of the tables it scores.
    """

    feature: Integers
    threshold: Table
    missing_left: npt.NDArray[np.bool_]
    left: Integers
    right: Integers
    value: Table
    roots: Integers
    width: int

    @classmethod
    def fit(
        cls,
        attack: Table,
        benign: Table,
        *,
        settings: ForestSettings,
        seed: int,
        columns: Places | None = None,
    ) -> Self:
        """Grow a forest; see :meth:`fit_out_of_bag`."""
        return cls.fit_out_of_bag(attack, benign, settings=settings, seed=seed, columns=columns)[0]

    @classmethod
    def fit_out_of_bag(
        cls,
        attack: Table,
        benign: Table,
        *,
        settings: ForestSettings,
        seed: int,
        columns: Places | None = None,
    ) -> tuple[Self, OutOfBag]:
        """Grow a forest, and score its own records with the trees that were not shown them.

        The same records give the same forest in whatever order they come. Copies of a record
        count as one, so that none of them vouches for another. A value that is missing goes to
        the side where it did best in fitting, or where nothing was missing there to the side of
        most records.

        Args:
            attack: float32 [K, D], NaN for missing.
            benign: float32 [B, D], NaN for missing.
            settings: How to.
            seed: Any integer.
            columns: Numbers of the columns that may be asked for; all if None.

        Raises:
            ValueError: If there is no record of either class, the shapes do not fit, a value is
                infinite, a column is not there, or the forest could grow too large.
        """
        attack, benign = _table(attack), _table(benign)
        if attack.shape[1] != benign.shape[1]:
            raise ValueError(f"{attack.shape[1]} columns of attacks, {benign.shape[1]} of benign")
        order, place = _distinct(attack)
        others, other_place = _distinct(benign)
        attacks, benigns = len(order), len(others)
        lines = _columns(columns, attack.shape[1])
        table = np.empty((len(lines), attacks + benigns), np.float32)
        to_columns(attack, order, lines, 0, table)
        to_columns(benign, others, lines, attacks, table)
        varies = np.empty(len(lines), np.bool_)
        varying(table, varies)
        table, lines = table[varies], lines[varies]
        plan = _plan(settings, attacks, benigns, len(lines))
        nodes = _room(settings, attacks, benigns)
        total, times = np.zeros(attacks + benigns), np.zeros(attacks + benigns, np.int64)
        weights = (settings.balance, settings.smoothing)
        number = np.uint64(seed % 2**64)
        used = grow(table, attacks, lines, plan, weights, number, nodes, (total, times))
        arrays: list[Any] = [*(array[:used].copy() for array in nodes[:-1]), nodes[-1]]
        forest = cls(**dict(zip(_ARRAYS, arrays, strict=True)), width=attack.shape[1])
        own = np.divide(total, times, out=np.full_like(total, np.nan), where=times > 0)
        own = own.astype(np.float32)
        return forest, OutOfBag(own[place], own[attacks + other_place])

    def scores(self, numbers: Table, rows: Places | None = None) -> Table:
        """Mean value of the leaves that each record falls into, float32 [N] in [0, 1].

        Args:
            numbers: float32 [N, D], NaN for missing.
            rows: int64 [R], to score these records alone, in this order.

        Raises:
            ValueError: If the table has another width, or a row is not in it.
        """
        if numbers.ndim != 2 or numbers.shape[1] != self.width:  # noqa: PLR2004 - a table
            raise ValueError(f"the forest scores {self.width} columns, not {numbers.shape}")
        rows = np.arange(len(numbers)) if rows is None else np.asarray(rows, np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= len(numbers)):
            raise ValueError("a row is not in the table")
        out = np.empty(len(rows), np.float32)
        trees = tuple(getattr(self, name) for name in _ARRAYS)
        walk(np.asarray(numbers, np.float32), rows, trees, out)
        return out

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Its arrays by name, for a file; ``width`` is an int32 [1]."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return arrays | {"width": np.array([self.width], np.int32)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """A forest from the arrays of a file, which may come from another site.

        Raises:
            ValueError: If they are no forest: a name, type or size is wrong, a feature is not in
                the table, a number is not finite, or a walk would not end soon.
        """
        check_arrays(arrays)
        trees: dict[str, Any] = {name: np.ascontiguousarray(arrays[name]) for name in _ARRAYS}
        return cls(**trees, width=int(arrays["width"][0]))


def _table(records: Table) -> Table:
    records = np.ascontiguousarray(records, np.float32)
    if records.ndim != 2 or 0 in records.shape:  # noqa: PLR2004 - a table
        raise ValueError(f"a forest is fitted on tables with records, not {records.shape}")
    if np.isinf(records).any():
        raise ValueError("a value is infinite")
    return records


def _columns(columns: Places | None, width: int) -> Places:
    if columns is None:
        return np.arange(width)
    chosen = np.unique(np.asarray(columns, np.int64))
    if len(chosen) and (chosen[0] < 0 or chosen[-1] >= width):
        raise ValueError(f"columns must be within 0 and {width - 1}")
    return chosen


def _distinct(table: Table) -> tuple[Places, Places]:
    """Distinct records, in an order that depends on their values alone, and which each one is."""
    number = np.empty(len(table), np.uint64)
    hash_rows(table, table.view(np.uint32), number)
    _, first, place = np.unique(number, return_index=True, return_inverse=True)
    return first, place


def _plan(settings: ForestSettings, attacks: int, benigns: int, lines: int) -> tuple[int, ...]:
    turns = max(settings.turns, min(attacks, 2)) if attacks > 1 and settings.turns else 0
    return (
        settings.trees,
        round(settings.trees * settings.exhaustive),
        settings.thresholds,
        max(1, int(np.ceil(settings.features * lines**0.5))),
        min(settings.largest_bag, max(1, round(settings.bag * benigns))),
        settings.searched,
        settings.depth,
        settings.least,
        turns,
    )


def _room(settings: ForestSettings, attacks: int, benigns: int) -> tuple[npt.NDArray[Any], ...]:
    """Arrays for as many nodes as there can be: every cut has an attack record on its way."""
    leaves = min(attacks * settings.depth + 1, attacks + benigns, 2**settings.depth)
    nodes = settings.trees * (2 * leaves - 1)
    if nodes > 8 * MOST_NODES:
        raise ValueError(f"{settings.trees} trees could grow to {nodes} nodes: set less depth")
    kinds = (np.int32, np.float32, np.bool_, np.int32, np.int32, np.float32)
    return (*(np.empty(nodes, kind) for kind in kinds), np.empty(settings.trees, np.int32))


class _ForestHead(AdaptedHead):
    def __init__(self, forests: list[Forest]) -> None:
        self._forests = forests

    def scores(self, query: Tensor) -> Tensor:
        checked_query(_filled(query), len(self._forests), self._forests[0].width)
        tables = _numbers(query)
        scores = [
            forest.scores(tables if query.ndim == SHARED else tables[number])
            for number, forest in enumerate(self._forests)
        ]
        return torch.from_numpy(np.stack(scores)).to(query.device)


class ForestLearner(Learner):
    """A forest for each task.

    Other than the contract says, values may be NaN, which stands for missing; infinite ones are
    refused. It is for raw values: scaling them is not needed. Scores are in [0, 1]. The order of
    the records and copies of them change nothing, bit for bit.

    Args:
        settings: How trees are grown; as ForestSettings has it if None.
        seed: The same for all tasks, so that a task's head does not depend on those beside it.
    """

    name: ClassVar[str] = "forest"

    def __init__(self, settings: ForestSettings | None = None, seed: int = 0) -> None:
        self._settings = ForestSettings() if settings is None else settings
        self._seed = seed

    def fit(self, attack: Tensor, benign: Tensor) -> AdaptedHead:
        """Grow a forest for each task; NaN is a value that is missing.

        Raises:
            ValueError: If the shapes or types do not fit, a set is empty, or a value is infinite.
        """
        checked(_filled(attack), _filled(benign))
        bank = _numbers(benign)
        forests = [
            Forest.fit(
                own,
                bank if benign.ndim == SHARED else bank[number],
                settings=self._settings,
                seed=self._seed,
            )
            for number, own in enumerate(_numbers(attack))
        ]
        return _ForestHead(forests)


def _filled(records: Tensor) -> Tensor:
    """What is missing becomes 0, what is infinite stays: for the checks that learners share."""
    return records.detach().nan_to_num(nan=0.0, posinf=math.inf, neginf=-math.inf)


def _numbers(records: Tensor) -> Table:
    return records.detach().cpu().numpy().astype(np.float32, copy=False)
