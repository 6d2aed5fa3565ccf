"""What the service has committed: positions, the journal, the length of its output, its counts.

One SQLite database of its own (``service/service.db`` in the state directory), for it is written
many times a second, and who adapts a family should not have to wait for that.

The *journal* says which lines were read since the last snapshot, and in which order. What the
service knew when it was killed is found again by reading those lines once more.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from enricher.errors import StateError
from enricher.pipeline.live.stored import (
    FILE,
    FOLDER,
    REMEDY,
    VERSION,
    WAIT,
    KeptAlert,
    other_version,
    unusable,
    word_in,
)
from enricher.sources.following import LogState, Piece

_SCHEMA = """
CREATE TABLE logs (number INTEGER PRIMARY KEY, state TEXT NOT NULL) STRICT;
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    line INTEGER NOT NULL,
    "from" INTEGER NOT NULL,
    "to" INTEGER NOT NULL
) STRICT;
CREATE TABLE words (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE alerts (
    number INTEGER PRIMARY KEY,
    alert_id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    evidence BLOB
) STRICT;
"""
MAX_ALERTS = 10_000
"""So many alerts are kept for feedback; then the oldest go."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some whole lines of one log: the bytes from ``start`` to ``end``, not compressed.

    Attributes:
        log: Number of the log.
        line: Number of the first line.
        start: Offset of the first byte.
        end: Offset after the last byte.
    """

    log: int
    line: int
    start: int
    end: int

    @classmethod
    def of(cls, piece: Piece) -> Self:
        """The lines of a piece."""
        return cls(piece.log.number, piece.line, piece.start, piece.log.offset)

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(slots=True)
class Round:
    """What one round adds.

    Attributes:
        logs: States of logs that were read.
        spans: What was read, in order.
        words: Plain values for JSON, by name; each takes the place of an earlier one.
        alerts: Alerts that were written.
    """

    logs: list[LogState] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    words: dict[str, Any] = field(default_factory=dict)
    alerts: list[KeptAlert] = field(default_factory=list)


class ServiceDatabase:
    """The database, open for as long as the service runs.

    Args:
        state: The state directory.

    Raises:
        StateError: If it is damaged, made by another version, or can not be written.
    """

    def __init__(self, state: Path) -> None:
        self.path = state / FOLDER / FILE
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            # Alerts name addresses and people: others are not to read them.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
            self._connection = sqlite3.connect(
                self.path,
                timeout=WAIT,
                isolation_level=None,
                check_same_thread=False,  # whoever made it may hand it on
            )
        except (OSError, sqlite3.Error) as error:
            raise unusable(self.path, error) from error
        with self._speaking():
            # Power may fail: what the database says is written must be.
            for pragma in ("trusted_schema = OFF", "journal_mode = WAL", "synchronous = FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._make_tables()

    def _make_tables(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            statements = ";".join((_SCHEMA, f"PRAGMA user_version = {VERSION}"))
            self._connection.executescript(f"BEGIN;{statements};COMMIT")
        elif version != VERSION:
            raise other_version(self.path, version)

    def logs(self) -> list[LogState]:
        """The logs that are known, in the order in which they were found.

        Raises:
            StateError: If one can not be read.
        """
        with self._speaking():
            rows = self._connection.execute("SELECT state FROM logs ORDER BY number").fetchall()
        try:
            return [log_of(orjson.loads(text)) for (text,) in rows]
        except (ValueError, TypeError, KeyError) as error:
            raise StateError(f"{self.path}: is damaged ({error}); {REMEDY}") from error

    def journal(self) -> list[Span]:
        """What was read since the last snapshot, in order."""
        with self._speaking():
            rows = self._connection.execute(
                'SELECT log, line, "from", "to" FROM journal ORDER BY sequence'
            ).fetchall()
        return [Span(*row) for row in rows]

    def word(self, name: str) -> Any:
        """A value by its name; None where there is none."""
        with self._speaking():
            return word_in(self._connection, name)

    def alerts(self) -> Iterator[tuple[str, str]]:
        """Id and event of the alerts that are kept, in the order in which they were written."""
        with self._speaking():
            yield from self._connection.execute(
                "SELECT alert_id, event FROM alerts ORDER BY number"
            )

    def commit(self, done: Round) -> None:
        """Add a round, whole or not at all.

        Raises:
            StateError: If it can not be written; nothing of it is then.
        """
        with self._transaction():
            self._put(done)

    def commit_snapshot(self, name: str, done: Round, forget: Iterable[int] = ()) -> None:
        """From now on a restart begins with this snapshot: the journal begins anew.

        Args:
            name: Of the snapshot's file.
            done: What is committed with it.
            forget: Numbers of logs that need not be known any longer.

        Raises:
            StateError: If it can not be written; the earlier snapshot is the valid one then.
        """
        done.words["snapshot"] = name
        with self._transaction():
            self._connection.execute("DELETE FROM journal")
            self._connection.executemany(
                "DELETE FROM logs WHERE number = ?", [(number,) for number in forget]
            )
            self._put(done)

    def _put(self, done: Round) -> None:
        run = self._connection
        run.executemany(
            "INSERT OR REPLACE INTO logs VALUES (?, ?)",
            [(log.number, orjson.dumps(plain_log(log)).decode()) for log in done.logs],
        )
        run.executemany(
            'INSERT INTO journal (log, line, "from", "to") VALUES (?, ?, ?, ?)',
            [(span.log, span.line, span.start, span.end) for span in done.spans],
        )
        run.executemany(
            "INSERT OR REPLACE INTO words VALUES (?, ?)",
            [(name, orjson.dumps(value).decode()) for name, value in done.words.items()],
        )
        if done.alerts:
            run.executemany(
                "INSERT OR IGNORE INTO alerts (alert_id, event, evidence) VALUES (?, ?, ?)",
                [(one.alert_id, one.event, one.evidence) for one in done.alerts],
            )
            run.execute(
                "DELETE FROM alerts WHERE number <= (SELECT max(number) FROM alerts) - ?",
                (MAX_ALERTS,),
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._speaking():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


_BYTES = ("header",)
_TEXTS = ("source", "name", "log_path", "path")


def plain_log(log: LogState) -> dict[str, Any]:
    """The state of a log as values for JSON.

    Names of files and headers may have any bytes: as Latin-1 each of them is a character.
    """
    plain = log.to_plain()
    texts = {name: os.fsencode(plain[name]) for name in _TEXTS if plain[name] is not None}
    raw = texts | {name: plain[name] for name in _BYTES}
    return plain | {name: value.decode("latin-1") for name, value in raw.items()}


def log_of(plain: Mapping[str, Any]) -> LogState:
    """The inverse of :func:`plain_log`.

    Raises:
        StateError, KeyError, ValueError: If it is no such state.
    """
    names = [name for name in (*_TEXTS, *_BYTES) if plain[name] is not None]
    raw = {name: plain[name].encode("latin-1") for name in names}
    texts = {name: os.fsdecode(raw[name]) for name in names if name in _TEXTS}
    return LogState.from_plain({**plain, **raw, **texts})
