"""Views without a model: scaled features in the place of an embedding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.protocol.scaling import TableScaler, category_columns, table_of
from enricher.learn.protocol.splits import Split
from enricher.learn.protocol.stages import Hidden
from enricher.learn.views import View
from enricher.logs import Kind

_ROWS = 50_000


def plain_views(split: Split, hidden: Hidden, seed: int) -> Mapping[Kind, View]:
    """Features scaled with quantiles of training, novelty as their mean distance from the middle.

    There is no base score: it is 0. A :class:`ViewMaker` for comparison and for tests.
    """
    views = {}
    for kind, shown in split.shown.items():
        dataset, rows = split.train[kind], split.rows[kind]
        rng = np.random.default_rng(seed)
        rows = rng.permutation(rows[dataset.labels[rows] == BENIGN_LABEL])[:_ROWS]
        known = table_of(dataset.features, hidden)[np.sort(rows)]
        table = table_of(shown.features, hidden)
        scaled = TableScaler.fit(known, category_columns(shown.features, hidden)).apply(table)
        views[kind] = View(
            kind,
            table,
            scaled,
            np.zeros(len(table), np.float32),
            np.abs(scaled).mean(axis=1).astype(np.float32),
        )
    return views
