"""Rows of alerts and of sources, as people see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from enricher.alerts.alert import Alert
from enricher.report.bounds import NAME_LIMIT, Record, bounded, bounded_record, finite
from enricher.report.text import safe

_REASONS = 8


@dataclass(slots=True)
class AlertRow:
    """One alert as people see it.

    Attributes:
        alert_id: The alert's stable id.
        time: Flow time of its first record, seconds UTC.
        last_time: Flow time of its last record.
        source: Address that did it.
        family: Name of the family, or ``unknown``.
        title: What the alert is called.
        severity: Suricata's: 1 is high, 2 medium, 3 low.
        count: Records in it.
        destinations: Distinct destination addresses.
        score: Calibrated score of the nearest family.
        p_value: Conformal p-value.
        nearest: The nearest family.
        kind: Log kind of the strongest record.
        origin: ``path:line`` of the strongest record.
        reasons: Why, in words, strongest first.
        record: The strongest record, bounded, without what is absent.
    """

    alert_id: str
    time: float | None
    last_time: float | None
    source: str
    family: str
    title: str
    severity: int
    count: int
    destinations: int
    score: float | None
    p_value: float | None
    nearest: str = ""
    kind: str = ""
    origin: str = ""
    reasons: list[str] = field(default_factory=list)
    record: Record = field(default_factory=dict)

    @classmethod
    def from_alert(cls, alert: Alert, title: str, severity: int) -> Self:
        """Make the row of an alert; title and severity are those of its EVE event."""
        strongest = alert.strongest
        return cls(
            alert_id=safe(alert.alert_id, NAME_LIMIT),
            time=finite(alert.first_ts),
            last_time=finite(alert.last_ts),
            source=bounded(alert.source, NAME_LIMIT),
            family=bounded(alert.family, NAME_LIMIT),
            title=bounded(title, 200),
            severity=severity,
            count=alert.count,
            destinations=alert.destinations,
            score=finite(strongest.score),
            p_value=finite(strongest.p_value),
            nearest=bounded(strongest.nearest, NAME_LIMIT),
            kind=strongest.kind,
            origin=bounded(strongest.origin, 500),
            reasons=[bounded(reason.words, 200) for reason in alert.reasons[:_REASONS]],
            record=bounded_record(strongest.record),
        )

    @property
    def rank(self) -> tuple[float, ...]:
        """Sorts what to look at first: severity, then the score's first digit, then size."""
        p_value = 1.0 if self.p_value is None else self.p_value
        score = round(self.score or 0.0, 1)
        return (self.severity, -score, -self.count, p_value, self.time or 0.0)


@dataclass(slots=True)
class SourceRow:
    """One source address with alerts.

    Attributes:
        source: The address.
        alerts: Its alerts, by family.
        records: Records in them.
        severity: The most severe of them.
    """

    source: str
    alerts: dict[str, int]
    records: int
    severity: int
