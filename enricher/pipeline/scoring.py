"""From records to verdicts: context, features, scores and decision, in the order of the log."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from enricher.alerts import BENIGN, UNKNOWN, UNKNOWN_FAMILY, Policy, decide
from enricher.alerts.decide import Verdicts
from enricher.config import ContextSettings, DetectorSettings
from enricher.detector.corrections import Corrections
from enricher.detector.detector import Detector
from enricher.detector.scores import Scores
from enricher.features.context import ContextTracker
from enricher.features.extract import extract
from enricher.features.tensors import Features
from enricher.logs import Kind, LogBatch
from enricher.pipeline.ahead import ahead, side_by_side


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """A batch with all that is known of it; rows correspond.

    Attributes:
        batch: N records.
        features: Of them.
        scores: Of them.
        verdicts: int32 [N]; what a correction covers is benign.
        corrected: How many records corrections have made benign.
    """

    batch: LogBatch
    features: Features
    scores: Scores
    verdicts: Verdicts
    corrected: int = 0

    def verdict_counts(self) -> dict[str, int]:
        """Number of records by verdict: ``benign``, ``unknown`` or the family's name."""
        names = (UNKNOWN_FAMILY, "benign", *self.scores.families)
        counts = np.bincount(self.verdicts - UNKNOWN, minlength=len(names)).tolist()
        return {name: n for name, n in zip(names, counts, strict=True) if n}


class Scorer:
    """Scores batches of any kind. Keeps the context of each kind from batch to batch.

    Args:
        detector: The model on its device.
        settings: How many threads.
        context: Bounds on what is remembered of the records before.

    Attributes:
        left_out: Records of kinds that the detector does not know, by kind.
        trackers: The context of each kind.
    """

    def __init__(
        self, detector: Detector, settings: DetectorSettings, context: ContextSettings
    ) -> None:
        # Batches are scored side by side; torch's own threads would only wait for one another.
        torch.set_num_threads(1)
        self.detector = detector
        self.left_out: Counter[Kind] = Counter()
        self.trackers = context_trackers(detector.kinds, context)
        cores = settings.threads or os.cpu_count() or 1
        self._workers = 1 if detector.device.type == "cuda" else cores
        self._policies = {kind: _policy(detector, kind) for kind in detector.kinds}

    def run(self, batches: Iterable[LogBatch]) -> Iterator[ScoredBatch]:
        """Score batches in order; kinds that the detector does not know are counted, not scored.

        Features are made ahead on a thread of their own, for the context needs the order of the
        log; scores are a function of features, so several batches are scored at once.
        """
        extracted = ahead((batch, self._extract(batch)) for batch in self._known(batches))
        return side_by_side(lambda pair: self._score(*pair), extracted, self._workers)

    def _known(self, batches: Iterable[LogBatch]) -> Iterator[LogBatch]:
        for batch in batches:
            if batch.kind not in self.trackers:
                self.left_out[batch.kind] += len(batch)
            elif len(batch):
                yield batch

    def _extract(self, batch: LogBatch) -> Features:
        return extract(batch, self.trackers[batch.kind], self.detector.bundle.names)

    def _score(self, batch: LogBatch, features: Features) -> ScoredBatch:
        return self._decided(batch, features, self.detector.score(features))

    def _decided(self, batch: LogBatch, features: Features, scores: Scores) -> ScoredBatch:
        verdicts = decide(scores, self._policies[batch.kind])
        corrections = self.detector.corrections.get(batch.kind)
        corrected = 0 if corrections is None else correct(verdicts, scores, corrections)
        return ScoredBatch(batch, features, scores, verdicts, corrected)


def correct(verdicts: Verdicts, scores: Scores, corrections: Corrections) -> int:
    """Make those verdicts benign that corrections of their family cover.

    Args:
        verdicts: int32 [N]; changed in place.
        scores: Scores of the N records.
        corrections: Of their kind.

    Returns:
        How many were.
    """
    count = 0
    codes = {UNKNOWN_FAMILY: UNKNOWN} | {name: at for at, name in enumerate(scores.families)}
    for family in corrections.families:
        if family in codes:
            rows = np.flatnonzero(verdicts == codes[family])
            covered = rows[corrections.covers(family, scores.embedding[rows])]
            verdicts[covered] = BENIGN
            count += len(covered)
    return count


def context_trackers(
    kinds: Iterable[Kind], settings: ContextSettings
) -> Mapping[Kind, ContextTracker]:
    """A tracker for each kind, which has seen nothing yet."""
    return {
        kind: ContextTracker(
            kind,
            sources=_power_of_two(settings.sources),
            pairs=_power_of_two(settings.pairs),
            destinations=_power_of_two(settings.destinations),
        )
        for kind in kinds
    }


def _policy(detector: Detector, kind: Kind) -> Policy:
    thresholds = detector.thresholds(kind)
    return Policy(thresholds.families, thresholds.values, thresholds.alpha)


def _power_of_two(size: int) -> int:
    """The next power of two: what the tables of the context come in."""
    return 1 << (size - 1).bit_length()
