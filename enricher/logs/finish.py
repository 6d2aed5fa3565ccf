"""The last steps that readers of JSON share: good rows, batches, counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from enricher.logs.batch import Block, LogBatch, ReadResult, Rejected, placed
from enricher.logs.escapes import unescape, unescape_lists
from enricher.logs.kinds import Kind
from enricher.logs.lines import Lines, Positions, Repairs, rejected

PORTS = ("id.orig_p", "id.resp_p")
HIGHEST_PORT = 65535


@dataclass(slots=True)
class Outcome:
    """What has come out of a block of JSON so far; lines are indexes into the block.

    Attributes:
        block: The block.
        data: Its bytes, ended by a newline.
        unfinished: The file ends within the last line.
    """

    block: Block
    data: bytes
    unfinished: bool
    _lines: Lines | None = None
    repairs: Repairs = field(default_factory=Repairs)
    _frames: list[tuple[Kind, pl.DataFrame, Positions]] = field(default_factory=list)
    _rejected: list[Rejected] = field(default_factory=list)

    def reject(self, index: int, reason: str, detail: str) -> None:
        """Note a line that is no usable record."""
        if self._lines is None:
            self._lines = Lines.of(self.data)
        if self.unfinished and index == len(self._lines) - 1 and reason == "bad_json":
            reason, detail = "unfinished_line", f"the file ends within this line: {detail}"
        line = self._lines.line(index).removesuffix(b"\r")
        self._rejected.append(rejected(self.block, index, reason, detail, line))

    def add(self, kind: Kind, frame: pl.DataFrame, index: Positions, shown: pl.Series) -> None:
        """Note records, after a look at their times and ports.

        Args:
            kind: Their kind.
            frame: The canonical columns, then those kept.
            index: Their lines.
            shown: The times as they stand in the log.
        """
        wrong = _wrong(frame)
        if wrong is not None:
            timeless = frame["ts"].is_null()
            for row in wrong.arg_true().to_list():
                line = int(index[row])
                if timeless[row]:
                    value = "absent" if shown[row] is None else ascii(shown[row][:40])
                    detail = f"the time is {value}, neither seconds since 1970 nor ISO 8601"
                    self.reject(line, "bad_time", detail)
                else:
                    detail = f"a port is not from 0 to {HIGHEST_PORT}"
                    self.reject(line, "bad_number", detail)
            frame, index = frame.filter(~wrong), index[~wrong.to_numpy()]
        if frame.height:
            self._frames.append((kind, frame, index))

    def result(self) -> ReadResult:
        """Batches, rejected lines and counts of repairs; those passed are the caller's."""
        result = ReadResult(rejected=sorted(self._rejected, key=lambda line: line.line))
        kept = [index for _, _, index in self._frames]
        for kind, frame, index in self._frames:
            result.batches.append(LogBatch(kind, placed(kind, frame, self.block, index)))
        result.repaired = self.repairs.counts(np.concatenate([np.zeros(0, np.int64), *kept]))
        return result


def _wrong(frame: pl.DataFrame) -> pl.Series | None:
    """Rows without a time, or with a port that is none; None if there are no such rows."""
    good = not frame["ts"].null_count()
    for name in PORTS:
        low, high = frame[name].min(), frame[name].max()
        if isinstance(low, int) and isinstance(high, int):
            good = good and low >= 0 and high <= HIGHEST_PORT
    if good:
        return None
    wrong = frame["ts"].is_null()
    for name in PORTS:
        port = frame[name]
        wrong = wrong | ((port < 0) | (port > HIGHEST_PORT)).fill_null(value=False)
    return wrong


def unescape_columns(frame: pl.DataFrame) -> pl.DataFrame:
    r"""Decode ``\xNN`` in all columns of text and of lists of text."""
    changed = []
    for column in frame:
        if column.dtype == pl.String:
            changed.append(unescape(column))
        elif column.dtype == pl.List(pl.String):
            changed.append(unescape_lists(column))
    return frame.with_columns(changed)
