"""The parts of a scan summary. Lists keep their first or most severe rows; totals count all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from enricher.report.bounds import PASSED_PREFIX, add_counts

FILE_ROWS = 500
SCORE_BINS = 20

NoteLevel: TypeAlias = Literal["info", "warning"]


@dataclass(slots=True)
class BundleInfo:
    """The model that scored.

    Attributes:
        name: Its name.
        version: Its version.
        families: Families it knows, the site's own included.
        card: Beginning of its model card, as plain text.
    """

    name: str
    version: str
    families: list[str] = field(default_factory=list)
    card: str = ""


@dataclass(slots=True)
class KindCalibration:
    """What the thresholds of one log kind promise.

    Attributes:
        records: Benign records they were set on.
        false_alarm_rate: Promised share of benign records that raise an alarm.
        bound: Upper confidence bound of that rate.
    """

    records: int
    false_alarm_rate: float | None
    bound: float | None


@dataclass(slots=True)
class CalibrationInfo:
    """Where the thresholds came from.

    Attributes:
        source: ``site`` after ``enricher calibrate``, ``bundle`` for the model's defaults.
        confidence: Confidence of the bounds, for example 0.95.
        kinds: Per log kind.
    """

    source: Literal["site", "bundle"] = "bundle"
    confidence: float | None = None
    kinds: dict[str, KindCalibration] = field(default_factory=dict)


@dataclass(slots=True)
class FileRow:
    """One input file that was read.

    Attributes:
        path: As the user knows it.
        kind: Log kind, or ``eve`` where it has several.
        format: For example ``zeek-tsv``, ``zeek-json``, ``eve``, with the compression.
        records: Records read from it.
        dropped: Those of them that were not scored.
        size: Bytes on disk.
    """

    path: str
    kind: str
    format: str
    records: int
    dropped: int = 0
    size: int = 0


@dataclass(slots=True)
class FileNote:
    """One file that was skipped or that failed, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Inputs:
    """The files of a scan. Lists are bounded, totals are not."""

    read: list[FileRow] = field(default_factory=list)
    read_total: int = 0
    skipped: list[FileNote] = field(default_factory=list)
    skipped_total: int = 0
    failed: list[FileNote] = field(default_factory=list)
    failed_total: int = 0

    def add_read(self, row: FileRow) -> None:
        """Count a file that was read."""
        self.read_total += 1
        if len(self.read) < FILE_ROWS:
            self.read.append(row)

    def add_skipped(self, path: str, reason: str) -> None:
        """Count a file that was left alone, and why."""
        self.skipped_total += 1
        if len(self.skipped) < FILE_ROWS:
            self.skipped.append(FileNote(path, reason))

    def add_failed(self, path: str, reason: str) -> None:
        """Count a file that could not be read to its end, and why."""
        self.failed_total += 1
        if len(self.failed) < FILE_ROWS:
            self.failed.append(FileNote(path, reason))


@dataclass(slots=True)
class KindAccount:
    """Where the records of one kind went.

    ``read == scored + sum(dropped.values())`` and
    ``scored == benign + unknown + sum(families.values())``.

    Attributes:
        read: Records read.
        scored: Records scored.
        dropped: Records not scored, by reason; those left alone on purpose are among them, with
            a reason that begins with ``event:``.
        repaired: Records that were scored after a repair, by what was repaired.
        benign: Scored records that are benign.
        unknown: Scored records that are new to every family and to the site.
        families: Scored records of each known family.
        score_histogram: Scored records by their score, in ``SCORE_BINS`` equal bins of [0, 1].
    """

    read: int = 0
    scored: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)
    benign: int = 0
    unknown: int = 0
    families: dict[str, int] = field(default_factory=dict)
    score_histogram: list[int] = field(default_factory=lambda: [0] * SCORE_BINS)

    @property
    def dropped_total(self) -> int:
        """Records not scored, for whatever reason."""
        return sum(self.dropped.values())

    @property
    def passed_total(self) -> int:
        """Those of them that were left alone on purpose."""
        return sum(n for reason, n in self.dropped.items() if reason.startswith(PASSED_PREFIX))

    @property
    def found_total(self) -> int:
        """Scored records that are not benign."""
        return self.unknown + sum(self.families.values())

    def add_dropped(self, reasons: Mapping[str, int]) -> None:
        """Add records that were not scored, by reason."""
        add_counts(self.dropped, reasons)

    def add_repaired(self, what: Mapping[str, int]) -> None:
        """Add records that were repaired, by what was repaired."""
        add_counts(self.repaired, what)


@dataclass(slots=True)
class AlertTotals:
    """Alerts of a scan.

    Attributes:
        written: Alerts written, by family.
        held_back: Alerts that the budget held back, by family.
        within_chance: Groups of ``unknown`` records that were no alert, for chance alone gives
            their window as many records as rare.
        window_seconds: Length of the window that records are grouped in; 0 for every record.
        per_day: The budget, alerts a day; None without one.
        sources: Number of distinct sources that have alerts.
    """

    written: dict[str, int] = field(default_factory=dict)
    held_back: dict[str, int] = field(default_factory=dict)
    within_chance: int = 0
    window_seconds: float = 0.0
    per_day: float | None = None
    sources: int = 0

    @property
    def written_total(self) -> int:
        """Alerts written."""
        return sum(self.written.values())

    @property
    def held_back_total(self) -> int:
        """Alerts held back."""
        return sum(self.held_back.values())


@dataclass(slots=True)
class Drift:
    """Whether the benign traffic of one kind still looks like that of the site's calibration.

    Attributes:
        records: Records that were looked at, the first of each source and window.
        ln_capital: Natural logarithm of the capital of a test martingale; the more, the less the
            records look like those of the calibration.
        since: Flow time, seconds UTC, from which on the promised false-alarm rate is suspended;
            None where it holds.
    """

    records: int
    ln_capital: float
    since: float | None = None


@dataclass(slots=True)
class Timeline:
    """Counts over flow time.

    Attributes:
        start: Flow time at which the first bucket begins, seconds UTC.
        width: Length of a bucket, seconds.
        records: Scored records of each bucket.
        alerts: Alerts of each bucket, by family.
        outside: Records whose time is so far from the others that no bucket shows them.
    """

    start: float = 0.0
    width: float = 1.0
    records: list[int] = field(default_factory=list)
    alerts: dict[str, list[int]] = field(default_factory=dict)
    outside: int = 0


@dataclass(slots=True)
class Note:
    """Something the user should know."""

    level: NoteLevel
    text: str
