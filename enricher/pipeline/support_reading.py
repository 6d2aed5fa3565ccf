"""Reads the labelled records of a family, and benign ones, out of logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from enricher.config import Settings
from enricher.detector.adaptation.points import Points
from enricher.detector.detector import Detector
from enricher.errors import InputError
from enricher.families.bank import BankSamplers
from enricher.families.records import bounded
from enricher.families.support import MOST_SHOTS, SupportSet
from enricher.features.extract import extract
from enricher.features.rows import join, take
from enricher.features.tensors import Features
from enricher.logs import Kind, LogBatch
from enricher.pipeline.ahead import ahead
from enricher.pipeline.reading import RecordStream, encodable, find_logs
from enricher.pipeline.scoring import context_trackers
from enricher.report.progress import ProgressBar

_MAX_RECORDS = 2_000_000


class LogFeatures:
    """The records of some logs with their features, in order, batch by batch.

    Args:
        paths: Files and directories.
        detector: Says which kinds, and brings the model of names.
        settings: Bounds.
        bar: Opens a progress bar.
        label: What the bar says.

    Attributes:
        names: Path of each file by its number.
        failed: Files that could not be read to their end: path and why; known at the end.
        dropped: Lines and records that were left out, by kind and reason; known at the end.

    Raises:
        InputError: If there is no log at the paths.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        detector: Detector,
        settings: Settings,
        bar: ProgressBar,
        label: str,
    ) -> None:
        self._found = find_logs(paths)
        self._detector, self._settings = detector, settings
        self._bar, self._label = bar, label
        self.names = [encodable(str(file.path)) for file in self._found.files]
        self.failed = [(str(one.path), one.detail) for one in self._found.skipped if one.error]
        self.dropped: Counter[tuple[str, str]] = Counter()

    def __iter__(self) -> Iterator[tuple[LogBatch, Features | None]]:
        """Give batches; of kinds that the detector does not know there are no features."""
        trackers = context_trackers(self._detector.kinds, self._settings.context)
        names = self._detector.bundle.names
        with self._bar(sum(file.size for file in self._found.files), self._label) as progress:
            stream = RecordStream(
                self._found.files,
                self._settings.reading,
                self._settings.detector.batch_records,
                on_progress=progress.advance,
            )
            for batch in ahead(stream):
                tracker = trackers.get(batch.kind)
                yield batch, None if tracker is None else extract(batch, tracker, names)
        self.failed += [(str(one.file.path), one.error) for one in stream.files if one.error]
        for kind, tally in stream.tallies.items():
            self.dropped.update({(kind, reason): n for reason, n in tally.dropped.items()})

    def notes(self) -> list[str]:
        """What was left out and why, in sentences for the user."""
        return [
            f"{kind}: {count:,} left out of the {self._label} logs: {reason.replace('_', ' ')}"
            for (kind, reason), count in sorted(self.dropped.items())
        ]


def read_support(
    logs: LogFeatures, uids: Collection[str], raw: dict[Kind, pl.DataFrame] | None = None
) -> tuple[dict[Kind, SupportSet], list[str]]:
    """The support records by kind, and what there is to warn of.

    Args:
        logs: Where they are.
        uids: Those of them that belong to the family; all where it is empty.
        raw: Gets the records as they stand in the logs, as many as are kept.

    Raises:
        InputError: If there are no records, a uid is not in the logs, or there are far too many.
    """
    parts: dict[Kind, list[SupportSet]] = {}
    frames: dict[Kind, list[pl.DataFrame]] = {}
    missing, left_out, total = set(uids), dict[Kind, int](), 0
    for batch, features in logs:
        rows = _rows(batch, uids)
        missing -= set(batch.frame["uid"].gather(rows).to_list())
        total += len(rows)
        if total > _MAX_RECORDS:
            raise InputError(
                f"there are more than {_MAX_RECORDS:,} support records; name those of the family "
                "with --uid, or cut the log"
            )
        if features is None:
            left_out[batch.kind] = left_out.get(batch.kind, 0) + len(rows)
        elif len(rows):
            parts.setdefault(batch.kind, []).append(_part(batch, features, rows, logs.names))
            frames.setdefault(batch.kind, []).append(placed(batch.frame[rows], logs.names))
    if missing:
        named = ", ".join(ascii(uid) for uid in sorted(missing)[:5])
        raise InputError(f"{len(missing)} of the uids are not in the support logs: {named}")
    if not parts:
        raise InputError("there is no record in the support logs that the model can score")
    warnings = logs.notes() + [
        f"{kind}: the model does not score these records; {count} are left out"
        for kind, count in left_out.items()
        if count
    ]
    if raw is not None:
        raw |= {kind: bounded(pl.concat(several)) for kind, several in frames.items()}
    support = {kind: _joined(several) for kind, several in parts.items()}
    for kind, several in support.items():
        if len(several) > MOST_SHOTS:
            warnings.append(
                f"{kind}: of {len(several):,} support records {MOST_SHOTS} are taken, evenly"
            )
            support[kind] = _thinned(several)
    return support, warnings


def placed(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Records with the column ``_place``: the path and line of each."""
    files = pl.Series(names, dtype=pl.String)
    path = files.gather(frame["_file"].fill_null(0))
    return frame.with_columns(
        pl.concat_str(path.alias("path"), pl.lit(":"), pl.col("_line")).alias("_place")
    )


def _rows(batch: LogBatch, uids: Collection[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if not uids:
        return np.arange(len(batch))
    named = batch.frame["uid"].is_in(list(uids)).fill_null(value=False)
    return np.flatnonzero(named.to_numpy())


def _part(
    batch: LogBatch,
    features: Features,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    names: Sequence[str],
) -> SupportSet:
    frame = batch.frame[rows].select(
        pl.col("_file").fill_null(0),
        pl.col("_line").fill_null(0),
        pl.col("uid").fill_null(""),
        pl.col("ts").fill_null(float("nan")),
    )
    return SupportSet(
        take(features, rows),
        tuple(f"{names[file]}:{line}" for file, line in frame.select("_file", "_line").rows()),
        tuple(frame["uid"].to_list()),
        frame["ts"].to_numpy().astype(np.float64),
    )


def _joined(parts: Sequence[SupportSet]) -> SupportSet:
    return SupportSet(
        join([part.features for part in parts]),
        tuple(origin for part in parts for origin in part.origins),
        tuple(uid for part in parts for uid in part.uids),
        np.concatenate([part.times for part in parts]),
    )


def _thinned(support: SupportSet) -> SupportSet:
    """So many records as are taken at most, evenly over the log."""
    rows = np.linspace(0, len(support) - 1, MOST_SHOTS).astype(np.int64)
    return SupportSet(
        take(support.features, rows),
        tuple(support.origins[row] for row in rows),
        tuple(support.uids[row] for row in rows),
        support.times[rows],
    )


def read_benign(logs: LogFeatures, detector: Detector) -> dict[Kind, Points]:
    """A bank of benign records for each kind, sampled as ``enricher calibrate`` does."""
    banks = BankSamplers()
    for batch, features in logs:
        if features is not None:
            sampler = banks.of(batch.kind)
            rows = sampler.choose(batch.frame)
            if len(rows):
                sampler.add(detector.represent(take(features, rows)))
    sampled = {kind: sampler.points() for kind, sampler in banks.samplers.items()}
    return {kind: points for kind, points in sampled.items() if points is not None}
