"""Why alerts were raised: worked out when they are written, for those that are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.alerts import Alert
from enricher.detector.detector import Detector
from enricher.features.rows import join, take
from enricher.features.tensors import Features
from enricher.logs import Kind
from enricher.pipeline.scoring import ScoredBatch


@dataclass(frozen=True, slots=True)
class Evidence:
    """The features of one record: a row of features that several records share."""

    features: Features
    row: int


def evidence_of(scored: ScoredBatch, rows: npt.NDArray[np.int64]) -> list[Evidence]:
    """What has to be kept of some rows of a batch to explain them later."""
    some = take(scored.features, rows)
    return [Evidence(some, place) for place in range(len(rows))]


def explain(detector: Detector, alerts: Sequence[Alert]) -> None:
    """Put the reasons into alerts, those of one kind and family together."""
    alike: dict[tuple[Kind, str], list[tuple[Alert, Evidence]]] = defaultdict(list)
    for alert in alerts:
        if isinstance(alert.evidence, Evidence):
            alike[alert.strongest.kind, alert.family].append((alert, alert.evidence))
    places = {label.name: place for place, label in enumerate(detector.labels)}
    for (_, family), several in alike.items():
        rows = [take(what.features, np.array([what.row])) for _, what in several]
        reasons = detector.explain(join(rows), np.arange(len(rows)), places.get(family))
        for (alert, _), why in zip(several, reasons, strict=True):
            alert.reasons = why
            alert.evidence = None
