"""Why alerts were raised: worked out when they are written, for those that are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from enricher.alerts import UNKNOWN_FAMILY, Alert
from enricher.detector.detector import Detector
from enricher.features.rows import FeatureRow, features_of
from enricher.logs import Kind
from enricher.pipeline.exemplars import Exemplars


def explain(detector: Detector, exemplars: Exemplars, alerts: Sequence[Alert]) -> None:
    """Put reasons and nearest exemplars into alerts, those of one kind together.

    Args:
        detector: Made the scores.
        exemplars: The labelled records of the site's own families.
        alerts: Their evidence is the features of their strongest record; it is let go.
    """
    alike: dict[tuple[Kind, bool], list[tuple[Alert, FeatureRow]]] = defaultdict(list)
    for alert in alerts:
        if isinstance(alert.evidence, FeatureRow):
            known = alert.family != UNKNOWN_FAMILY
            alike[alert.strongest.kind, known].append((alert, alert.evidence))
    for (_, known), several in alike.items():
        features = features_of([row for _, row in several])
        families = [alert.family for alert, _ in several]
        reasons = detector.explain(features, np.arange(len(several)), families if known else None)
        near = exemplars.nearest(families, features)
        for (alert, _), why, places in zip(several, reasons, near, strict=True):
            alert.reasons = why
            alert.exemplars = places
            alert.evidence = None
