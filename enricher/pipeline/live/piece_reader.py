"""From pieces of logs to records that are to be scored; every other line is counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from enricher.logs import Block, Kind, LogBatch, LogReader, ReadResult, open_reader
from enricher.pipeline.live.accounting import Accounting
from enricher.pipeline.reading import REPEATING, encodable
from enricher.sources.following import LogState, Piece
from enricher.sources.following.lines import header_after


@dataclass(frozen=True, slots=True)
class BlockRecords:
    """What is to be scored of a block.

    Attributes:
        block: Its lines.
        log: The log it belongs to.
        header: For TSV the ``#`` lines in force before it.
        batches: One for each kind that it has records of.
    """

    block: Block
    log: LogState
    header: bytes
    batches: Sequence[LogBatch]


class PieceReader:
    """Reads the pieces of all logs, each with a reader of its own.

    Args:
        kinds: What is scored.
        logs: Logs whose pieces begin in their middle: their headers are known.

    Attributes:
        names: What logs are called, by number.
    """

    def __init__(self, kinds: Collection[Kind], logs: Iterable[LogState]) -> None:
        self._kinds = kinds
        self._readers: dict[int, LogReader] = {}
        self._headers: dict[int, bytes] = {}
        self.names: dict[int, str] = {}
        for log in logs:
            self._open(log)

    def read(self, piece: Piece, accounting: Accounting) -> Iterator[BlockRecords]:
        """The blocks of a piece, counted."""
        log = piece.log
        if log.number not in self._readers:
            self._open(log)
        for item in piece.items:
            if not isinstance(item, Block):
                accounting.add_read(log.kind, ReadResult(rejected=[item]))
                continue
            result = self._readers[log.number].read(item)
            accounting.add_read(log.kind, result)
            header = self._headers[log.number]
            if log.format == "tsv":
                self._headers[log.number] = header_after(header, item.data)
            wanted = [one for one in result.batches if self._wanted(one, log, accounting)]
            yield BlockRecords(item, log, header, wanted)

    def forget(self, number: int) -> None:
        """Let go of a log that is read to its end."""
        self._readers.pop(number, None)
        self._headers.pop(number, None)
        self.names.pop(number, None)

    def _open(self, log: LogState) -> None:
        reader = open_reader(log.format, log.name, log.kind)
        if log.header:
            # A log that was emptied while it was written to has no header of its own any more.
            reader.read(Block(log.number, log.name, log.header, 1, 0))
        self._readers[log.number] = reader
        self._headers[log.number] = log.header
        self.names[log.number] = encodable(log.name)

    def _wanted(self, batch: LogBatch, log: LogState, accounting: Accounting) -> bool:
        reason = None
        if log.log_path in REPEATING:
            # conn.log has every one of these connections when it ends.
            reason = "repeated_connection"
        elif batch.kind not in self._kinds:
            reason = "not_in_model"
        if reason is not None:
            accounting.add_dropped(batch.kind, reason, len(batch))
        return reason is None and len(batch) > 0
