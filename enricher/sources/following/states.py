"""What following gives out, and all that must be kept to go on after a restart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from enricher.errors import StateError
from enricher.logs import Block, Rejected
from enricher.logs.identify import LogFormat
from enricher.logs.kinds import KINDS, Kind
from enricher.sources.position import FINGERPRINT_BYTES, Fingerprint

NOTHING = Fingerprint(hashlib.sha256(b"").hexdigest(), 0)
"""The fingerprint of a log of which nothing was read yet."""

_LONGEST_TEXT = 4096
_LONGEST_HEADER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FollowedInput:
    """One place where logs appear.

    Attributes:
        path: A directory, or one log file, as in the settings. It need not be there yet.
        archive: Directory that rotated logs end up in, if there is one.
    """

    path: str
    archive: Path | None = None


@dataclass(frozen=True, slots=True)
class LogState:
    """All that must be kept of one log to go on after a restart.

    A log is what was written into one file, from its first line to its last, whatever the file
    is renamed to; what is written after a rotation is another log.

    Attributes:
        number: Stable for ever within a state directory: the ``_file`` of its records.
        source: The path of the input it belongs to, as in the settings.
        name: The input's path and the log's own name (``/logs/current/conn.log``), the same for
            all logs that follow each other, whatever their files are called.
        format: How its records are written.
        kind: The kind of its records; None for EVE.
        log_path: Zeek's name of the log, if known.
        fingerprint: Of its first ``min(4096, offset)`` bytes.
        path: Where it was last seen, with all links resolved.
        file_id: Its device and inode there.
        offset: Bytes (not compressed) that are done with; a line begins there.
        line: Number of that line, counted from 1.
        header: For TSV the ``#`` lines in force at ``offset``: a fresh reader needs them first.
        written: When the last record that was read was written, as near as it tells, in seconds
            since 1970 UTC; None before the first one.
        finished: It was rotated away and is read to its end.
        found: When it was found, by the clock of this machine, in seconds since 1970. What was
            last written to before any log was found is history and is not caught up on.
    """

    number: int
    source: str
    name: str
    format: LogFormat
    kind: Kind | None
    log_path: str | None
    fingerprint: Fingerprint
    path: Path
    file_id: tuple[int, int] | None
    offset: int
    line: int
    header: bytes
    written: float | None
    finished: bool
    found: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """The state as numbers, texts, bytes and None: one row of a table."""
        device, inode = self.file_id or (None, None)
        return {
            "number": self.number,
            "source": self.source,
            "name": self.name,
            "format": self.format,
            "kind": self.kind,
            "log_path": self.log_path,
            "sha256": self.fingerprint.sha256,
            "length": self.fingerprint.length,
            "path": str(self.path),
            # As text: a database's integers may be too small for some file systems' inodes.
            "device": None if device is None else str(device),
            "inode": None if inode is None else str(inode),
            "offset": self.offset,
            "line": self.line,
            "header": self.header,
            "written": self.written,
            "finished": int(self.finished),
            "found": self.found,
        }

    @classmethod
    def from_plain(cls, row: Mapping[str, Any]) -> LogState:
        """The state that :meth:`to_plain` wrote.

        Raises:
            StateError: If it is none.
        """
        try:
            return cls._from_plain(row)
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(
                "the position of a log in the state directory is damaged "
                f"({type(error).__name__}: {error}); restore the directory or start with a new one"
            ) from error

    @classmethod
    def _from_plain(cls, row: Mapping[str, Any]) -> LogState:
        if row["format"] not in get_args(LogFormat) or row["kind"] not in (None, *KINDS):
            raise ValueError("unknown format or kind")
        texts = [str(row[name]) for name in ("source", "name", "path")]
        header = bytes(row["header"])
        length = int(row["length"])
        if max(map(len, texts)) > 2 * _LONGEST_TEXT or len(header) > _LONGEST_HEADER:
            raise ValueError("a value is too long")
        if not 0 <= length <= FINGERPRINT_BYTES or int(row["offset"]) < length:
            raise ValueError("fingerprint and offset do not fit")
        identity = None
        if row["device"] is not None and row["inode"] is not None:
            identity = (int(row["device"]), int(row["inode"]))
        return cls(
            number=int(row["number"]),
            source=texts[0],
            name=texts[1],
            format=row["format"],
            kind=row["kind"],
            log_path=None if row["log_path"] is None else str(row["log_path"]),
            fingerprint=Fingerprint(str(row["sha256"]), length),
            path=Path(texts[2]),
            file_id=identity,
            offset=int(row["offset"]),
            line=int(row["line"]),
            header=header,
            written=None if row["written"] is None else float(row["written"]),
            finished=bool(row["finished"]),
            found=float(row["found"]),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole lines of one log, in order.

    A piece of no lines only brings a new state, for example that the log is finished.

    Attributes:
        log: The log's state after this piece; keep it when the piece is done with.
        start: Offset before it; ``log.offset`` is its end.
        line: Number of the line that begins at ``start``.
        items: Blocks, whose ``file`` and ``name`` are those of the log, and rejected lines.
    """

    log: LogState
    start: int
    line: int
    items: tuple[Block | Rejected, ...]


@dataclass(frozen=True, slots=True)
class Lag:
    """How much of a log is still to be read.

    Attributes:
        path: Where it is.
        bytes: Bytes on disk that are not read yet.
        kind: The kind of its records, or ``eve``.
    """

    path: Path
    bytes: int
    kind: str
