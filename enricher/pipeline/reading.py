"""Reads files in order and gives their records in batches that span files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from enricher.config import ReadingSettings
from enricher.errors import InputError
from enricher.logs import (
    Block,
    Joined,
    Kind,
    LogBatch,
    LogReader,
    LongConnections,
    ReadResult,
    Rejected,
    SmallLog,
    concatenate,
    open_reader,
    read_joined,
)
from enricher.pipeline.files_ahead import TYPICAL_RATIO, Part, read_ahead
from enricher.sources import Discovery, LogFile, discover

# Logs that repeat connections which conn.log has again when they end.
REPEATING = frozenset({"conn_long", "open_conn"})


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


@dataclass(slots=True)
class _Current:
    """The file that is being read in parts."""

    file: LogFile
    reader: LogReader
    tally: FileTally
    shown: int = 0  # bytes, as on disk, that progress was told of

    @classmethod
    def of(cls, file: LogFile) -> _Current:
        identity = file.identity
        reader = open_reader(identity.format, str(file.path), identity.kind)
        return cls(file, reader, FileTally(file))


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
        self._now: _Current | None = None
        self.tallies: dict[str, Tally] = {}
        self.files: list[FileTally] = []

    def __iter__(self) -> Iterator[LogBatch]:
        with closing(read_ahead(self._order, self._settings)) as reading:
            for parts in reading:
                for batch in self._together(parts):
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

    def _together(self, parts: Sequence[Part]) -> Iterator[LogBatch]:
        """Read whole files at once where all is good; those that are not one by one."""
        if len(parts) == 1:
            yield from self._part(parts[0])
        elif (joined := _joined(parts)) is not None:
            for part, records in zip(parts, joined.records, strict=True):
                self.files.append(FileTally(part.file, records))
            for kind in dict.fromkeys(part.file.identity.kind for part in parts):
                self._tally(kind)
            for batch in joined.batches:
                self._tally(batch.kind).read += len(batch)
                yield from self._without_repeats(batch, parts[0].file)
            self._on_progress(sum(part.file.size for part in parts), sum(joined.records))
        else:
            middle = len(parts) // 2
            yield from self._together(parts[:middle])
            yield from self._together(parts[middle:])

    def _part(self, part: Part) -> Iterator[LogBatch]:
        file = part.file
        if self._now is None or self._now.file is not file:
            self._now = _Current.of(file)
            self.files.append(self._now.tally)
        now, kind = self._now, file.identity.kind
        for item in part.items:
            if isinstance(item, Rejected):
                self._account(kind, ReadResult(rejected=[item]), now.tally)
                continue
            result = now.reader.read(item)
            records = self._account(kind, result, now.tally)
            step = min(_on_disk(item, file), file.size - now.shown)
            now.shown += step
            self._on_progress(step, records)
            for batch in result.batches:
                yield from self._without_repeats(batch, file)
        if part.ended:
            now.tally.error = part.error
            self._on_progress(file.size - now.shown, 0)
            self._now = None

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


def _joined(parts: Sequence[Part]) -> Joined | None:
    """What whole files hold, read at once; None if they have to be read one by one."""
    logs: list[SmallLog] = []
    for part in parts:
        identity, items = part.file.identity, part.items
        plain = part.ended and part.error is None and identity.path not in REPEATING
        if not plain or len(items) != 1 or isinstance(items[0], Rejected):
            return None
        logs.append(SmallLog(items[0], identity.format, identity.kind))
    return read_joined(logs)


def _on_disk(block: Block, file: LogFile) -> int:
    """About how many bytes on disk a block stands for."""
    if file.compression == "plain":
        return len(block.data)
    return len(block.data) // TYPICAL_RATIO


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
