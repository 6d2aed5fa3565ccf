"""The run-time super learner as a method of the protocol, with its parts as controls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from enricher.detector.adaptation.adapting import AdaptOptions, adapt
from enricher.detector.adaptation.family_head import ATTACK, FOREST, LINEAR, MEMBERS, WIDE
from enricher.detector.adaptation.shares import Shares
from enricher.features.rows import Rows
from enricher.learn.protocol.method import Method, Scores, Traits
from enricher.learn.views import View
from enricher.logs import KINDS


class Stacked(Method):
    """What `enricher adapt` fits and serves, with shares learned from other families.

    Args:
        traits: Its name and role.
        context: Whether the context of a record is looked at.
        weights: Shares of the base learners instead of those of the view.
    """

    def __init__(
        self, traits: Traits, *, context: bool = True, weights: tuple[float, ...] | None = None
    ) -> None:
        super().__init__(replace(traits, probabilities=True))
        self._context = context
        self._shares = None
        if weights is not None:
            self._shares = Shares({kind: {1: weights} for kind in KINDS})

    def scores(self, view: View, support: Rows, benign: Rows, query: Rows, seed: int) -> Scores:
        """See :meth:`Method.scores`."""
        if view.points is None:
            raise ValueError("the super learner needs a view with points")
        adapted = adapt(
            view.points.rows(support),
            view.points.rows(benign),
            bundle="",
            context=self._context,
            shares=self._shares or view.shares or Shares(),
            options=AdaptOptions(seed=seed),
        )
        return np.asarray(adapted.head.scores(view.points.rows(query)), np.float64)


def stacked_methods() -> list[Method]:
    """The super learner; without context; each base learner; the meta-learners; averaging."""

    def only(*names: str) -> tuple[float, ...]:
        return tuple(float(name in names) / len(names) for name in MEMBERS)

    controls = {
        "f: linear head on the embedding": only(LINEAR),
        "f: forest on the features": only(FOREST),
        "f: forest on features and embedding": only(WIDE),
        "g: embedding (linear head, attack score)": only(LINEAR, ATTACK),
        "g: forests": only(FOREST, WIDE),
        "model averaging": only(*MEMBERS),
    }
    return [
        Stacked(Traits("h: super learner", "ours")),
        Stacked(Traits("h: super learner, context hidden", "control"), context=False),
        *(
            Stacked(Traits(name, "control", costly=True), weights=weights)
            for name, weights in controls.items()
        ),
    ]
