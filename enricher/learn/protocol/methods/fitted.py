"""Baselines that scikit-learn and LightGBM fit to K records and benign ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from lightgbm import LGBMClassifier
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from enricher.features.rows import Rows
from enricher.learn.protocol.method import Meta, Method, Scores, Traits
from enricher.learn.views import FloatArray, View

Matrix: TypeAlias = Literal["table", "scaled", "embedding"]
TREES = 100
_SHORT_OF_MANY = 1_000
_META_ROWS = 20_000


class Fitted(Method):
    """A classifier of attack against benign on one representation of the records."""

    def __init__(
        self,
        traits: Traits,
        make: Callable[[int], Any],
        matrix: Matrix,
        values: FloatArray | None = None,
    ) -> None:
        super().__init__(traits)
        self._make = make
        self._matrix = matrix
        self._values = values

    def prepared(self, view: View, meta: Meta, seed: int) -> Fitted:  # noqa: ARG002
        """A copy that has the representation of all records."""
        values = {
            "table": _filled(view.table),
            "scaled": meta.scaled,
            "embedding": view.embedding,
        }[self._matrix]
        return Fitted(self.traits, self._make, self._matrix, values)

    def scores(
        self,
        view: View,  # noqa: ARG002
        support: Rows,
        benign: Rows,
        query: Rows,
        seed: int,
    ) -> Scores:
        """See :meth:`Method.scores`."""
        assert self._values is not None, "scores() before prepared()"
        known = self._values[np.concatenate([support, benign])]
        labels = np.concatenate([np.ones(len(support)), np.zeros(len(benign))])
        model = self._make(seed)
        model.fit(known, labels)
        return attack_scores(model, self._values[query])


class Boosted(Method):
    """Gradient boosting trained on all families of training, and on K records where given.

    The K records and the benign ones of the site are added to those of training; the K weigh as
    much as a twentieth of all attacks.
    """

    def __init__(
        self, traits: Traits, meta: Meta | None = None, ready: LGBMClassifier | None = None
    ) -> None:
        super().__init__(traits)
        self._meta = meta
        self._ready = ready

    def prepared(self, view: View, meta: Meta, seed: int) -> Boosted:  # noqa: ARG002
        """A copy with records of training; for K = 0 it is trained here."""
        attack = np.flatnonzero(meta.attack)
        benign = np.flatnonzero(~meta.attack)
        rng = np.random.default_rng([seed, 1])
        rows = np.concatenate(
            [rng.permutation(part)[: _META_ROWS // 2] for part in (attack, benign)]
        )
        kept = Meta(meta.table[rows], meta.attack[rows], np.empty((0, 0), np.float32), meta.samples)
        ready = None
        if self.traits.zero_shot:
            ready = boosting(seed)
            ready.fit(_filled(kept.table), kept.attack)
        return Boosted(self.traits, kept, ready)

    def scores(self, view: View, support: Rows, benign: Rows, query: Rows, seed: int) -> Scores:
        """See :meth:`Method.scores`."""
        model = self._ready
        if model is None:
            meta = self._meta
            assert meta is not None, "scores() before prepared()"
            own = np.concatenate([support, benign])
            known = np.concatenate([meta.table, view.table[own]])
            labels = np.concatenate(
                [meta.attack, np.ones(len(support), np.bool_), np.zeros(len(benign), np.bool_)]
            )
            weights = np.ones(len(labels))
            share = max(1.0, float(meta.attack.sum()) / 20 / max(len(support), 1))
            weights[len(meta.table) : len(meta.table) + len(support)] = share
            model = boosting(seed)
            model.fit(_filled(known), labels, sample_weight=weights)
        return attack_scores(model, _filled(view.table[query]))


def attack_scores(model: Any, asked: npt.NDArray[np.float32]) -> Scores:
    """Probability of an attack, or the decision of a model that has none, float64 [Q]."""
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(asked)[:, 1], np.float64)
    return np.asarray(model.decision_function(asked), np.float64)


def _filled(table: FloatArray) -> FloatArray:
    return np.nan_to_num(table, nan=-1.0, posinf=1e9, neginf=-1e9)


def logistic(seed: int) -> Any:  # noqa: ARG001
    """Logistic regression; both sides weigh the same. Newton steps suit many records."""
    return LogisticRegression(class_weight="balanced", solver="newton-cholesky", max_iter=200)


def standard_logistic(seed: int) -> Any:
    """Logistic regression on standardised columns."""
    return make_pipeline(StandardScaler(), logistic(seed))


def ridge(seed: int) -> Any:  # noqa: ARG001
    """Ridge regression on the label; both sides weigh the same."""
    return RidgeClassifier(class_weight="balanced", alpha=1.0)


def random_forest(seed: int) -> Any:
    """Random forest as in the project's other tables."""
    return RandomForestClassifier(
        TREES, class_weight="balanced_subsample", n_jobs=1, random_state=seed
    )


def extra_trees(seed: int) -> Any:
    """Extremely randomised trees."""
    return ExtraTreesClassifier(TREES, class_weight="balanced", n_jobs=1, random_state=seed)


def boosting(seed: int) -> LGBMClassifier:
    """LightGBM; both sides weigh the same, and one record may be a leaf."""
    return LGBMClassifier(
        n_estimators=TREES,
        class_weight="balanced",
        min_child_samples=1,
        # Without it, single records can turn the whole ranking over (AUROC .2).
        reg_lambda=1.0,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        n_jobs=1,
        random_state=seed,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )


_MAKERS: tuple[tuple[str, Callable[[int], Any], Matrix, bool], ...] = (
    ("logistic regression", logistic, "scaled", False),
    ("ridge", ridge, "scaled", False),
    ("random forest", random_forest, "table", True),
    ("LightGBM", boosting, "table", True),
)


def fitted_methods() -> list[Method]:
    """The baselines of this module."""
    methods: list[Method] = []
    for name, make, matrix, trees in _MAKERS:
        probable = make is not ridge
        for words, benign, as_many in (
            ("K benign", None, True),
            ("1,000 benign", _SHORT_OF_MANY, False),
            ("all benign", None, False),
        ):
            traits = Traits(
                f"{name}, {words}",
                benign=benign,
                as_many=as_many,
                seeded=trees,
                costly=trees,
                probabilities=probable,
            )
            methods.append(Fitted(traits, make, matrix))
    trees_traits = Traits("extra trees, all benign", seeded=True, costly=True, probabilities=True)
    return [
        *methods,
        Fitted(trees_traits, extra_trees, "table"),
        Fitted(
            Traits("frozen embedding + logistic regression", probabilities=True),
            standard_logistic,
            "embedding",
        ),
        Boosted(
            Traits("boosting on all families", zero_shot=True, seeded=True, probabilities=True)
        ),
        Boosted(
            Traits("boosting on all families + K", seeded=True, costly=True, probabilities=True)
        ),
    ]
