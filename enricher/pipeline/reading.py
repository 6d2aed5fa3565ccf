"""Reads files in order and gives their records in batches that span files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from enricher.config import ReadingSettings
from enricher.errors import InputError
from enricher.logs import (
    Block,
    Kind,
    LogBatch,
    LongConnections,
    ReadResult,
    Rejected,
    concatenate,
    open_reader,
)
from enricher.sources import Discovery, LogFile, blocks, discover

# Logs that repeat connections which conn.log has again when they end.
REPEATING = frozenset({"conn_long", "open_conn"})

# Inflated bytes for each byte on disk, for the progress bar; logs shrink about so much.
_TYPICAL_RATIO = 7


@dataclass(slots=True)
class Tally:
    """Where the records of one kind went: read = given + dropped."""

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class FileTally:
    """What was read of one file.

    Attributes:
        file: The file.
        read: Its records, usable or not.
        dropped: Those of them that were rejected or left alone.
        error: Why it could not be read to its end, if so.
    """

    file: LogFile
    read: int = 0
    dropped: int = 0
    error: str | None = None


class _Collecting:
    """Joins batches of one kind until there are enough for a full one."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: list[LogBatch] = []
        self._held = 0

    def add(self, batch: LogBatch) -> Iterator[LogBatch]:
        """Take a batch; give full ones."""
        self._parts.append(batch)
        self._held += len(batch)
        if self._held < self._size:
            return
        joined = concatenate(self._parts)
        whole = self._held - self._held % self._size
        for start in range(0, whole, self._size):
            yield LogBatch(joined.kind, joined.frame.slice(start, self._size))
        rest = joined.frame.slice(whole)
        self._parts = [LogBatch(joined.kind, rest)] if rest.height else []
        self._held = rest.height

    def rest(self) -> Iterator[LogBatch]:
        """Give what is left."""
        if self._parts:
            yield concatenate(self._parts)
        self._parts, self._held = [], 0


class RecordStream:
    """The records of some files, in order, in batches of one kind that span files.

    Connections that are logged while they last (``conn_long``, ``open_conn``) are kept until all
    else is read; those that conn.log has too are then dropped as ``repeated_connection``.

    A file that is damaged gives what is good of it; the error is in its :class:`FileTally` and
    the next file is read.

    Args:
        files: In the order of reading.
        settings: Bounds.
        batch_records: Size of a batch; the last of a kind is smaller.
        on_rejected: Gets the lines that are no usable records.
        on_progress: Gets bytes (as on disk) and records that were read.

    Attributes:
        tallies: By kind; under ``other`` what belongs to no kind.
        files: One entry a file, in order, as far as the reading has come.
    """

    def __init__(
        self,
        files: Sequence[LogFile],
        settings: ReadingSettings,
        batch_records: int,
        *,
        on_rejected: Callable[[Iterable[Rejected]], None] = lambda _: None,
        on_progress: Callable[[int, int], None] = lambda _, __: None,
    ) -> None:
        # What may be repeated is read first, to be settled by what follows.
        self._order = sorted(files, key=lambda f: f.identity.path not in REPEATING)
        self._settings = settings
        self._batch_records = batch_records
        self._on_rejected = on_rejected
        self._on_progress = on_progress
        self._long = LongConnections(settings.max_long_connections)
        self._collecting: dict[Kind, _Collecting] = {}
        self.tallies: dict[str, Tally] = {}
        self.files: list[FileTally] = []

    def __iter__(self) -> Iterator[LogBatch]:
        for file in self._order:
            tally = FileTally(file)
            self.files.append(tally)
            for batch in self._file(file, tally):
                yield from self._collect(batch)
        if len(still_open := self._long.release()):
            yield from self._collect(still_open)
        if self._long.duplicates:
            self._tally("conn").dropped["repeated_connection"] += self._long.duplicates
        for collecting in self._collecting.values():
            yield from collecting.rest()

    def _collect(self, batch: LogBatch) -> Iterator[LogBatch]:
        if batch.kind not in self._collecting:
            self._collecting[batch.kind] = _Collecting(self._batch_records)
        yield from self._collecting[batch.kind].add(batch)

    def _file(self, file: LogFile, tally: FileTally) -> Iterator[LogBatch]:
        identity, name = file.identity, str(file.path)
        reader = open_reader(identity.format, name, identity.kind)
        shown = 0
        try:
            for item in blocks(file, self._settings.block_bytes, self._settings.max_line_bytes):
                if isinstance(item, Rejected):
                    self._account(identity.kind, ReadResult(rejected=[item]), tally)
                    continue
                result = reader.read(item)
                records = self._account(identity.kind, result, tally)
                step = min(_on_disk(item, file), file.size - shown)
                shown += step
                self._on_progress(step, records)
                for batch in result.batches:
                    yield from self._without_repeats(batch, file)
        except InputError as error:
            tally.error = error.message
        self._on_progress(file.size - shown, 0)

    def _without_repeats(self, batch: LogBatch, file: LogFile) -> Iterator[LogBatch]:
        if batch.kind != "conn":
            yield batch
        elif file.identity.path in REPEATING:
            evicted = self._long.hold(batch)
            if evicted is not None and len(evicted):
                yield evicted
        else:
            self._long.settle(batch)
            yield batch

    def _tally(self, kind: Kind | None) -> Tally:
        return self.tallies.setdefault(kind or "other", Tally())

    def _account(self, kind: Kind | None, result: ReadResult, file: FileTally) -> int:
        """Count one block's result; gives the number of records in it."""
        good = 0
        for batch in result.batches:
            self._tally(batch.kind).read += len(batch)
            good += len(batch)
        tally = self._tally(kind)
        dropped = Counter(line.reason for line in result.rejected) + result.passed
        tally.read += dropped.total()
        tally.dropped += dropped
        tally.repaired += result.repaired
        file.read += good + dropped.total()
        file.dropped += dropped.total()
        if result.rejected:
            self._on_rejected(result.rejected)
        return good + dropped.total()


def _on_disk(block: Block, file: LogFile) -> int:
    """About how many bytes on disk a block stands for."""
    if file.compression == "plain":
        return len(block.data)
    return len(block.data) // _TYPICAL_RATIO


def find_logs(paths: Sequence[Path]) -> Discovery:
    """Find the logs at some paths.

    Raises:
        InputError: If there is none.
    """
    found = discover(paths)
    if found.files:
        return found
    errors = [skipped for skipped in found.skipped if skipped.error]
    if errors:
        first, more = errors[0], len(errors) - 1
        rest = f" (and {more} more)" if more else ""
        raise InputError(f"{first.detail}{rest}", first.path)
    where = ", ".join(str(path) for path in paths)
    raise InputError(
        f"there is no Zeek or Suricata log of connections, http, dns or ssl in {where} "
        f"({len(found.skipped)} other files were looked at); 'enricher doctor PATH' tells more"
    )


def encodable(name: str) -> str:
    """A file name without the lone surrogates that undecodable names carry."""
    return name.encode("utf-8", "backslashreplace").decode()
