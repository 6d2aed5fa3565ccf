"""Keeps what was discovered in the site's database: figures, and the records they come from."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from enricher.errors import InputError, StateError
from enricher.families.database import DISCOVERIES_SINCE, FILE, has_tables, open_database
from enricher.families.discovery.figures import MAX_WHY, MAX_WORD, Discovery, Figures, Status, id_of

if TYPE_CHECKING:
    from enricher.families.discovery.matching import Matches
    from enricher.families.support import KeptSupport

MOST_OPEN = 200
"""Discoveries that wait for an analyst; those that were not seen for longest are let go."""
MOST_SETTLED = 300
"""Of those that were named, dismissed or merged so many are remembered, the last ones."""
MAX_SUPPORT = 16 * 1024 * 1024

_ID = re.compile(r"d[1-9][0-9]{0,17}")
_COLUMNS = "number, status, became, created, seen, author, why, figures"


@dataclass(frozen=True, slots=True)
class Found:
    """A cluster with what is kept of it.

    Attributes:
        figures: For people.
        support: Some of its records.
        records: The same records as they stood in the log, as bytes.
    """

    figures: Figures
    support: KeptSupport
    records: bytes


class DiscoveryStore:
    """The discoveries in a state directory. Reading makes nothing where there is none.

    Args:
        state: The state directory.
    """

    def __init__(self, state: Path) -> None:
        self._state = state

    def all(self) -> list[Discovery]:
        """All that is kept, in the order in which it was first found.

        Raises:
            StateError: If it can not be read.
        """
        rows = self._select(f"SELECT {_COLUMNS} FROM discoveries ORDER BY number")  # noqa: S608 - ours
        return [self._discovery(row) for row in rows]

    def get(self, name: str) -> Discovery:
        """One discovery.

        Args:
            name: Its id.

        Raises:
            InputError: If there is none of this id.
            StateError: If it can not be read.
        """
        number = self._number(name)
        query = f"SELECT {_COLUMNS} FROM discoveries WHERE number = ?"  # noqa: S608 - ours
        rows = self._select(query, number)
        if not rows:
            raise _none(name)
        return self._discovery(rows[0])

    def support(self, name: str) -> KeptSupport:
        """The records that are kept of a discovery.

        Raises:
            InputError: If there is none of this id.
            StateError: If they are damaged.
        """
        from enricher.families.support import KeptSupport  # noqa: PLC0415  # numba: not for a list

        data = self._blob(name, "support")
        try:
            return KeptSupport.from_bytes(data)
        except ValueError as error:
            raise self._damaged(name, error) from error

    def records(self, name: str) -> bytes:
        """The same records as they stood in the log, as bytes.

        Raises:
            InputError: If there is none of this id.
            StateError: If the database can not be read.
        """
        return self._blob(name, "records")

    def keep(self, found: Sequence[Found], matches: Matches, now: float) -> list[int]:
        """Keep what a run found.

        Args:
            found: The clusters.
            matches: Which of them are known, and what they took in.
            now: Seconds UTC.

        Returns:
            The number of each.

        Raises:
            StateError: If it could not be kept; nothing has changed then.
        """
        with open_database(self._state) as database:
            numbers = [
                _keep(database, one, number, now)
                for one, number in zip(found, matches.numbers, strict=True)
            ]
            for number, into in matches.merged.items():
                database.execute(
                    "UPDATE discoveries SET status = 'merged', became = ? "
                    "WHERE number = ? AND status = 'open'",
                    (id_of(into), number),
                )
            _let_go(database)
        return numbers

    def reopen(self, families: Collection[str]) -> None:
        """Let those wait for an analyst again whose family is forgotten.

        Args:
            families: Names of the site's families.

        Raises:
            StateError: If it could not be kept.
        """
        gone = [
            one.number for one in self.all() if one.status == "named" and one.became not in families
        ]
        if gone:
            with open_database(self._state) as database:
                database.executemany(
                    "UPDATE discoveries SET status = 'open', became = NULL "
                    "WHERE number = ? AND status = 'named'",
                    [(number,) for number in gone],
                )

    def settle(self, name: str, status: Status, became: str | None, author: str, why: str) -> None:
        """Keep what an analyst made of a discovery.

        Raises:
            InputError: If there is none of this id.
            StateError: If it could not be kept.
        """
        number = self._number(name)
        with open_database(self._state) as database:
            done = database.execute(
                "UPDATE discoveries SET status = ?, became = ?, author = ?, why = ? "
                "WHERE number = ?",
                (status, became, author[:MAX_WORD], why[:MAX_WHY], number),
            )
            if not done.rowcount:
                raise _none(name)

    def _number(self, name: str) -> int:
        if not _ID.fullmatch(name):
            raise InputError(
                f"{name[:MAX_WORD]!a} is no id of a discovery: 'enricher families discover' "
                "shows them, d1 and so on"
            )
        return int(name[1:])

    def _select(self, query: str, *values: int) -> list[sqlite3.Row]:
        if not (self._state / FILE).is_file():
            return []
        with open_database(self._state, write=False) as database:
            if not has_tables(database, DISCOVERIES_SINCE):
                return []
            return database.execute(query, values).fetchall()

    def _blob(self, name: str, column: str) -> bytes:
        rows = self._select(
            f"SELECT {column} AS data FROM discoveries WHERE number = ?",  # noqa: S608 - ours
            self._number(name),
        )
        if not rows:
            raise _none(name)
        data = bytes(rows[0]["data"])
        if len(data) > MAX_SUPPORT:
            raise self._damaged(name, ValueError("it is too large"))
        return data

    def _discovery(self, row: sqlite3.Row) -> Discovery:
        try:
            return Discovery.from_row(dict(row))
        except ValueError as error:
            raise self._damaged(id_of(row["number"]), error) from error

    def _damaged(self, name: str, error: ValueError) -> StateError:
        detail = str(error).splitlines()[0]
        return StateError(
            f"{self._state / FILE}: discovery {name} is damaged ({detail}); move the database "
            "away, adapt the families again and run 'enricher families discover' again"
        )


def _keep(database: sqlite3.Connection, found: Found, number: int | None, now: float) -> int:
    figures, support = found.figures.to_json().decode(), found.support.to_bytes()
    shots = sum(map(len, found.support.sets.values()))
    seen = database.execute("UPDATE discoveries SET seen = ? WHERE number = ?", (now, number))
    if number is None or not seen.rowcount:
        row = database.execute(
            "INSERT INTO discoveries (kind, status, became, created, seen, author, why, shots, "
            "figures, support, records) VALUES (?, 'open', NULL, ?, ?, '', '', ?, ?, ?, ?) "
            "RETURNING number",
            (found.figures.kind, now, now, shots, figures, support, found.records),
        ).fetchone()
        return int(row["number"])
    # What an analyst has decided on stays as it was; fewer records do not replace more.
    database.execute(
        "UPDATE discoveries SET figures = ? WHERE number = ? AND status = 'open'",
        (figures, number),
    )
    database.execute(
        "UPDATE discoveries SET shots = ?, support = ?, records = ? "
        "WHERE number = ? AND status = 'open' AND shots <= ?",
        (shots, support, found.records, number, shots),
    )
    return number


def _let_go(database: sqlite3.Connection) -> None:
    for which, most in (("status = 'open'", MOST_OPEN), ("status <> 'open'", MOST_SETTLED)):
        database.execute(
            f"DELETE FROM discoveries WHERE number IN (SELECT number FROM discoveries WHERE {which}"  # noqa: S608 - ours
            " ORDER BY seen DESC, number DESC LIMIT -1 OFFSET ?)",
            (most,),
        )


def _none(name: str) -> InputError:
    return InputError(f"there is no discovery {name}; 'enricher families discover' shows them")
