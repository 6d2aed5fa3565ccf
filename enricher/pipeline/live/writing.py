"""Live alerts as lines of EVE, with reasons; and what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence

from enricher.alerts.live import LiveAlert
from enricher.config import Settings
from enricher.features.rows import FeatureRow
from enricher.pipeline.adapting import names_digest
from enricher.pipeline.events import Labels, event_options, lines_of
from enricher.pipeline.explaining import explain
from enricher.pipeline.live.evidence import keep_evidence
from enricher.pipeline.live.stored import KeptAlert
from enricher.pipeline.site_detector import Loaded

_ONE_BY_ONE = 64
_TOGETHER = 1024


class AlertWriter:
    """Makes the lines of alerts.

    Args:
        loaded: The detector that made the scores, and the exemplars of the site's families.
        settings: What events are to look like.
    """

    def __init__(self, loaded: Loaded, settings: Settings) -> None:
        self._detector, self._exemplars = loaded.detector, loaded.exemplars
        self._labels = Labels(loaded.detector)
        self._options = event_options(loaded.detector, settings)
        self._names = names_digest(loaded.detector.bundle)

    def write(self, found: Sequence[LiveAlert]) -> tuple[list[bytes], list[KeptAlert]]:
        """The lines of some alerts, in order, and what is kept of the opening ones."""
        kept = [self._evidence(one) for one in found]
        alerts = [one.alert for one in found]
        # One by one, reasons are the same to the last bit whatever else came in the round. Only
        # who asks for alerts without a limit gets more in a round than there is time for that.
        at_once = 1 if len(alerts) <= _ONE_BY_ONE else _TOGETHER
        for start in range(0, len(alerts), at_once):
            explain(self._detector, self._exemplars, alerts[start : start + at_once])
        lines = lines_of(alerts, self._labels, self._options)
        return lines, [
            KeptAlert(one.alert.alert_id, line.decode(), evidence)
            for one, line, evidence in zip(found, lines, kept, strict=True)
            if not one.closing
        ]

    def _evidence(self, one: LiveAlert) -> bytes | None:
        row = one.alert.evidence
        if one.closing or not isinstance(row, FeatureRow):
            return None
        return keep_evidence(row, one.alert.strongest, self._names)
