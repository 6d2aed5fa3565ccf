"""What is kept of an alert, so that an analyst's word on it can teach the detector."""

from __future__ import annotations

import numpy as np

from enricher.alerts import Detection
from enricher.families.support import KeptSupport, SupportSet
from enricher.features.rows import FeatureRow, features_of


def keep_evidence(row: FeatureRow, detection: Detection, names: str) -> bytes:
    """The record of an alert as a support set of one.

    Args:
        row: The features of the record.
        detection: The record.
        names: Digest of the model of names that the features were made with.
    """
    ts = detection.record.get("ts")
    support = SupportSet(
        features_of([row]),
        (detection.origin,),
        (str(detection.record.get("uid") or ""),),
        np.array([float("nan") if ts is None else float(ts)]),
    )
    return KeptSupport({detection.kind: support}, names).to_bytes()
