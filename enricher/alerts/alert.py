"""An alert: what is decided, before it becomes an EVE event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from enricher.detector.scores import Reason
from enricher.logs import Kind

Verdict: TypeAlias = Literal["family", "unknown"]
State: TypeAlias = Literal["whole", "opening", "closing"]


@dataclass(frozen=True, slots=True)
class Detection:
    """One record that was decided to be worth an alert.

    Attributes:
        kind: Kind of the record.
        record: Its canonical columns by name, as Python values; absent is None.
        origin: ``path:line`` of the log it was read from.
        verdict: ``family``, or ``unknown`` where it is new to every family and to the site.
        family: Name of the family (``unknown`` where the verdict is).
        nearest: The nearest family, also where the verdict is ``unknown``.
        score: Calibrated score of ``nearest``, in [0, 1].
        novelty: Distance from benign.
        p_value: Conformal p-value.
    """

    kind: Kind
    record: Mapping[str, Any]
    origin: str
    verdict: Verdict
    family: str
    nearest: str
    score: float
    novelty: float
    p_value: float


@dataclass(slots=True)
class Alert:
    """One alert for (source, family, window).

    Attributes:
        alert_id: Stable over runs and restarts: the same source, family and window of the same
            log give the same id.
        source: The address that did it.
        family: Name of the family, or ``unknown``.
        window_start: Flow time at which the window begins, seconds UTC.
        window_seconds: Length of the window.
        strongest: The detection shown in the alert: the highest score, then the lowest p-value,
            then the earliest.
        count: Number of records in it.
        first_ts: Flow time of the first record.
        last_ts: Flow time of the last record.
        kinds: Records by log kind.
        destinations: Number of distinct destination addresses (counted up to a bound).
        reasons: Why, strongest first; of ``strongest``.
        exemplars: Where the labelled records stand that ``strongest`` is nearest to, nearest first;
            for families adapted on this site.
        lowest_p: The lowest p-value of its records, by log kind.
        suspended: Whether a record of ``unknown`` came after the traffic had drifted away from
            that of the calibration, so that the promised false-alarm rate does not hold for it.
        state: ``whole`` where the alert was raised when its window was over; ``opening`` where it
            was raised at the first record, ``closing`` where it says what came after an opening.
        evidence: Whatever was kept of ``strongest`` to work out the reasons; nobody here looks
            into it.
    """

    alert_id: str
    source: str
    family: str
    window_start: float
    window_seconds: float
    strongest: Detection
    count: int = 1
    first_ts: float = 0.0
    last_ts: float = 0.0
    kinds: dict[Kind, int] = field(default_factory=dict)
    destinations: int = 1
    reasons: tuple[Reason, ...] = ()
    exemplars: tuple[str, ...] = ()
    lowest_p: dict[Kind, float] = field(default_factory=dict)
    suspended: bool = False
    state: State = "whole"
    evidence: object = None
