"""The site's SQLite database: one file in the state directory, read by many, written by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enricher.errors import StateError

FILE = "enricher.db"
FEEDBACK_SINCE = 2
"""The version from which on there is a table of feedback."""
RULES_SINCE = 3
"""The version from which on there are tables of rules."""
DISCOVERIES_SINCE = 4
"""The version from which on there is a table of discoveries."""

_WAIT = 10.0
_FAMILIES = """
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
_FEEDBACK = """
CREATE TABLE feedback (
    alert_id TEXT PRIMARY KEY,
    verdict TEXT NOT NULL,
    kind TEXT NOT NULL,
    family TEXT NOT NULL,
    taught TEXT,
    author TEXT NOT NULL,
    given REAL NOT NULL,
    reason TEXT NOT NULL,
    evidence BLOB NOT NULL
) STRICT;
"""
_RULES = """
CREATE TABLE rule_sids (
    sid INTEGER PRIMARY KEY,
    issued REAL NOT NULL
) STRICT;
CREATE TABLE rule_candidates (
    id TEXT PRIMARY KEY,
    sid INTEGER NOT NULL UNIQUE REFERENCES rule_sids (sid),
    rev INTEGER NOT NULL,
    family TEXT NOT NULL,
    status TEXT NOT NULL,
    deployed_rev INTEGER,
    stage TEXT,
    created REAL NOT NULL,
    updated REAL NOT NULL
) STRICT;
CREATE TRIGGER rename_family_of_rules AFTER UPDATE OF name ON families BEGIN
    UPDATE rule_candidates SET family = NEW.name WHERE family = OLD.name;
END;
CREATE TABLE rule_revisions (
    id TEXT NOT NULL REFERENCES rule_candidates (id),
    rev INTEGER NOT NULL,
    rule TEXT NOT NULL,
    likeness TEXT NOT NULL,
    lists TEXT NOT NULL,
    proof TEXT NOT NULL,
    approved_on TEXT,
    false_hits TEXT NOT NULL,
    made REAL NOT NULL,
    PRIMARY KEY (id, rev)
) STRICT;
CREATE TABLE rule_steps (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL REFERENCES rule_candidates (id),
    rev INTEGER NOT NULL,
    made REAL NOT NULL,
    who TEXT NOT NULL,
    before TEXT,
    after TEXT NOT NULL,
    why TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;
CREATE INDEX rule_steps_of ON rule_steps (id, number);
CREATE TABLE rule_hits (
    id TEXT NOT NULL REFERENCES rule_candidates (id),
    rev INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    agreed INTEGER NOT NULL,
    disagreed INTEGER NOT NULL,
    first REAL NOT NULL,
    last REAL NOT NULL,
    horizon REAL,
    PRIMARY KEY (id, rev)
) STRICT;
CREATE TABLE rule_hit_events (
    key TEXT PRIMARY KEY,
    id TEXT NOT NULL REFERENCES rule_candidates (id),
    rev INTEGER NOT NULL,
    at REAL NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    view INTEGER
) STRICT;
CREATE INDEX rule_hit_events_of ON rule_hit_events (id, rev, at);
CREATE TABLE rule_hit_days (
    id TEXT NOT NULL REFERENCES rule_candidates (id),
    rev INTEGER NOT NULL,
    day TEXT NOT NULL,
    hits INTEGER NOT NULL,
    PRIMARY KEY (id, rev, day)
) STRICT;
CREATE TABLE rule_hit_sources (
    id TEXT NOT NULL REFERENCES rule_candidates (id),
    rev INTEGER NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (id, rev, source)
) STRICT;
CREATE TABLE rule_judgements (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL REFERENCES rule_candidates (id),
    rev INTEGER NOT NULL,
    key TEXT UNIQUE,
    right INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    made REAL NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;
"""
_DISCOVERIES = """
CREATE TABLE IF NOT EXISTS discoveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    became TEXT,
    created REAL NOT NULL,
    seen REAL NOT NULL,
    author TEXT NOT NULL,
    why TEXT NOT NULL,
    shots INTEGER NOT NULL,
    figures TEXT NOT NULL,
    support BLOB NOT NULL,
    records BLOB NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS rename_family_of_discoveries AFTER UPDATE OF name ON families BEGIN
    UPDATE discoveries SET became = NEW.name WHERE status = 'named' AND became = OLD.name;
END;
"""
_STEPS = (_FAMILIES, _FEEDBACK, _RULES, _DISCOVERIES)
"""Each makes the next version out of the one before."""
VERSION = len(_STEPS)


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


def has_tables(database: sqlite3.Connection, since: int = 1) -> bool:
    """Whether anything was ever kept in it.

    Args:
        database: The database.
        since: The version that the tables came with.
    """
    return _version(database) >= since


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _check_version(connection: sqlite3.Connection, path: Path, *, make: bool) -> None:
    """Bring the database to this version where it may be written; an older one can be read."""
    version = _version(connection)
    if not 0 <= version <= VERSION:
        raise StateError(
            f"{path}: has version {version}, this program reads {VERSION}; "
            "use the version of the enricher that made it, or another state directory"
        )
    if make and version < VERSION:
        for step in _STEPS[version:]:
            for statement in _statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(step: str) -> Iterator[str]:
    """The statements of a step; a trigger is one, though there are several within it.

    (``executescript`` would end the transaction that all of this stands in.)
    """
    begun = ""
    for line in step.splitlines():
        begun += line + "\n"
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""
