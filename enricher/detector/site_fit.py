"""Calibration on a site's own benign traffic, under an alert budget.

Every family, and novelty, of every kind of record is a channel; all channels share one budget of
grouped alerts (source, family, window). Pure functions of arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from enricher.detector.budget import Channel, channel, common_level
from enricher.detector.calibration import CONFIDENCE, false_positive_bound, threshold_at
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.drift import reference_counts
from enricher.detector.site import SiteCalibration
from enricher.detector.thresholds import Thresholds
from enricher.detector.trimming import contaminated_sources
from enricher.logs import Kind

FALSE_ALARM_RATE = 1e-3
MAX_TRIMMED = 0.02
LOWEST_SCORE = 0.5
"""No threshold falls below a score of one half: more likely than not an attack."""

FloatArray = npt.NDArray[np.float32]
NumberArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SiteObservations:
    """Scores of a site's benign records of one kind.

    Attributes:
        family_scores: float32 [N, F].
        novelty: float32 [N].
        source: [N], who did it: all strings or all whole numbers, the same in every kind.
        window: int64 [N], number of the alert window of each record.
        apart: bool [N], records that a part of the novelty was fitted to: their novelty is no
            measure of that of others. None where there are none.
    """

    family_scores: FloatArray
    novelty: FloatArray
    source: npt.NDArray[Any]
    window: NumberArray
    apart: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.novelty)

    def columns(self) -> Iterator[FloatArray]:
        """The score of each family, then the novelty."""
        yield from self.family_scores.T
        yield self.novelty

    def only(self, keep: npt.NDArray[np.bool_]) -> SiteObservations:
        """Some of the records."""
        return SiteObservations(
            self.family_scores[keep],
            self.novelty[keep],
            self.source[keep],
            self.window[keep],
            None if self.apart is None else self.apart[keep],
        )

    def conformal(self) -> ConformalCalibration:
        """The novelty of the records that nothing was fitted to."""
        return ConformalCalibration(
            self.novelty if self.apart is None else self.novelty[~self.apart]
        )


@dataclass(frozen=True, slots=True)
class SiteBudget:
    """What the calibration has to keep to.

    Attributes:
        alerts_per_day: Grouped false alarms a day, of all kinds and families together.
        days: Days that the records cover.
        max_rate: No channel flags a larger share of the records of its kind.
        max_trimmed: At most this share of the records is left out as contamination.
    """

    alerts_per_day: float
    days: float
    max_rate: float = FALSE_ALARM_RATE
    max_trimmed: float = MAX_TRIMMED

    def __post_init__(self) -> None:
        if self.days <= 0.0 or self.alerts_per_day <= 0.0:
            raise ValueError("days and alerts_per_day must be positive")


def calibrate_site(
    observations: Mapping[Kind, SiteObservations],
    defaults: Mapping[Kind, Thresholds],
    *,
    bundle: str,
    budget: SiteBudget,
) -> dict[Kind, SiteCalibration]:
    """Set thresholds so that a site's benign traffic stays under an alert budget.

    A threshold may fall below the bundle's default where the site is quiet, but not below one
    half, and none lets more than ``max_rate`` of the records pass. A group that alerts in several
    kinds is counted once for each, so the number to expect is rather too high than too low.

    Args:
        observations: Scores of benign records per kind.
        defaults: The bundle's thresholds per kind.
        bundle: SHA-256 of the bundle's weights.
        budget: What to keep to.

    Returns:
        A calibration for each kind that has records.
    """
    seen = {kind: records for kind, records in observations.items() if len(records)}
    if not seen:
        return {}
    floors = {kind: _floors(defaults[kind], len(seen[kind]), budget) for kind in seen}
    names, seen = _number_sources(seen)
    suspects = _suspects(seen, floors, len(names), budget)
    kept = {
        kind: records.only(~np.isin(records.source, suspects)) for kind, records in seen.items()
    }
    channels = {kind: _channels(records, floors[kind], budget) for kind, records in kept.items()}
    everything = [one for several in channels.values() for one in several]
    level = common_level(everything, budget.alerts_per_day * budget.days)
    expected = sum(one.alerts(level) for one in everything) / budget.days
    return {
        kind: _settle(
            kind,
            kept[kind],
            _Chosen(channels[kind], floors[kind], level, defaults[kind].families, expected),
            budget,
            bundle=bundle,
            trimmed=len(seen[kind]) - len(kept[kind]),
            suspects=tuple(str(names[number]) for number in suspects),
        )
        for kind in seen
    }


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The channels of one kind and the level that was chosen for all kinds."""

    channels: list[Channel]
    floors: FloatArray
    level: int
    families: tuple[str, ...]
    expected_in_all: float

    def thresholds(self) -> FloatArray:
        """float32 [F + 1], novelty last."""
        return np.array([one.threshold(self.level) for one in self.channels], dtype=np.float32)


def _floors(defaults: Thresholds, records: int, budget: SiteBudget) -> FloatArray:
    """float32 [F + 1], novelty last: below this no threshold is set."""
    lower = np.minimum(defaults.values, LOWEST_SCORE)
    off = defaults.values > 1.0
    too_few = records * budget.max_rate < 1.0  # they say nothing about so low a rate
    families = np.where(off | too_few, defaults.values, lower)
    return np.append(families, 0.0).astype(np.float32)


