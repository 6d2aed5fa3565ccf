"""Keeps the families of a site: what is known of them in SQLite, heads and records in files.

::

    enricher.db                      names and figures; says which files count
    families/<id>.safetensors        the heads of a family
    families/<id>.support.safetensors   its support records; not there where it was imported
    families/<id>.records               the same as they stood in the logs, where that is known

Files are written first, under a new id; the database then names them in one transaction. A crash
at any moment leaves the family as it was or as it should be.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from enricher.detector.family_names import check_name
from enricher.errors import InputError, StateError
from enricher.families.database import FILE, has_tables, open_database
from enricher.families.family import Family
from enricher.families.whole_files import read_bounded, write_whole

FOLDER = "families"
_HEADS, _SUPPORT, _RECORDS = ".safetensors", ".support.safetensors", ".records"
_ID = re.compile(r"[0-9a-f]{32}")
MAX_FAMILY_BYTES = 64 * 1024 * 1024
_REMEDY = "run 'enricher adapt' for it again, or 'enricher families forget'"


class FamilyStore:
    """The families below a state directory. Reading makes nothing where there is none.

    Args:
        state: The state directory.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._folder = state / FOLDER

    def families(self) -> list[Family]:
        """All families, in the order in which they came.

        Raises:
            StateError: If what is known of them can not be read.
        """
        return self._select(None)

    def get(self, name: str) -> Family:
        """One family.

        Raises:
            InputError: If there is none of this name.
            StateError: If what is known of it can not be read.
        """
        found = self._select(name)
        if not found:
            raise _no_family(name)
        return found[0]

    def _select(self, name: str | None) -> list[Family]:
        """One family or all."""
        if not (self._state / FILE).is_file():
            return []
        with open_database(self._state, write=False) as database:
            if not has_tables(database):
                return []
            kinds: dict[str, dict[str, Any]] = {}
            for row in database.execute(
                "SELECT * FROM family_kinds WHERE ?1 IS NULL OR family = ?1", (name,)
            ):
                kinds.setdefault(row["family"], {})[row["kind"]] = dict(row)
            rows = database.execute(
                "SELECT * FROM families WHERE ?1 IS NULL OR name = ?1 ORDER BY created, name",
                (name,),
            ).fetchall()
        return [self._family(row, kinds.get(row["name"], {})) for row in rows]

    def save(
        self, family: Family, heads: bytes, support: bytes | None, records: bytes | None = None
    ) -> None:
        """Keep a family; one of the same name is replaced as a whole.

        Args:
            family: What is known of it.
            heads: Bytes of the file of its heads.
            support: Bytes of the file of its support set; None where it has none.
            records: Bytes of the file of its records; None for those that are kept already.

        Raises:
            StateError: If it could not be kept; nothing has changed then.
        """
        number = secrets.token_hex(16)
        with open_database(self._state) as database:
            # Nobody else writes now: what no family names was left by a crash.
            used = _files(database)
            self._remove(lambda file: file not in used)
            replaced = _files(database, family.name)
            if records is None:
                records = self._records_of(replaced)
            self._write(number, heads, support, records)
            database.execute("DELETE FROM families WHERE name = ?", (family.name,))
            _insert(database, family, number)
        self._remove(lambda file: file in replaced)

    def _records_of(self, files: set[str]) -> bytes | None:
        for number in files:
            with suppress(OSError, ValueError):
                return read_bounded(self._folder / (number + _RECORDS), MAX_FAMILY_BYTES)
        return None

    def _write(
        self, number: str, heads: bytes, support: bytes | None, records: bytes | None
    ) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / (number + _HEADS), heads)
            for suffix, data in ((_SUPPORT, support), (_RECORDS, records)):
                if data is not None:
                    write_whole(self._folder / (number + suffix), data)
        except OSError as error:
            raise StateError(
                f"{self._folder}: cannot be written ({error.strerror}); "
                "check the state directory's permissions and its disk"
            ) from error

    def rename(self, name: str, new: str) -> None:
        """Give a family another name.

        Raises:
            InputError: If there is no such family, or the other name can not be had.
            StateError: If it could not be kept.
        """
        try:
            check_name(new)
        except ValueError as error:
            raise InputError(str(error)) from error
        self.get(name)
        try:
            with open_database(self._state) as database:
                database.execute("UPDATE families SET name = ? WHERE name = ?", (new, name))
                for column in ("family", "taught"):
                    database.execute(
                        f"UPDATE feedback SET {column} = ? WHERE {column} = ?",  # noqa: S608
                        (new, name),
                    )
        except StateError as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                raise InputError(f"there is a family {new!a} already; forget it first") from error
            raise

    def forget(self, name: str) -> None:
        """Remove a family and its files.

        Raises:
            InputError: If there is none of this name.
            StateError: If it could not be removed.
        """
        gone: set[str] = set()
        if (self._state / FILE).is_file():
            # It is not looked at: a damaged one can be forgotten too.
            with open_database(self._state) as database:
                gone = _files(database, name)
                database.execute("DELETE FROM families WHERE name = ?", (name,))
        if not gone:
            raise _no_family(name)
        self._remove(lambda file: file in gone)

    def heads(self, name: str) -> bytes:
        """Bytes of the file of a family's heads.

        Raises:
            InputError: If there is none of this name.
            StateError: If they can not be read.
        """
        return self._read(self._file(name)[0], name, _HEADS)

    def support(self, name: str) -> bytes | None:
        """Bytes of the file of a family's support set; None where it was imported.

        Raises:
            InputError: If there is none of this name.
            StateError: If they can not be read.
        """
        number, origin = self._file(name)
        return self._read(number, name, _SUPPORT) if origin == "adapted" else None

    def records(self, name: str) -> bytes | None:
        """Bytes of the file of a family's records; None where they are not kept.

        Raises:
            InputError: If there is none of this name.
            StateError: If they can not be read.
        """
        number, _ = self._file(name)
        if not (self._folder / (number + _RECORDS)).exists():
            return None
        return self._read(number, name, _RECORDS)

    def _file(self, name: str) -> tuple[str, str]:
        """Id of the files of a family, and its origin."""
        row = None
        if (self._state / FILE).is_file():
            with open_database(self._state, write=False) as database:
                if has_tables(database):
                    row = database.execute(
                        "SELECT file, origin FROM families WHERE name = ?", (name,)
                    ).fetchone()
        if row is None:
            raise _no_family(name)
        if not _ID.fullmatch(row["file"]):
            raise StateError(f"family {name!a} has no file; {_REMEDY}")
        return row["file"], row["origin"]

    def _read(self, number: str, name: str, suffix: str) -> bytes:
        path = self._folder / (number + suffix)
        try:
            return read_bounded(path, MAX_FAMILY_BYTES)
        except (OSError, ValueError) as error:
            raise StateError(
                f"{path}: the file of family {name!a} cannot be read ({error}); {_REMEDY}"
            ) from error

    def _family(self, row: sqlite3.Row, kinds: Mapping[str, Any]) -> Family:
        plain: dict[str, Any] = {**dict(row), "kinds": kinds}
        try:
            return Family.from_plain({**plain, "notes": orjson.loads(row["notes"])})
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"{self._state / FILE}: family {row['name']!a} is damaged ({error}); {_REMEDY}"
            ) from error

    def _remove(self, gone: Callable[[str], bool]) -> None:
        """Remove the files of some ids; a file that can not be removed does no harm."""
        for path in self._folder.glob("*"):
            if gone(path.name.lstrip(".").split(".")[0]):
                with suppress(OSError):
                    path.unlink()


def _no_family(name: str) -> InputError:
    return InputError(f"there is no family {name!a} here; 'enricher families list' names them")


def _insert(database: sqlite3.Connection, family: Family, number: str) -> None:
    database.execute(
        "INSERT INTO families VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            family.name,
            number,
            family.origin,
            family.created,
            family.updated,
            family.bundle,
            family.bundle_name,
            family.bundle_version,
            orjson.dumps(family.notes).decode(),
        ),
    )
    for kind, figures in family.kinds.items():
        values = asdict(figures)
        marks = ", ".join("?" * (len(values) + 2))
        database.execute(
            f"INSERT INTO family_kinds VALUES ({marks})",  # noqa: S608 - marks alone
            (family.name, kind, *values.values()),
        )


def _files(database: sqlite3.Connection, name: str | None = None) -> set[str]:
    """Ids of the files of all families, or of one."""
    rows = database.execute("SELECT file FROM families WHERE ?1 IS NULL OR name = ?1", (name,))
    return {row["file"] for row in rows}
