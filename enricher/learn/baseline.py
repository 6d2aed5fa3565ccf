"""The comparison model: a random forest on the same numbers and categories.

scikit-learn is needed for it, which comes with the extra ``learn``; without it, tables have no
such column.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from enricher.features.rows import Rows, take
from enricher.features.tensors import Features
from enricher.learn.dataset import Dataset
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.measuring import RATE, Baseline
from enricher.learn.sampling import tail_split
from enricher.learn.training import usable_rows

_TREES = 100
_ROWS = 30_000


def available() -> bool:
    """Whether scikit-learn is installed."""
    return find_spec("sklearn") is not None


def forest_baseline(
    known: Dataset, asked: Dataset, *, largest_cell: int, tail: float, seed: int
) -> Baseline | None:
    """A random forest trained on the labelled records of some captures, asked about others.

    It tells attack from benign. Its threshold is the score that :data:`RATE` of the benign
    records at the ends of the logs it was trained on reach.

    Args:
        known: Records to train on.
        asked: Records to score.
        largest_cell: As in training.
        tail: End of every log that is kept for the threshold.
        seed: Of the forest.

    Returns:
        None where there is nothing to tell apart.
    """
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 (an optional package)

    early, late = tail_split(known, usable_rows(known, largest_cell), tail)
    early = _subset(early, seed)
    attack = known.labels[early] > BENIGN_LABEL
    late = late[known.labels[late] == BENIGN_LABEL]
    if not len(late) or not attack.any() or attack.all():
        return None
    forest = RandomForestClassifier(
        n_estimators=_TREES,
        min_samples_leaf=2,
        class_weight="balanced_subsample",
        n_jobs=1,
        random_state=seed,
    )
    forest.fit(_table(take(known.features, early)), attack)
    benign = np.sort(forest.predict_proba(_table(take(known.features, late)))[:, 1])
    place = min(int(np.ceil(len(benign) * (1 - RATE))), len(benign) - 1)
    threshold = float(np.nextafter(benign[place], 2.0))
    return Baseline(
        np.asarray(forest.predict_proba(_table(asked.features))[:, 1], dtype=np.float64), threshold
    )


def _subset(rows: Rows, seed: int) -> Rows:
    if len(rows) <= _ROWS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, _ROWS, replace=False))


def _table(features: Features) -> npt.NDArray[np.float32]:
    numbers = np.nan_to_num(features.numeric, nan=-1.0, posinf=1e9, neginf=-1e9)
    return np.concatenate([numbers, features.categorical.astype(np.float32)], axis=1)