def _number_sources(
    observations: Mapping[Kind, SiteObservations],
) -> tuple[npt.NDArray[Any], dict[Kind, SiteObservations]]:
    """The names of all sources, and the observations with numbers in their place."""
    names, numbers = np.unique(
        np.concatenate([records.source for records in observations.values()]),
        return_inverse=True,
    )
    ends = np.cumsum([len(records) for records in observations.values()])[:-1]
    return names, {
        kind: replace(records, source=source.astype(np.int64))
        for (kind, records), source in zip(
            observations.items(), np.split(numbers, ends), strict=True
        )
    }


def _suspects(
    seen: Mapping[Kind, SiteObservations],
    floors: Mapping[Kind, FloatArray],
    sources: int,
    budget: SiteBudget,
) -> NumberArray:
    """Numbers of the sources that look like contamination."""
    totals = sum(
        (np.bincount(records.source, minlength=sources) for records in seen.values()),
        start=np.zeros(sources, dtype=np.int64),
    )
    columns = [
        (scores, records.source, float(floor))
        for kind, records in seen.items()
        for scores, floor in zip(records.columns(), floors[kind], strict=True)
    ]
    return contaminated_sources(columns, totals, budget.max_trimmed)


def _channels(records: SiteObservations, floors: FloatArray, budget: SiteBudget) -> list[Channel]:
    return [
        channel(
            scores,
            records.source,
            records.window,
            max(float(floor), threshold_at(scores, budget.max_rate).value),
        )
        for scores, floor in zip(records.columns(), floors, strict=True)
    ]


def _settle(
    kind: Kind,
    records: SiteObservations,
    chosen: _Chosen,
    budget: SiteBudget,
    *,
    bundle: str,
    trimmed: int,
    suspects: tuple[str, ...],
) -> SiteCalibration:
    """Thresholds of one kind, and what they promise."""
    thresholds = chosen.thresholds()
    conformal = records.conformal()
    alpha = _novelty_alpha(conformal, float(thresholds[-1]), budget)
    if alpha == 0.0:
        thresholds[-1] = np.inf
    flagged = np.zeros(len(records), dtype=np.bool_)
    for scores, threshold in zip(records.family_scores.T, thresholds[:-1], strict=True):
        flagged |= scores >= threshold
    flagged |= conformal.p_values(records.novelty) <= np.float32(alpha)
    # A threshold just above a record's score passes a next record as often as if that record had
    # passed too: it is counted in.
    from_data = int(((thresholds > chosen.floors) & (thresholds <= 1.0)).sum())
    if np.isfinite(thresholds[-1]):
        from_data += int(thresholds[-1] > 1.0)
    hits = min(int(flagged.sum()) + from_data, len(records))
    bound = false_positive_bound(hits, len(records))
    alerts = sum(one.alerts(chosen.level) for one in chosen.channels) / budget.days
    calibration = SiteCalibration(
        kind=kind,
        bundle=bundle,
        thresholds={
            name: float(value) for name, value in zip(chosen.families, thresholds[:-1], strict=True)
        },
        novelty_alpha=alpha,
        conformal=conformal,
        records=len(records),
        days=budget.days,
        false_alarm_rate=hits / (len(records) + 1),
        false_alarm_bound=bound,
        confidence=CONFIDENCE,
        alerts_per_day=budget.alerts_per_day,
        expected_alerts_per_day=alerts,
        trimmed_records=trimmed,
        trimmed_sources=suspects if trimmed else (),
        drift_reference=_drift_reference(records, thresholds[:-1], conformal),
    )
    notes = tuple(_notes(calibration, chosen.expected_in_all, budget))
    return replace(calibration, notes=notes)


def _drift_reference(
    records: SiteObservations, thresholds: FloatArray, conformal: ConformalCalibration
) -> tuple[int, ...]:
    """Counts of the first record of each source and window that no family claims.

    A source's records of one window are alike: taken all, a single burst would pass for drift.
    In the first window every source is new to the context; it is left out.
    """
    claimed = (records.family_scores >= thresholds).any(axis=1)
    rows = np.flatnonzero(~claimed & (records.window > records.window[:1]))
    _, window = np.unique(records.window[rows], return_inverse=True)
    pairs = records.source[rows] * (window.max(initial=0) + 1) + window
    _, first = np.unique(pairs, return_index=True)
    counts = reference_counts(conformal.p_values(records.novelty[rows[first]]))
    return tuple(counts.tolist())


def _novelty_alpha(conformal: ConformalCalibration, threshold: float, budget: SiteBudget) -> float:
    """The bound on the p-value that flags exactly the scores from ``threshold`` upwards."""
    if (len(conformal) + 1) * budget.max_rate < 1.0:
        return 0.0
    reaching = int((conformal.scores >= np.float32(threshold)).sum())
    return (reaching + 1) / (len(conformal) + 1)


def _notes(
    calibration: SiteCalibration, expected_in_all: float, budget: SiteBudget
) -> Iterator[str]:
    kind, bound = calibration.kind, calibration.false_alarm_bound
    if calibration.novelty_alpha == 0.0:
        least = int(np.ceil(1.0 / budget.max_rate)) - 1
        yield (
            f"{len(calibration.conformal):,} {kind} records are too few to say what is new at a "
            f"false-alarm rate of {budget.max_rate:g}: calibrate on {least:,} or more"
        )
    elif bound > budget.max_rate:
        yield (
            f"the false-alarm rate of {kind} records is under {bound:.2g} with "
            f"{100 * CONFIDENCE:g} % confidence: more days make it surer"
        )
    if expected_in_all > budget.alerts_per_day:
        yield (
            f"{expected_in_all:.3g} false alarms a day are to be expected, over the "
            f"budget of {budget.alerts_per_day:g}: calibrate on more days"
        )
