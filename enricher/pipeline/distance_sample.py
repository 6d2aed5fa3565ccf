"""Which records of a site its own distance is fitted to, and the distances themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from enricher.detector.adaptation.points import Points, table_of
from enricher.detector.detector import Detector
from enricher.detector.table_distance import FEWEST, TableDistance, scaling_of
from enricher.families.bank import BankSampler
from enricher.logs import KINDS, Kind
from enricher.pipeline.scoring import ScoredBatch

SHARE = 0.25
"""Of the records, drawn at random: the novelty of these says nothing of how rare a novelty is."""

_DRAWS, _SAMPLE = 2, 3  # seeds, other than that of the bank


class SetAside:
    """Draws which records of a kind are set aside: the same ones whatever the batches.

    A second pass over the same logs draws them again. They are drawn one by one, so that the others
    stay exchangeable with records to come as far as all were.

    Args:
        kind: Their kind.
    """

    def __init__(self, kind: Kind) -> None:
        self._random = np.random.default_rng([_DRAWS, KINDS.index(kind)])

    def draw(self, count: int) -> npt.NDArray[np.bool_]:
        """Which of the next ``count`` records of the log are set aside."""
        return np.asarray(self._random.random(count) < SHARE)


@dataclass(slots=True)
class DistanceSamples:
    """Samples of the records that are set aside, one for each kind that comes."""

    _draws: dict[Kind, SetAside] = field(default_factory=dict)
    _samplers: dict[Kind, BankSampler] = field(default_factory=dict)

    def take(self, scored: ScoredBatch) -> None:
        """Sample the next batch of the log."""
        kind = scored.batch.kind
        draws = self._draws.setdefault(kind, SetAside(kind))
        sampler = self._samplers.setdefault(kind, BankSampler(kind, seed=_SAMPLE))
        apart = np.flatnonzero(draws.draw(len(scored.batch)))
        rows = apart[sampler.choose(scored.batch.frame[apart])]
        scores = scored.scores
        table = table_of(scored.features, rows)
        sampler.add(Points(kind, table, scores.embedding[rows], scores.attack[rows]))

    def fit(self, detector: Detector, suspects: Collection[str]) -> dict[Kind, TableDistance]:
        """A distance for each kind with records enough; without those of suspicious sources."""
        distances = {}
        for kind, sampler in self._samplers.items():
            points = sampler.points(left_out=tuple(suspects))
            if points is not None and len(points) >= FEWEST:
                model = detector.bundle.model
                distances[kind] = TableDistance.fit(
                    points.table,
                    model.config.layouts[kind].categories,
                    scaling_of(model.encoder.stem(kind)),
                )
        return distances
