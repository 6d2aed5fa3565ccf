"""Learners of the detector as methods of the protocol."""

from __future__ import annotations

import numpy as np
import torch

from enricher.detector.learners.base import Learner
from enricher.features.rows import Rows
from enricher.learn.protocol.method import Method, Scores, Traits
from enricher.learn.views import View


class Adapted(Method):
    """A learner on the embedding of a view."""

    def __init__(self, traits: Traits, learner: Learner) -> None:
        super().__init__(traits)
        self._learner = learner

    def scores(
        self,
        view: View,
        support: Rows,
        benign: Rows,
        query: Rows,
        seed: int,  # noqa: ARG002
    ) -> Scores:
        """See :meth:`Method.scores`."""
        values = torch.from_numpy(view.embedding)
        head = self._learner.fit(values[support][None], values[benign])
        with torch.no_grad():
            found = head.scores(values[query])[0]
        return np.asarray(found.numpy(), np.float64)
