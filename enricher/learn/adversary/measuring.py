"""What a finished model and heads adapted with it find of records that an attacker has grown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from enricher.detector.adaptation.adapting import adapt
from enricher.detector.adaptation.family_head import FamilyHead
from enricher.detector.adaptation.points import Points
from enricher.detector.detector import Detector
from enricher.features.rows import take
from enricher.features.tensors import Features
from enricher.learn.adversary.growth import Growth
from enricher.learn.adversary.records import Key, Sample
from enricher.learn.fitting import Progress
from enricher.learn.measuring import rate_at
from enricher.logs import Kind

SHOTS = 10
DRAWS = 3
FEWEST = 2 * SHOTS
"""Families with fewer records are left out."""
_BENIGN_SUPPORT = 5000

THRESHOLD, ZERO_SHOT, ADAPTED = "at the thresholds", "zero-shot", "adapted"
MEASURES = (THRESHOLD, ZERO_SHOT, ADAPTED)
"""Share found at the shipped thresholds; TPR at FPR 1e-3 of the largest family score; TPR at FPR
1e-3 of a head that was adapted to records that had not grown."""

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cell:
    """What is found of one family in one kind of record.

    Attributes:
        kind: Kind of the records.
        family: The family.
        records: How many are asked about.
        measure: One of :data:`MEASURES`.
        varied: See :class:`Growth`.
        factor: Largest factor of growth.
        before: Share found without growth.
        after: Share of the same records found after it.
    """

    kind: Kind
    family: str
    records: int
    measure: str
    varied: bool
    factor: float
    before: float
    after: float

    @property
    def loss(self) -> float:
        """Points that growth costs."""
        return 100.0 * (self.before - self.after)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {**asdict(self), "loss": self.loss}


@dataclass(frozen=True, slots=True)
class _Kind:
    """Benign records of a kind: for support sets, and held out."""

    support: Points
    held: Points
    scores: Scores


class Finder:
    """Says what share of a family's records is found. Made from records that have not grown.

    Args:
        detector: The model.
        sample: The records.
        seed: Of the support sets.
    """

    def __init__(self, detector: Detector, sample: Sample, seed: int = 0) -> None:
        self._detector = detector
        self._sample = sample
        self._seed = seed
        self._kinds: dict[Kind, _Kind] = {}

    @property
    def keys(self) -> list[Key]:
        """Kinds and families with enough records of their own and benign ones."""
        known = set(self._detector.kinds) & set(self._sample.held)
        return sorted(
            key
            for key, query in self._sample.query.items()
            if key[0] in known and len(query) >= FEWEST and len(self._sample.support[key]) >= SHOTS
        )

    def shares(self, key: Key, queries: Iterable[Features]) -> list[dict[str, float]]:
        """Share found by each measure, for each of several versions of a family's records."""
        kind = key[0]
        benign = self._benign(kind)
        bounds = self._detector.thresholds(kind).values
        heads = [self._head(key, draw) for draw in range(DRAWS)]
        ordinary = [head.scores(benign.held) for head in heads]
        found = []
        for query in queries:
            scores, points = self._detector.score(query), self._detector.represent(query)
            rates: dict[str, list[float | None]] = {
                THRESHOLD: [float((scores.family_scores >= bounds).any(axis=1).mean())],
                ZERO_SHOT: [rate_at(scores.score, benign.scores)],
                ADAPTED: [
                    rate_at(head.scores(points), own)
                    for head, own in zip(heads, ordinary, strict=True)
                ],
            }
            known = {name: [r for r in some if r is not None] for name, some in rates.items()}
            found.append({name: float(np.mean(some)) for name, some in known.items() if some})
        return found

    def _benign(self, kind: Kind) -> _Kind:
        if kind not in self._kinds:
            rng = np.random.default_rng(self._seed)
            benign, held = self._sample.benign[kind], self._sample.held[kind]
            some = np.sort(rng.permutation(len(benign))[:_BENIGN_SUPPORT])
            self._kinds[kind] = _Kind(
                self._detector.represent(take(benign, some)),
                self._detector.represent(held),
                self._detector.score(held).score,
            )
        return self._kinds[kind]

    def _head(self, key: Key, draw: int) -> FamilyHead:
        rng = np.random.default_rng([self._seed, draw])
        pool = self._sample.support[key]
        rows = np.sort(rng.permutation(len(pool))[:SHOTS])
        bundle = self._detector.bundle
        return adapt(
            self._detector.represent(take(pool, rows)),
            self._benign(key[0]).support,
            bundle=bundle.digest,
            context=True,
            shares=bundle.shares,
        ).head


def losses(
    finder: Finder, sample: Sample, grown: Mapping[Growth, Sample], progress: Progress
) -> list[Cell]:
    """What every growth costs, for every family and measure.

    Args:
        finder: Made from ``sample``.
        sample: Records that have not grown.
        grown: The same records after each growth.
        progress: Told of every family.
    """
    cells = []
    keys = finder.keys
    for number, key in enumerate(keys):
        progress("finding grown records", number, len(keys))
        before, *after = finder.shares(
            key, [sample.query[key], *(other.query[key] for other in grown.values())]
        )
        cells += [
            Cell(
                kind=key[0],
                family=key[1],
                records=len(sample.query[key]),
                measure=measure,
                varied=growth.varied,
                factor=growth.largest,
                before=before[measure],
                after=shares[measure],
            )
            for growth, shares in zip(grown, after, strict=True)
            for measure in before
        ]
    progress("finding grown records", len(keys), len(keys))
    return cells
