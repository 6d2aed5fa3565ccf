"""What a site has calibrated, and its file below the state directory."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import orjson

from enricher.detector.conformal import ConformalCalibration
from enricher.detector.false_discovery import LEVELS
from enricher.detector.table_distance import TableDistance
from enricher.errors import StateError
from enricher.logs import KINDS, Kind

FORMAT = 2
FOLDER = "calibration"
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """What a site has calibrated for one kind.

    Attributes:
        kind: The kind.
        bundle: SHA-256 of the weights that made the scores.
        thresholds: Threshold of each family.
        novelty_alpha: A record is new where its p-value is at most this.
        conformal: Novelty scores of the site's benign records.
        records: Benign records it was made from, those left out not counted.
        days: Days they cover.
        false_alarm_rate: Share of benign records that is expected to be flagged.
        false_alarm_bound: Upper bound of that share at ``confidence``.
        confidence: Of the bound. It holds for records that are independent; those of a log come
            in bursts, so more days are worth more than more records.
        alerts_per_day: The budget of all kinds together.
        expected_alerts_per_day: Grouped false alarms to expect of this kind.
        trimmed_records: Records left out as contamination.
        trimmed_sources: Who they came from: look at these.
        notes: Sentences for the user: what the numbers can not promise.
        drift_reference: Records by the level of their p-value, see
            :func:`enricher.detector.drift.reference_counts`; the first of each source and window
            after the first window.
            Empty where the file was made before drift was watched.
        distance: Part of the novelty that ``conformal`` was made from, fitted to other benign
            records of the site; None where there were too few. It is in the same file, so that
            the two can not be of different runs.
    """

    kind: Kind
    bundle: str
    thresholds: Mapping[str, float]
    novelty_alpha: float
    conformal: ConformalCalibration
    records: int
    days: float
    false_alarm_rate: float
    false_alarm_bound: float
    confidence: float
    alerts_per_day: float
    expected_alerts_per_day: float
    trimmed_records: int = 0
    trimmed_sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    drift_reference: tuple[int, ...] = ()
    distance: TableDistance | None = None

    def save(self, state: Path) -> Path:
        """Write it below the state directory, whole or not at all; gives the file."""
        folder = state / FOLDER
        path = folder / f"{self.kind}.json"
        unfinished = folder / f".{self.kind}.json.unfinished"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.write(orjson.dumps(self._plain(), option=orjson.OPT_SERIALIZE_NUMPY))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            raise StateError(
                f"{path}: cannot be written ({error.strerror}); "
                "check the state directory's permissions and its disk"
            ) from error
        return path

    def _plain(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "format": FORMAT,
            "thresholds": dict(self.thresholds),
            "conformal": self.conformal.scores,
            "distance": None if self.distance is None else self.distance.to_plain(),
        }

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one file.

        Raises:
            StateError: If it is missing, damaged, or made by another version.
        """
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise StateError(f"{path}: cannot be read ({error.strerror})") from error
        if len(content) > _MAX_BYTES:
            raise StateError(f"{path}: is too large; run 'enricher calibrate' again")
        try:
            plain = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise StateError(f"{path}: is damaged; run 'enricher calibrate' again") from error
        if not isinstance(plain, dict) or plain.pop("format", None) != FORMAT:
            raise StateError(f"{path}: was made by another version; run 'enricher calibrate' again")
        try:
            return cls._parse(plain)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(
                f"{path}: is damaged ({error}); run 'enricher calibrate' again"
            ) from error

    @classmethod
    def _parse(cls, plain: Mapping[str, Any]) -> Self:
        if plain["kind"] not in KINDS:
            raise ValueError(f"unknown kind of record {plain['kind']!r}")
        numbers = {
            name: _finite(plain[name])
            for name in (
                "novelty_alpha",
                "days",
                "false_alarm_rate",
                "false_alarm_bound",
                "confidence",
                "alerts_per_day",
                "expected_alerts_per_day",
            )
        }
        distance = plain["distance"]
        return cls(
            kind=cast(Kind, plain["kind"]),
            bundle=str(plain["bundle"]),
            thresholds={str(k): _finite(v) for k, v in plain["thresholds"].items()},
            conformal=ConformalCalibration(plain["conformal"]),
            records=int(plain["records"]),
            trimmed_records=int(plain["trimmed_records"]),
            trimmed_sources=tuple(map(str, plain["trimmed_sources"])),
            notes=tuple(map(str, plain["notes"])),
            drift_reference=_counts(plain.get("drift_reference", ())),
            distance=None if distance is None else TableDistance.from_plain(distance),
            **numbers,
        )


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number


def _counts(values: Sequence[Any]) -> tuple[int, ...]:
    counts = tuple(map(int, values))
    if len(counts) not in {0, len(LEVELS)} or min(counts, default=0) < 0:
        raise ValueError("the reference of drift is of another shape")
    return counts


def load_site(state: Path) -> dict[Kind, SiteCalibration]:
    """What a site has calibrated; kinds without a file are left out.

    Raises:
        StateError: If a file is damaged, or made by another version.
    """
    files = {kind: state / FOLDER / f"{kind}.json" for kind in KINDS}
    return {kind: SiteCalibration.load(path) for kind, path in files.items() if path.is_file()}
