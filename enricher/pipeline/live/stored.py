"""Reads what a service has committed, beside it and without the weight of what it needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from enricher.errors import StateError

FOLDER = "service"
FILE = "service.db"
VERSION = 1
WAIT = 10.0
"""So long another process may keep the database busy, in s."""
REMEDY = (
    "move the folder 'service' of the state directory away to begin anew; logs are read from "
    "their beginning then"
)

_LONGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert as it is kept for feedback.

    Attributes:
        alert_id: Its id.
        event: The line that was written.
        evidence: What is known of its strongest record, in safetensors; None where it is not.
    """

    alert_id: str
    event: str
    evidence: bytes | None


def read_words(state: Path, names: Sequence[str]) -> Mapping[str, Any] | None:
    """Some values of a service's database, which may be at work; None where no service ever was.

    Raises:
        StateError: If it is damaged, or made by another version.
    """
    with _reading(state) as connection:
        if connection is None:
            return None
        return {name: word_in(connection, name) for name in names}


def read_alert(state: Path, alert_id: str) -> KeptAlert | None:
    """An alert that the service wrote; None where it is not known (any longer).

    Raises:
        StateError: If the database is damaged, or made by another version.
    """
    with _reading(state) as connection:
        if connection is None:
            return None
        row = connection.execute(
            "SELECT alert_id, event, evidence FROM alerts WHERE alert_id = ?", (alert_id,)
        ).fetchone()
        return None if row is None else KeptAlert(*row)


@contextmanager
def _reading(state: Path) -> Iterator[sqlite3.Connection | None]:
    path = state / FOLDER / FILE
    if not path.is_file():
        yield None
        return
    try:
        place = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, timeout=WAIT, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in {0, VERSION}:
                raise other_version(path, version)
            yield connection if version else None
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def word_in(connection: sqlite3.Connection, name: str) -> Any:
    """A value by its name; None where there is none.

    Raises:
        sqlite3.Error: If it can not be read.
    """
    row = connection.execute(
        "SELECT value FROM words WHERE name = ? AND length(value) <= ?", (name, _LONGEST)
    ).fetchone()
    try:
        return None if row is None else orjson.loads(row[0])
    except orjson.JSONDecodeError as error:
        raise sqlite3.DatabaseError(f"{name!r} is no JSON") from error


def unusable(path: Path, error: Exception) -> StateError:
    """What to tell the user of a database that can not be used."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return StateError(f"{path}: is damaged ({error}); {REMEDY}")
    return StateError(f"{path}: cannot be used ({error}); check permissions and disk")


def other_version(path: Path, version: int) -> StateError:
    """What to tell the user of a database of another version."""
    return StateError(
        f"{path}: has version {version}, this program reads {VERSION}; use the version of the "
        "enricher that made it, or another state directory"
    )
