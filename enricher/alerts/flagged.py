"""The flagged records of a batch: picked out in columns, turned into objects only when needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.alerts.alert import Detection
from enricher.alerts.decide import BENIGN, UNKNOWN, Verdicts
from enricher.alerts.families import UNKNOWN_FAMILY
from enricher.detector.scores import Scores
from enricher.logs import SCHEMAS, Kind, LogBatch

MAX_FIELD_CHARACTERS = 4096
"""Longer strings of a record are cut in its alert."""
MAX_LIST_ELEMENTS = 32
"""Longer lists of a record (DNS answers, certificates) are cut in its alert."""

LATEST_TIME = 253_402_300_799.0
"""The end of the year 9999 in seconds UTC: what a timestamp with four digits a year can hold."""


class Row(Mapping[str, Any]):
    """One record by column name, at the memory of a tuple."""

    __slots__ = ("_columns", "_values")

    def __init__(self, columns: Mapping[str, int], values: tuple[Any, ...]) -> None:
        self._columns = columns
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[self._columns[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"Row({dict(self)!r})"


COLUMNS: dict[Kind, dict[str, int]] = {
    kind: {name: place for place, name in enumerate(schema)} for kind, schema in SCHEMAS.items()
}


@dataclass(frozen=True, slots=True)
class Flagged:
    """The flagged records of one batch, in their order.

    Attributes:
        kind: Their kind.
        families: Names of the F families.
        frame: Canonical columns and provenance of the M flagged records.
        rows: int64 [M], their places in the batch.
        verdicts: int32 [M].
        nearest: int64 [M], the family of the verdict, or else the one with the largest score;
            -1 where there are no families.
        score: float32 [M], the score of ``nearest``; 0 where there is none.
        novelty: float32 [M].
        p_value: float32 [M]; 1 where it is not a number.
    """

    kind: Kind
    families: tuple[str, ...]
    frame: pl.DataFrame
    rows: npt.NDArray[np.int64]
    verdicts: Verdicts
    nearest: npt.NDArray[np.int64]
    score: npt.NDArray[np.float32]
    novelty: npt.NDArray[np.float32]
    p_value: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, code: int) -> str:
        """The family's name by its verdict code."""
        return UNKNOWN_FAMILY if code < 0 else self.families[code]

    def detections(
        self, places: npt.NDArray[np.int64], file_names: Mapping[int, str] | Sequence[str]
    ) -> list[Detection]:
        """Build the detections at some places (among the M) in bulk.

        Args:
            places: int64 [K], which ones.
            file_names: Path of each file by its number.

        Returns:
            K detections in the order of ``places``.
        """
        kind, columns = self.kind, COLUMNS[self.kind]
        chosen = self.frame[places].select(
            *_bounded(kind), pl.col("_file").fill_null(0), pl.col("_line").fill_null(0)
        )
        return [
            Detection(
                kind=kind,
                record=Row(columns, row[:-2]),
                origin=f"{file_names[row[-2]]}:{row[-1]}",
                verdict="unknown" if code < 0 else "family",
                family=self.name(code),
                nearest=self.name(near),
                score=score,
                novelty=novelty,
                p_value=p_value,
            )
            for row, code, near, score, novelty, p_value in zip(
                chosen.rows(),
                self.verdicts[places].tolist(),
                self.nearest[places].tolist(),
                self.score[places].tolist(),
                self.novelty[places].tolist(),
                self.p_value[places].tolist(),
                strict=True,
            )
        ]


def flag(batch: LogBatch, scores: Scores, verdicts: Verdicts) -> Flagged:
    """Pick out the records whose verdict is not benign."""
    rows = np.flatnonzero(verdicts != BENIGN)
    codes = verdicts[rows]
    if scores.families and len(rows):
        nearest = np.where(codes == UNKNOWN, scores.nearest[rows], codes.astype(np.int64))
        score = scores.family_scores[rows, nearest]
    else:
        nearest = np.full(len(rows), -1, dtype=np.int64)
        score = np.zeros(len(rows), dtype=np.float32)
    return Flagged(
        kind=batch.kind,
        families=scores.families,
        frame=batch.frame if len(rows) == len(batch) else batch.frame[rows],
        rows=rows,
        verdicts=codes,
        nearest=nearest,
        score=np.nan_to_num(score, nan=0.0),
        novelty=np.nan_to_num(scores.novelty[rows], nan=0.0),
        p_value=np.nan_to_num(scores.p_value[rows], nan=1.0),
    )


def detections(
    batch: LogBatch,
    scores: Scores,
    verdicts: Verdicts,
    file_names: Mapping[int, str] | Sequence[str],
) -> list[Detection]:
    """One detection for every flagged record, in the order of the log.

    For an alert on every record; otherwise :class:`enricher.alerts.grouping.Grouper` builds only
    the strongest of each group.
    """
    flagged = flag(batch, scores, verdicts)
    return flagged.detections(np.arange(len(flagged)), file_names)


def flow_time() -> pl.Expr:
    """``ts`` as a time that a timestamp can show: what is not one becomes 0."""
    return pl.col("ts").fill_null(0.0).fill_nan(0.0).clip(0.0, LATEST_TIME)


def _bounded(kind: Kind) -> list[pl.Expr]:
    expressions = []
    for name, dtype in SCHEMAS[kind].items():
        column = pl.col(name)
        if name == "ts":
            column = flow_time().alias(name)
        elif dtype == pl.String():
            column = column.str.slice(0, MAX_FIELD_CHARACTERS)
        elif dtype == pl.List(pl.String()):
            column = column.list.head(MAX_LIST_ELEMENTS).list.eval(
                pl.element().str.slice(0, MAX_FIELD_CHARACTERS)
            )
        elif isinstance(dtype, pl.List):
            column = column.list.head(MAX_LIST_ELEMENTS)
        expressions.append(column)
    return expressions
