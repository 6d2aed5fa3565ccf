"""Reads the logs that rules are mined from and tried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from enricher.config import Settings
from enricher.logs import SCHEMAS, Kind
from enricher.pipeline.ahead import ahead
from enricher.pipeline.reading import RecordStream, encodable, find_logs
from enricher.pipeline.support_reading import placed
from enricher.report.progress import ProgressBar

MOST_RECORDS = 2_000_000
"""Of one kind; of more, those that come last in the order of the logs count."""


@dataclass(frozen=True, slots=True)
class ReadLogs:
    """What was read.

    Attributes:
        frames: Canonical columns by kind, and ``_place``.
        logs: Paths of the logs.
        failed: Files that could not be read to their end: path and why.
        notes: What was left out, in sentences for the user.
    """

    frames: Mapping[Kind, pl.DataFrame] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def read_logs(paths: Sequence[Path], settings: Settings, bar: ProgressBar, label: str) -> ReadLogs:
    """Read the records of some logs.

    Args:
        paths: Files and directories; none gives nothing.
        settings: Bounds.
        bar: Opens a progress bar.
        label: What the bar says.

    Raises:
        InputError: If there is no log at the paths.
    """
    if not paths:
        return ReadLogs()
    found = find_logs(paths)
    names = [encodable(str(file.path)) for file in found.files]
    parts: dict[Kind, list[pl.DataFrame]] = {}
    cut: set[Kind] = set()
    with bar(sum(file.size for file in found.files), label) as progress:
        stream = RecordStream(
            found.files,
            settings.reading,
            settings.detector.batch_records,
            on_progress=progress.advance,
        )
        for batch in ahead(stream):
            own = parts.setdefault(batch.kind, [])
            own.append(placed(batch.frame, names).select(*SCHEMAS[batch.kind], "_place"))
            while sum(map(len, own)) - len(own[0]) >= MOST_RECORDS:
                own.pop(0)
                cut.add(batch.kind)
    failed = [(str(one.path), one.detail) for one in found.skipped if one.error]
    failed += [(str(one.file.path), one.error) for one in stream.files if one.error]
    notes = [f"{kind}: only the last {MOST_RECORDS:,} records or so are used" for kind in cut]
    for kind, tally in stream.tallies.items():
        notes += [
            f"{kind}: {count:,} left out of the {label} logs: {reason.replace('_', ' ')}"
            for reason, count in sorted(tally.dropped.items())
        ]
    frames = {kind: pl.concat(own, rechunk=True) for kind, own in parts.items()}
    return ReadLogs(frames, tuple(names), tuple(failed), tuple(notes))


def without(benign: pl.DataFrame, family: pl.DataFrame) -> pl.DataFrame:
    """Benign records less those that are the family's own: a history may hold the attack too."""
    return benign.join(family.select("uid", "ts"), on=["uid", "ts"], how="anti", nulls_equal=True)
