"""One kind of record under one model: prepared methods, and what they are asked."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from enricher.features.rows import Rows
from enricher.learn.protocol.cells import Cell, Item
from enricher.learn.protocol.method import Meta, Method, Scores
from enricher.learn.protocol.metrics import macro_f1, measure
from enricher.learn.protocol.tasks import Task
from enricher.learn.views import View


@dataclass(frozen=True, slots=True)
class Bench:
    """Tasks of one kind and origin on one view.

    Attributes:
        view: The records of the tasks.
        tasks: Their rows are rows of ``view``. The benign records asked about are the same.
        methods: Prepared, by name.
    """

    view: View
    tasks: tuple[Task, ...]
    methods: dict[str, Method]

    def run(self, item: Item) -> list[Cell]:
        """Figures of every task that has enough records for the shots of an item."""
        method = self.methods[item.method]
        tasks = [task for task in self.tasks if len(task.pool) >= item.shots]
        if not tasks:
            return []
        query = np.concatenate([tasks[0].negatives, *(task.query for task in tasks)])
        sizes = [len(tasks[0].negatives), *(len(task.query) for task in tasks)]
        truth = np.repeat(np.arange(-1, len(tasks)), sizes)
        scores, labels = self._scores(method, tasks, query, item)
        several = macro_f1(scores, truth) if item.shots and len(tasks) > 1 else None
        cells = []
        for place, task in enumerate(tasks):
            figures = measure(
                scores[place][truth == place],
                scores[place][truth < 0],
                probabilities=method.traits.probabilities,
            )
            cells.append(
                {
                    "name": task.name,
                    "table": task.table,
                    "role": method.traits.role,
                    "labels": labels[place],
                    "macro_f1": several,
                    **asdict(figures),
                }
            )
        return cells

    def _scores(
        self, method: Method, tasks: Sequence[Task], query: Rows, item: Item
    ) -> tuple[Scores, list[int]]:
        """Scores of all heads, float64 [N, Q], and how many labels each was given."""
        scores, labels = [], []
        for task in tasks:
            # The same for every method, and fewer shots are among those of more.
            rng = np.random.default_rng([zlib.crc32(task.name.encode()), item.draw])
            support = rng.permutation(task.pool)[: item.shots]
            count = method.traits.benign_count(item.shots, len(task.benign))
            benign = np.sort(rng.permutation(task.benign)[:count])
            found = method.scores(self.view, support, benign, query, item.seed)
            scores.append(np.nan_to_num(found, nan=-np.inf))
            labels.append(len(support) + len(benign))
        return np.stack(scores), labels


def make_bench(
    view: View, tasks: Sequence[Task], methods: Sequence[Method], meta: Meta, seed: int
) -> Bench:
    """Prepare the methods for the tasks of one kind and origin.

    Args:
        view: The records of the tasks.
        tasks: Their rows are rows of ``view``.
        methods: Methods that are run.
        meta: What training has seen.
        seed: Of what the methods draw.
    """
    ready = {method.traits.name: method.prepared(view, meta, seed) for method in methods}
    return Bench(view, tuple(tasks), ready)
