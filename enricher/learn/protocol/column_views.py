"""Views of a table with all its columns, without an encoder: scaled columns in its place."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from enricher.detector.adaptation.points import Points
from enricher.detector.adaptation.shares import Shares
from enricher.learn.dataset import Dataset
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.protocol.methods.fitted import boosting
from enricher.learn.protocol.scaling import TableScaler
from enricher.learn.protocol.splits import Split
from enricher.learn.protocol.stages import Hidden
from enricher.learn.table_splits import MixedTable
from enricher.learn.views import FloatArray, View
from enricher.logs import Kind


class ColumnViews:
    """Shows every column of one table, scaled with quantiles of the benign rows of training.

    The base score is that of gradient boosting on all families of training, novelty the mean
    distance from the middle. Both a :class:`ViewMaker` and what tells its ``columns``.

    Args:
        table: The table; data sets are parts of its own.

    Attributes:
        shares: As those of :class:`enricher.learn.protocol.encoder_views.EncoderViews`.
    """

    def __init__(self, table: MixedTable) -> None:
        self._table = table
        self.shares: dict[int, Shares] = {}

    def columns(self, dataset: Dataset, hidden: Hidden) -> tuple[FloatArray, int]:
        """Columns float32 [N, D], and how many of the last are words. Nothing can be hidden.

        Raises:
            ValueError: If something is to be hidden.
        """
        if hidden:
            raise ValueError("all columns are shown, or it is not this view")
        return self._table.columns[dataset.sources], self._table.words

    def __call__(self, split: Split, hidden: Hidden, seed: int) -> Mapping[Kind, View]:
        """See :class:`enricher.learn.protocol.running.ViewMaker`."""
        views = {}
        for kind, shown in split.shown.items():
            dataset, rows = split.train[kind], split.rows[kind]
            known, words = self.columns(dataset, hidden)
            benign = rows[dataset.labels[rows] == BENIGN_LABEL]
            table, _ = self.columns(shown, hidden)
            scaled = TableScaler.fit(known[benign], words).apply(table)
            model = boosting(seed).fit(known[rows], dataset.labels[rows] > BENIGN_LABEL)
            base = np.asarray(model.predict(table, raw_score=True), np.float32)
            views[kind] = View(
                kind=kind,
                table=table,
                embedding=scaled,
                base=base,
                novelty=np.abs(scaled).mean(axis=1).astype(np.float32),
                points=Points(kind, table, scaled, np.stack([base, base], axis=1)),
                shares=self.shares.get(seed),
            )
        return views
