"""The manifest of a data directory: which logs exist, and how their records are labelled.

The manifest is a YAML file beside the data. One entry of ``captures`` becomes one
:class:`LogSource` for every log file it names, so the modules after this one never meet the
many ways in which an entry can be written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from enricher.errors import InputError
from enricher.logs import KINDS, Kind

BENIGN = "benign"
MANIFEST_NAME = "manifest.yaml"

_ENTRY_KEYS = frozenset(
    {
        "capture",
        "capture_column",
        "families",
        "family",
        "format",
        "glob",
        "kind",
        "kinds",
        "label_column",
        "labels",
        "path",
        "use",
        "weak",
        "where",
    }
)


@dataclass(frozen=True, slots=True)
class LogSource:
    """One log file of one capture, and how to label its records.

    Attributes:
        capture: The unit of source-disjoint splits. Where ``capture_column`` is set, each value
            of that column is a capture of its own, named by :func:`capture_name`.
        path: The file.
        kind: Kind of its records.
        family: Label of every record that ``where`` lets through, or None.
        label_column: Column that holds a label value, or None.
        labels: Family (or ``benign``) of each label value; other values are unlabelled.
        where: Column values a record must have to be labelled at all.
        capture_column: Column that tells several captures of one file apart, or None.
        weak: The labels come from rules and not from an analyst.
        doubtful: Column values; a benign record that has all values of one of them is not
            believed to be benign. Comes from the recipe, not from the manifest.
    """

    capture: str
    path: Path
    kind: Kind
    family: str | None = None
    label_column: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    capture_column: str | None = None
    weak: bool = False
    doubtful: tuple[Mapping[str, str], ...] = ()

    @property
    def keep(self) -> tuple[str, ...]:
        """Columns outside the canonical ones that a reader has to keep."""
        wanted = (self.label_column, self.capture_column)
        return tuple(name for name in wanted if name is not None)

    @property
    def families(self) -> frozenset[str]:
        """Families its records may have, without ``benign``."""
        named = set(self.labels.values()) | ({self.family} if self.family else set())
        return frozenset(named - {BENIGN})


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a data directory holds.

    Attributes:
        root: The directory that paths are relative to.
        logs: Every labelled log, in the order of the manifest, then by path.
        lists: Path of each named list (``dga``, ``http-parameters``).
        tables: Path of each named table of the literature.
        skipped: Why parts of the manifest are not used, one line each, for the user.
    """

    root: Path
    logs: tuple[LogSource, ...]
    lists: Mapping[str, Path]
    tables: Mapping[str, Path]
    skipped: tuple[str, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """Families of all logs, sorted, without ``benign``."""
        return tuple(sorted(frozenset().union(*(log.families for log in self.logs))))


def capture_name(capture: str, value: str | None) -> str:
    """Name of one capture of a file that holds several: ``iot23/34-1 Mirai``."""
    return capture if value is None else f"{capture}/{value}"


def load_manifest(data: Path) -> Manifest:
    """Read the manifest of a data directory.

    Args:
        data: The directory, or the manifest itself.

    Returns:
        The logs it names, each with the rule that labels it.

    Raises:
        InputError: If the manifest is missing, malformed, or names files that do not exist.
    """
    path = data / MANIFEST_NAME if data.is_dir() else data
    if not path.is_file():
        raise InputError(
            f"there is no {MANIFEST_NAME} here; give the directory that holds it", data
        )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"is not readable YAML ({error}); correct it", path) from error
    if not isinstance(document, dict) or not isinstance(document.get("captures"), list):
        raise InputError("has no list 'captures'; see the documentation of the format", path)
    logs: list[LogSource] = []
    skipped: list[str] = []
    for entry in document["captures"]:
        logs += _logs_of(path, entry, skipped)
    return Manifest(
        root=path.parent,
        logs=tuple(logs),
        lists=_named_paths(path, document.get("lists")),
        tables=_named_paths(path, document.get("tables")),
        skipped=tuple(skipped),
    )


def _named_paths(path: Path, entries: Any) -> dict[str, Path]:
    """Name -> path of the entries of ``lists`` or ``tables``."""
    found: dict[str, Path] = {}
    for entry in entries or []:
        if not isinstance(entry, dict) or "name" not in entry or "path" not in entry:
            raise InputError(f"an entry needs 'name' and 'path': {entry!r}", path)
        found[str(entry["name"])] = path.parent / str(entry["path"])
    return found


def _logs_of(path: Path, entry: Any, skipped: list[str]) -> list[LogSource]:
    """The logs of one entry of ``captures``."""
    if not isinstance(entry, dict) or "capture" not in entry or "path" not in entry:
        raise InputError(f"a capture needs 'capture' and 'path': {entry!r}", path)
    name = str(entry["capture"])
    unknown = sorted(set(entry) - _ENTRY_KEYS)
    if unknown:
        raise InputError(f"capture {name}: unknown key {unknown[0]!r}; correct or remove it", path)
    if "use" in entry:
        skipped.append(f"{name}: only for the parser (use: {entry['use']})")
        return []
    target = path.parent / str(entry["path"])
    if not target.exists():
        raise InputError(f"capture {name}: {target} does not exist; get the data again", path)
    logs = [
        LogSource(
            capture=name,
            path=file,
            kind=kind,
            family=family,
            label_column=entry.get("label_column"),
            labels={str(key): str(value) for key, value in entry.get("labels", {}).items()},
            where={str(key): str(value) for key, value in entry.get("where", {}).items()},
            capture_column=entry.get("capture_column"),
            weak=bool(entry.get("weak", False)),
        )
        for kind in _kinds_of(path, name, entry, skipped)
        for file, family in _files_of(target, entry, kind)
    ]
    if not logs:
        raise InputError(f"capture {name}: no log of its kinds is under {target}", path)
    return logs


def _kinds_of(path: Path, name: str, entry: Mapping[str, Any], skipped: list[str]) -> list[Kind]:
    """Kinds of an entry that are read; the others are noted in ``skipped``."""
    wanted = [entry["kind"]] if "kind" in entry else entry.get("kinds", [])
    if not wanted:
        raise InputError(f"capture {name}: needs 'kind' or 'kinds'", path)
    known = [kind for kind in KINDS if kind in wanted]
    skipped += [f"{name}: {kind} is no kind that is read" for kind in wanted if kind not in KINDS]
    return known


def _files_of(target: Path, entry: Mapping[str, Any], kind: Kind) -> list[tuple[Path, str | None]]:
    """Files of one kind, each with the family of all its records, if it has one."""
    family = entry.get("family")
    if target.is_file():
        return [(target, family)]
    if "families" in entry:
        return [
            (file, str(label))
            for folder, label in entry["families"].items()
            for file in _logs_in(target / str(folder), kind)
        ]
    folders = sorted(target.glob(entry["glob"])) if "glob" in entry else [target]
    return [(file, family) for folder in folders for file in _logs_in(folder, kind)]


def _logs_in(folder: Path, kind: Kind) -> list[Path]:
    """Logs of a kind directly in a folder: ``conn.log``, ``conn.log.labeled.gz``, ``x_conn.log``.

    ``open_conn`` and ``conn-summary`` are other logs and do not match.
    """
    pattern = re.compile(rf"(?:(?!open_).*_)?{kind}\.(?:.*\.)?log(?:\..+)?")
    return sorted(
        file for file in folder.iterdir() if file.is_file() and pattern.fullmatch(file.name)
    )
