"""What a scan did and found, as data: the source of ``summary.json``, terminal and HTML report.

Everything is bounded: lists keep the first or the most severe rows and say how many there were,
counts fold what is beyond their bound into ``other``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self, cast

from enricher.errors import InputError
from enricher.report.bounds import NAME_LIMIT, add_counts, jsonable
from enricher.report.files import write_atomically
from enricher.report.parts import (
    AlertTotals,
    BundleInfo,
    CalibrationInfo,
    Drift,
    Inputs,
    KindAccount,
    Note,
    Timeline,
)
from enricher.report.rows import AlertRow, SourceRow
from enricher.report.text import safe, utc

SUMMARY_VERSION = 1


@dataclass(slots=True)
class ScanSummary:
    """A whole scan.

    Attributes:
        program_version: Version of this program.
        started: Wall clock at the start, seconds UTC.
        finished: Wall clock at the end, seconds UTC.
        device: What computed the scores, ``cpu`` or ``cuda:0 (…)``.
        bundle: The model.
        calibration: Where the thresholds came from and what they promise.
        inputs: The files.
        kinds: Accounting by log kind; ``other`` where a line's kind could not be told.
        alerts: Number of alerts.
        drift: Change of the benign traffic since the site's calibration, by log kind.
        alert_rows: The most severe of them, most severe first.
        sources: The sources with most alerts, most first.
        flow_start: Earliest flow time of a scored record, seconds UTC.
        flow_end: Latest flow time.
        timeline: Counts over flow time.
        outputs: Files written: path by what it is (``alerts``, ``rejected`` …).
        notes: What the user should know.
        summary_version: Version of this format.
    """

    program_version: str
    started: float
    finished: float
    device: str
    bundle: BundleInfo
    calibration: CalibrationInfo = field(default_factory=CalibrationInfo)
    inputs: Inputs = field(default_factory=Inputs)
    kinds: dict[str, KindAccount] = field(default_factory=dict)
    alerts: AlertTotals = field(default_factory=AlertTotals)
    drift: dict[str, Drift] = field(default_factory=dict)
    alert_rows: list[AlertRow] = field(default_factory=list)
    sources: list[SourceRow] = field(default_factory=list)
    flow_start: float | None = None
    flow_end: float | None = None
    timeline: Timeline = field(default_factory=Timeline)
    outputs: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    summary_version: int = SUMMARY_VERSION

    @property
    def duration(self) -> float:
        """Wall-clock seconds."""
        return max(0.0, self.finished - self.started)

    @property
    def rate(self) -> float:
        """Records read a second."""
        return self.totals.read / self.duration if self.duration > 0 else 0.0

    @property
    def totals(self) -> KindAccount:
        """The accounts of all kinds, added up."""
        total = KindAccount()
        for account in self.kinds.values():
            total.read += account.read
            total.scored += account.scored
            total.benign += account.benign
            total.unknown += account.unknown
            add_counts(total.dropped, account.dropped)
            add_counts(total.repaired, account.repaired)
            add_counts(total.families, account.families)
            pairs = zip(total.score_histogram, account.score_histogram, strict=False)
            total.score_histogram = [a + b for a, b in pairs]
        return total

    def balance(self) -> list[str]:
        """Check that no record was lost.

        Returns:
            One sentence for each identity that does not hold; none when everything adds up.
        """
        problems = []
        for kind, account in self.kinds.items():
            name = safe(kind, NAME_LIMIT)
            if account.read != account.scored + account.dropped_total:
                problems.append(
                    f"{name}: {account.read} records were read, but {account.scored} were scored "
                    f"and {account.dropped_total} were dropped"
                )
            if account.scored != account.benign + account.found_total:
                problems.append(
                    f"{name}: {account.scored} records were scored, but {account.benign} are "
                    f"benign and {account.found_total} are not"
                )
        return problems

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON values, with what follows from it (totals, duration, rate)."""
        data = asdict(self)
        total = self.totals
        data["started"] = utc(self.started, precise=True)
        data["finished"] = utc(self.finished, precise=True)
        data["duration"] = round(self.duration, 6)
        data["records_per_second"] = round(self.rate, 1)
        data["totals"] = {
            "read": total.read,
            "scored": total.scored,
            "dropped": total.dropped_total,
            "dropped_by_reason": total.dropped,
            "repaired": total.repaired,
            "benign": total.benign,
            "unknown": total.unknown,
            "families": total.families,
            "alerts_written": self.alerts.written_total,
            "alerts_held_back": self.alerts.held_back_total,
        }
        return cast("dict[str, Any]", jsonable(data))

    def to_json(self) -> bytes:
        """``summary.json``: ASCII alone, so that it is harmless in a terminal too."""
        return json.dumps(self.to_dict(), indent=2).replace("\x7f", "\\u007f").encode() + b"\n"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read back what :meth:`to_dict` gave.

        Raises:
            InputError: If it is no summary, or one of another version.
        """
        # Only what reads summaries needs it, and it costs start-up time.
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

        if data.get("summary_version") != SUMMARY_VERSION:
            found = safe(data.get("summary_version"), 20)
            raise InputError(
                f"this is no scan summary of version {SUMMARY_VERSION} (it says {found}); "
                "scan again with this version of the program"
            )
        derived = {"duration", "records_per_second", "totals"}
        fields = {key: value for key, value in data.items() if key not in derived}
        try:
            for key in ("started", "finished"):
                fields[key] = datetime.fromisoformat(str(fields[key])).timestamp()
            return TypeAdapter(cls).validate_python(fields)
        except (KeyError, ValueError, ValidationError) as error:
            detail = safe(error, 300)
            raise InputError(f"this is no scan summary: {detail}") from error

    def write(self, path: Path) -> None:
        """Write ``summary.json``, whole or not at all.

        Raises:
            OutputError: If it could not be written.
        """
        write_atomically(path, self.to_json())
