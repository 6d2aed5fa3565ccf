"""Reader of Zeek's TSV logs.

The header decides (separators, order of fields, what stands for absent), and may change in the
middle of a file. A block goes the fast way if one look at the whole of it proves every row to
have the right number of fields; otherwise its lines are sorted out one by one, in columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from enricher.logs.batch import Block, LogBatch, ReadResult, Rejected, placed
from enricher.logs.kinds import Kind
from enricher.logs.lines import (
    Lines,
    Mask,
    Positions,
    Repairs,
    clean,
    is_clean,
    occurrences,
    rejected,
    whole_lines,
)
from enricher.logs.paths import PassedCounter, kind_of_path
from enricher.logs.tsv_columns import Plan
from enricher.logs.tsv_header import Header

_COMMENT = ord("#")


@dataclass(slots=True)
class _Work:
    """What has come out of a block so far. Line numbers count from the block's first."""

    block: Block
    unfinished: bool = False
    repairs: Repairs = field(default_factory=Repairs)
    frames: dict[Kind, list[tuple[pl.DataFrame, Positions]]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    raw: Lines | None = None
    passed: list[tuple[int, str | None, int]] = field(default_factory=list)

    def reject(self, index: int, reason: str, detail: str) -> None:
        if self.raw is None:
            self.raw = Lines.of(whole_lines(self.block)[0])
        line = self.raw.line(index).removesuffix(b"\r")
        self.rejected.append(rejected(self.block, index, reason, detail, line))


class ZeekTsvReader:
    """Turns the blocks of one TSV log, in order, into batches.

    Records are kept that have bytes that are no UTF-8, or NUL (replaced by U+FFFD), or a whole
    number beyond its column's type (clamped): whoever is watched chooses those. They are counted
    in :attr:`ReadResult.repaired` as ``invalid_utf8``, ``nul_byte`` and ``clamped_integer``.

    Rows are rejected as ``field_count``, ``bad_time``, ``bad_number``, ``bad_bool``,
    ``no_header``, ``unfinished_line``; rows of a log that is not read are passed as ``path:…``.

    Args:
        name: The file's path, for messages.
        default_kind: The kind where the header does not name one of Zeek's logs.
        keep: Further columns to keep, as strings.
    """

    def __init__(self, name: str, default_kind: Kind | None, keep: Sequence[str] = ()) -> None:
        self.name = name
        self._default = default_kind
        self._keep = tuple(keep)
        self._header = Header()
        self._plan: Plan | None = None
        self._passed = PassedCounter("path")

    def read(self, block: Block) -> ReadResult:
        """Parse one block; see :class:`enricher.logs.ReadResult`."""
        data, unfinished = whole_lines(block)
        work = _Work(block)
        if not is_clean(data):
            data = clean(data, work.repairs)
        start, skipped = self._headers(data)
        end = trailing_comments(data, start)
        work.unfinished = unfinished and end == len(data)
        body = data[start:end] if start or end < len(data) else data
        if body and not self._fast(body, skipped, work):
            self._careful(body, skipped, work)
        for line in data[end:].splitlines():
            self._header = self._header.after(line)
        return self._result(work)

    def _headers(self, data: bytes) -> tuple[int, int]:
        """Take in the header lines at the beginning; where they end, and how many they are."""
        at = count = 0
        while at < len(data) and data[at] == _COMMENT:
            end = data.index(b"\n", at)
            self._header = self._header.after(data[at:end])
            at, count = end + 1, count + 1
        return at, count

    def _planned(self, header: Header, kind: Kind) -> Plan:
        plan = self._plan
        if plan is None or plan.header != header or plan.kind != kind:
            plan = self._plan = Plan(header, kind, self._keep)
        return plan

    def _fast(self, data: bytes, first: int, work: _Work) -> bool:
        """Parse rows that are all good; False if one may not be.

        Polars refuses rows with too many fields and fills those with too few, so if the number
        of separators over all is right, each row has the right number.
        """
        header = self._header
        kind = kind_of_path(header.path, self._default)
        separators = len(header.fields) - 1
        if kind is None or separators < 1 or len(header.separator) != 1:
            return False
        plan = self._planned(header, kind)
        if plan.sources.get("ts") != 0 and b"#" in data:
            return False
        try:
            raw = plan.parse(data, typed=True)
        except pl.exceptions.PolarsError:
            return False
        if occurrences(data, header.separator) != raw.height * separators:
            return False
        frame = plan.finish(raw, escaped=b"\\" in data)
        if frame is None:
            return False
        work.frames[kind] = [(frame, np.arange(first, first + frame.height, dtype=np.int64))]
        return True

    def _careful(self, data: bytes, first: int, work: _Work) -> None:
        """Sort lines out by the header above them, then parse what each header rules."""
        lines = Lines.of(data.replace(b"\r\n", b"\n"))
        comments = lines.first_bytes() == _COMMENT
        filled = ~comments & (lines.ends > lines.starts)
        # Which lines each header rules. Files joined together repeat the same header.
        ruled: dict[Header, list[tuple[int, int]]] = {}
        begin = 0
        for index in (*np.flatnonzero(comments).tolist(), len(lines)):
            if index > begin:
                ruled.setdefault(self._header, []).append((begin, index))
            if index < len(lines):
                self._header = self._header.after(lines.line(index))
            begin = index + 1
        for header, runs in ruled.items():
            mask = np.zeros(len(lines), dtype=bool)
            for start, end in runs:
                mask[start:end] = True
            mask &= filled
            if mask.any():
                self._ruled(header, lines, mask, first, work)

    def _ruled(self, header: Header, lines: Lines, mask: Mask, first: int, work: _Work) -> None:
        if not header.fields:
            for index in np.flatnonzero(mask).tolist():
                detail = "no #fields line stands above this row; restore the log's header"
                work.reject(first + index, "no_header", detail)
            return
        kind = kind_of_path(header.path, self._default)
        if kind is None:
            passed = np.flatnonzero(mask)
            work.passed.append((int(passed[0]), header.path, len(passed)))
            return
        wanted = len(header.fields)
        counts = _fields(lines, header.separator)
        for index in np.flatnonzero(mask & (counts != wanted)).tolist():
            unfinished = work.unfinished and index == len(lines) - 1
            detail = f"the row has {counts[index]} fields, its header {wanted}"
            if unfinished:
                detail = f"the file ends within this line: {detail}"
            reason = "unfinished_line" if unfinished else "field_count"
            work.reject(first + index, reason, detail)
        fitting = mask & (counts == wanted)
        if not fitting.any():
            return
        rows = np.flatnonzero(fitting)
        data = lines.take(fitting)
        columns = self._planned(header, kind).careful(data, escaped=b"\\" in data)
        for row, reason, detail in columns.bad:
            index = int(rows[row])
            work.reject(first + index, reason, detail)
        work.repairs.note("clamped_integer", first + rows[columns.clamped])
        work.frames.setdefault(kind, []).append((columns.frame, first + rows[columns.good]))

    def _result(self, work: _Work) -> ReadResult:
        batches, kept = [], [np.zeros(0, np.int64)]
        for kind, parts in work.frames.items():
            frame = pl.concat([part for part, _ in parts]) if len(parts) > 1 else parts[0][0]
            index = np.concatenate([rows for _, rows in parts])
            if not len(index):
                continue
            kept.append(index)
            if len(parts) > 1:
                order = np.argsort(index, kind="stable")
                frame, index = frame[order], index[order]
            batches.append(LogBatch(kind, placed(kind, frame, work.block, index)))
        passed = [(name, number) for _, name, number in sorted(work.passed, key=lambda p: p[0])]
        return ReadResult(
            batches,
            sorted(work.rejected, key=lambda line: line.line),
            self._passed.count(passed),
            work.repairs.counts(np.concatenate(kept)),
        )


def trailing_comments(data: bytes, start: int) -> int:
    """Where the comment lines at the end begin, such as ``#close``."""
    end = len(data)
    while end > start:
        begin = max(data.rfind(b"\n", start, end - 1) + 1, start)
        if data[begin] != _COMMENT:
            break
        end = begin
    return end


def _fields(lines: Lines, separator: bytes) -> Positions:
    """Number of fields of each line."""
    if len(separator) == 1:
        return lines.count(separator) + 1
    # A longer separator becomes one byte that is free, for NUL has been cleaned out.
    return Lines.of(lines.data.replace(separator, b"\0")).count(b"\0") + 1
