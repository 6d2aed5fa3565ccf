"""The site's SQLite database: one file in the state directory, read by many, written by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enricher.errors import StateError

FILE = "enricher.db"
VERSION = 1

_WAIT = 10.0
_SCHEMA = """
CREATE TABLE families (
    name TEXT PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    bundle TEXT NOT NULL,
    bundle_name TEXT NOT NULL,
    bundle_version TEXT NOT NULL,
    notes TEXT NOT NULL
) STRICT;
CREATE TABLE family_kinds (
    family TEXT NOT NULL REFERENCES families (name) ON UPDATE CASCADE ON DELETE CASCADE,
    kind TEXT NOT NULL,
    shots INTEGER NOT NULL,
    "distinct" INTEGER NOT NULL,
    benign INTEGER NOT NULL,
    context INTEGER NOT NULL,
    recall REAL,
    threshold REAL NOT NULL,
    rate REAL NOT NULL,
    bound REAL NOT NULL,
    confidence REAL NOT NULL,
    PRIMARY KEY (family, kind)
) STRICT;
"""


@contextmanager
def open_database(state: Path, *, write: bool = True) -> Iterator[sqlite3.Connection]:
    """Open the database of a state directory in one transaction.

    What is done within is there as a whole afterwards, or not at all.

    Args:
        state: The state directory.
        write: Make it where it is not there, and keep other writers out meanwhile. Otherwise it
            must be there, and it may still be without tables.

    Raises:
        StateError: If it is damaged, locked, made by another version, or can not be written.
    """
    path = state / FILE
    mode = "rwc" if write else "ro"
    try:
        if write:
            state.mkdir(parents=True, exist_ok=True)
        place = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(place, timeout=_WAIT, isolation_level=None, uri=True)
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"{path}: cannot be opened ({error}); check its permissions") from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA trusted_schema = OFF")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        _check_version(connection, path, make=write)
        yield connection
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise StateError(
            f"{path}: cannot be used ({error}); check permissions and disk, "
            "and that no other enricher is at work on it"
        ) from error
    except sqlite3.DatabaseError as error:
        raise StateError(
            f"{path}: is damaged ({error}); move it away, and adapt the families again"
        ) from error
    finally:
        connection.close()  # what was not committed is undone


def has_tables(database: sqlite3.Connection) -> bool:
    """Whether anything was ever kept in it."""
    return int(database.execute("PRAGMA user_version").fetchone()[0]) > 0


def _check_version(connection: sqlite3.Connection, path: Path, *, make: bool) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0 and make:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif version not in {0, VERSION}:
        raise StateError(
            f"{path}: has version {version}, this program reads {VERSION}; "
            "use the version of the enricher that made it, or another state directory"
        )
