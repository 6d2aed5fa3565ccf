"""Scores of every record as one Parquet file, written in bounded memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from enricher.alerts import BENIGN, UNKNOWN, UNKNOWN_FAMILY
from enricher.errors import OutputError
from enricher.pipeline.scoring import ScoredBatch


class ScoresFile:
    """Takes scored batches; the file is there, whole, after it is closed.

    Columns: ``log`` (kind), ``path``, ``uid``, ``ts``, ``score``, ``family`` (the verdict:
    a family, ``unknown`` or ``benign``), ``novelty``, ``p_value``, and ``family:<name>`` float32
    for every family.

    Args:
        path: The file.
        names: Path of each log file by its number.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path = path
        self._names = pl.Series("path", list(names), dtype=pl.String)
        self._count = 0
        try:
            self._parts = Path(tempfile.mkdtemp(prefix=".scores-", dir=path.parent))
        except OSError as error:
            raise _failed(path, error.strerror or str(error)) from error

    def write(self, scored: ScoredBatch) -> None:
        """Add the scores of a batch."""
        try:
            self._table(scored).write_parquet(self._part(self._count), compression="lz4")
        except (OSError, PolarsError) as error:
            raise _failed(self._path, str(error)) from error
        self._count += 1

    def _table(self, scored: ScoredBatch) -> pl.DataFrame:
        frame, scores = scored.batch.frame, scored.scores
        verdict_names = pl.Series([*scores.families, UNKNOWN_FAMILY, "benign"])
        place = np.where(
            scored.verdicts >= 0,
            scored.verdicts,
            np.where(scored.verdicts == UNKNOWN, len(scores.families), len(scores.families) + 1),
        )
        assert BENIGN < 0
        families = {
            f"family:{name}": pl.Series(np.ascontiguousarray(scores.family_scores[:, column]))
            for column, name in enumerate(scores.families)
        }
        return pl.DataFrame(
            {
                "log": pl.repeat(scored.batch.kind, len(scored.batch), eager=True),
                "path": self._names.gather(frame["_file"]),
                "uid": frame["uid"],
                "ts": frame["ts"],
                "score": scores.score if scores.families else np.zeros(len(scores), np.float32),
                "family": verdict_names.gather(place),
                "novelty": scores.novelty,
                "p_value": scores.p_value,
                **families,
            }
        )

    def _part(self, number: int) -> Path:
        return self._parts / f"{number:08}.parquet"

    def close(self) -> None:
        """Join the parts and give the file its name."""
        whole = self._parts / "whole"
        try:
            if self._count:
                parts = [self._part(number) for number in range(self._count)]
                pl.scan_parquet(parts).sink_parquet(whole, compression="zstd")
                whole.replace(self._path)
        except (OSError, PolarsError) as error:
            raise _failed(self._path, str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            shutil.rmtree(self._parts, ignore_errors=True)


def _failed(path: Path, why: str) -> OutputError:
    return OutputError(
        f"{path}: {why}. Make room or write elsewhere, and run again; the scores of every record "
        "take about as much room as the logs compressed."
    )
