"""What flows between the rooms: blocks of bytes in, batches of records and rejected lines out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.logs.kinds import PROVENANCE, SCHEMAS, Kind


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one file, in order.

    Attributes:
        file: The file's number in the run.
        name: The file's path, for messages.
        data: Bytes that end with a newline, except in the last block of an unfinished file.
        first_line: Number of the first line, counted from 1.
        offset: Position of ``data`` in the uncompressed file, in bytes.
        last: No more blocks of this file follow.
    """

    file: int
    name: str
    data: bytes
    first_line: int
    offset: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Records of one kind, in the order of the log.

    Attributes:
        kind: The kind of all records.
        frame: The canonical columns of the kind (:data:`enricher.logs.SCHEMAS`), then ``_file``
            and ``_line``, then any further columns a reader was asked to keep (as strings).
    """

    kind: Kind
    frame: pl.DataFrame

    def __len__(self) -> int:
        return self.frame.height


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is no usable record: why, and where it stands.

    Attributes:
        file: Path of the file, for the user.
        line: Its number, counted from 1.
        reason: A short stable word, for counting: ``field_count``, ``bad_json``, ``bad_time``,
            ``line_too_long`` …
        detail: One sentence for the user.
        excerpt: The beginning of the line as it stands in the file.
    """

    file: str
    line: int
    reason: str
    detail: str
    excerpt: bytes


@dataclass(slots=True)
class ReadResult:
    """What a reader made of one block.

    ``records read = sum(len(b) for b in batches) + len(rejected) + passed.total()``; header and
    comment lines and empty lines are no records.

    Attributes:
        batches: Records, at most one batch a kind.
        rejected: Lines that are no usable records.
        passed: Records that are left alone on purpose, by reason (``event:alert`` …).
        repaired: Records that are kept after a repair, by what was repaired
            (``invalid_utf8`` …). They are among ``batches``.
    """

    batches: list[LogBatch] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)


class LogReader(Protocol):
    """Turns the blocks of one file, in order, into batches. Keeps the file's header."""

    def read(self, block: Block) -> ReadResult:
        """Parse one block."""
        ...


def empty(kind: Kind, keep: Sequence[str] = ()) -> pl.DataFrame:
    """A frame of no records with the columns of ``kind``."""
    further = [name for name in keep if name not in SCHEMAS[kind]]
    return pl.DataFrame(
        schema={**SCHEMAS[kind], **PROVENANCE, **dict.fromkeys(further, pl.String())}
    )


def placed(
    kind: Kind, frame: pl.DataFrame, block: Block, lines: npt.NDArray[np.int64]
) -> pl.DataFrame:
    """Say where records stand: add ``_file`` and ``_line`` behind the canonical columns.

    Args:
        kind: Their kind.
        frame: Its canonical columns in their order, then those kept.
        block: What they were read from.
        lines: The line of each, counted from the block's first.
    """
    columns = frame.get_columns()
    end = len(SCHEMAS[kind])
    file = pl.Series("_file", [block.file], dtype=PROVENANCE["_file"])
    places = [
        file.new_from_index(0, frame.height),
        pl.Series("_line", (lines + block.first_line).view(np.uint64)),
    ]
    return pl.DataFrame([*columns[:end], *places, *columns[end:]])


def concatenate(batches: Sequence[LogBatch]) -> LogBatch:
    """Join batches of one kind, in order.

    Raises:
        ValueError: If there are none, or they are of several kinds.
    """
    kinds = {batch.kind for batch in batches}
    if len(kinds) != 1:
        raise ValueError(f"batches of one kind are needed, got {sorted(kinds)}")
    return LogBatch(kinds.pop(), pl.concat([batch.frame for batch in batches], rechunk=True))
