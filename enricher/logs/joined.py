"""Reads many small logs as if they were one.

What a reader does costs as much for a hundred records as for ten thousand. So logs of one format
that have the same header are joined under it, read at once, and their records told apart again
by the number of lines of each. Where not every line of theirs is a record that is good as it
stands, it is left to the caller to read each by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.logs.batch import Block, LogBatch
from enricher.logs.identify import LogFormat
from enricher.logs.kinds import SCHEMAS, Kind
from enricher.logs.lines import Positions, positions
from enricher.logs.reader import open_reader
from enricher.logs.tsv import trailing_comments

_HEADER = re.compile(rb"(?:#[^\n]*\n)*")
_OPEN = b"\n#open"

_Key = tuple[LogFormat, Kind | None, bytes]


@dataclass(slots=True)
class SmallLog:
    """A whole log in one block.

    Attributes:
        block: All of it, ended by a newline.
        format: How its records are written.
        kind: As for :func:`enricher.logs.open_reader`.
    """

    block: Block
    format: LogFormat
    kind: Kind | None


@dataclass(slots=True)
class Joined:
    """What was read of several logs.

    Attributes:
        batches: At most one a kind; in each the records are in the order of the logs.
        records: How many each log has.
    """

    batches: list[LogBatch]
    records: list[int]


@dataclass(slots=True)
class _Group:
    """Logs with the same header."""

    header: bytes
    members: list[int] = field(default_factory=list)
    above: list[int] = field(default_factory=list)  # lines above the first record
    bodies: list[bytes] = field(default_factory=list)


def read_joined(logs: Sequence[SmallLog]) -> Joined | None:
    """Read whole logs at once; None if one of them has lines that are no good records."""
    groups: dict[_Key, _Group] = {}
    for index, log in enumerate(logs):
        if log.format == "eve":  # most have events that are passed by
            return None
        _add(groups, index, log)
    records = np.zeros(len(logs), np.int64)
    frames: dict[Kind, list[tuple[pl.DataFrame, Positions]]] = {}
    for (form, kind, _), group in groups.items():
        data = b"".join([group.header, *group.bodies])
        counts = _line_counts(data, group)
        records[group.members] = counts
        if not counts.any():
            continue
        batch = _read(data, form, kind, int(counts.sum()))
        if batch is None:
            return None
        files = [logs[index].block.file for index in group.members]
        _place(batch, np.array(files, np.uint32), np.array(group.above), counts)
        frames.setdefault(batch.kind, []).append(
            (batch.frame, np.repeat(np.array(group.members), counts))
        )
    batches = [LogBatch(kind, _in_order(parts)) for kind, parts in frames.items()]
    return Joined(batches, records.tolist())


def _add(groups: dict[_Key, _Group], index: int, log: SmallLog) -> None:
    data = log.block.data
    start, end = 0, len(data)
    if log.format == "tsv":
        found = _HEADER.match(data)
        start = found.end() if found else 0
        end = trailing_comments(data, start)
    header = data[:start]
    key = (log.format, log.kind, _without_open(header))
    group = groups.get(key)
    if group is None:
        group = groups[key] = _Group(header)
    group.members.append(index)
    group.above.append(header.count(b"\n"))
    group.bodies.append(data[start:end])


def _without_open(header: bytes) -> bytes:
    """A header without the line that tells when it was written, which no reader heeds."""
    at = header.find(_OPEN)
    if at < 0:
        return header
    return header[:at] + header[header.index(b"\n", at + 1) :]


def _line_counts(data: bytes, group: _Group) -> Positions:
    """How many lines each body has; ``data`` is the header and all of them."""
    ends = len(group.header) + np.cumsum([len(body) for body in group.bodies])
    before = np.searchsorted(positions(data, b"\n"), ends)
    return np.diff(before, prepend=group.above[0])


def _read(data: bytes, form: LogFormat, kind: Kind | None, lines: int) -> LogBatch | None:
    """The records of logs that were joined, if that is what all lines below the header are."""
    result = open_reader(form, "", kind).read(Block(0, "", data, 1, 0, last=True))
    if result.rejected or result.passed or result.repaired or len(result.batches) != 1:
        return None
    (batch,) = result.batches
    return batch if len(batch) == lines else None


def _place(
    batch: LogBatch, files: npt.NDArray[np.uint32], above: Positions, counts: Positions
) -> None:
    """Put down the file and the line that each record stands in."""
    first = np.cumsum(counts) - counts  # record of each log, in all
    lines = np.arange(1, len(batch) + 1, dtype=np.int64) + np.repeat(above - first, counts)
    at = len(SCHEMAS[batch.kind])
    batch.frame.replace_column(at, pl.Series("_file", np.repeat(files, counts)))
    batch.frame.replace_column(at + 1, pl.Series("_line", lines.view(np.uint64)))


def _in_order(parts: Sequence[tuple[pl.DataFrame, Positions]]) -> pl.DataFrame:
    """Records of one kind from logs with several headers, in the order of the logs."""
    if len(parts) == 1:
        return parts[0][0]
    frame = pl.concat([part for part, _ in parts])
    return frame[np.argsort(np.concatenate([rank for _, rank in parts]), kind="stable")]
