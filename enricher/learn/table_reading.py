"""Reading a table of the literature: lines, columns, labels."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import yaml

from enricher.errors import InputError
from enricher.learn.dataset import NOT_LABELLED, Strings
from enricher.learn.manifest import BENIGN, MANIFEST_NAME, Manifest
from enricher.learn.table_cicids import CICIDS
from enricher.learn.table_kdd import FILE_COLUMNS, KDD
from enricher.learn.table_layout import TableLayout
from enricher.learn.table_unsw import UNSW

_WITH_HEADER: Final = (UNSW, CICIDS)
_LARGEST_FILE: Final = 1 << 30
_MOST_FAMILIES: Final = 1000
_NO_LABELS: Final = frozenset({"", "background", "unknown"})


@dataclass(frozen=True, slots=True)
class TableSource:
    """One table of the manifest, and how to label its rows.

    Attributes:
        name: Name of the table.
        path: The file, CSV without quotes, gzipped or not.
        label_column: Name of the column of labels, or its number from 0 where there is no header.
        benign: The label of benign rows.
    """

    name: str
    path: Path
    label_column: str | int
    benign: str


@dataclass(frozen=True, slots=True)
class Table:
    """The labelled rows of one table, in the order of the file, which means nothing.

    Attributes:
        name: Name of the table.
        layout: What its columns are.
        frame: The columns that a model may see, N rows: numbers as Float64, null where missing
            or not finite; words as String.
        families: Strings [N]: the attack's original name in small letters, or ``benign``.
        unlabelled: Number of rows that were dropped because they have no label.
    """

    name: str
    layout: TableLayout
    frame: pl.DataFrame
    families: Strings
    unlabelled: int

    def __len__(self) -> int:
        return self.frame.height


def table_sources(manifest: Manifest) -> tuple[TableSource, ...]:
    """The tables of a manifest with the settings that label them.

    Raises:
        InputError: If a table lacks ``label_column`` or ``benign``, or the manifest was renamed.
    """
    if not manifest.tables:
        return ()
    path = manifest.root / MANIFEST_NAME
    if not path.is_file():
        raise InputError(f"tables are read only where the manifest is called {MANIFEST_NAME}", path)
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["tables"]
    return tuple(_source(path, entry) for entry in entries)


def _source(path: Path, entry: dict[str, Any]) -> TableSource:
    for key in ("label_column", "benign"):
        if key not in entry:
            raise InputError(f"table {entry['name']}: needs {key!r}", path)
    column = entry["label_column"]
    return TableSource(
        name=str(entry["name"]),
        path=path.parent / str(entry["path"]),
        label_column=column if isinstance(column, int) else str(column),
        benign=str(entry["benign"]),
    )


def read_table(source: TableSource) -> Table:
    """Read a table; what its columns are is told by its first line.

    Raises:
        InputError: If the file can not be read, is no known table, lacks the column of labels,
            or a line of it is malformed: labelled data is whole.
    """
    data = _contents(source.path)
    first, _, _ = data.partition(b"\n")
    layout, columns = _layout(source.path, first)
    label = _label_column(source, layout, columns)
    _check_lines(source.path, data, len(columns), 1 + int(layout.header))
    raw = pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        skip_rows=int(layout.header),
        new_columns=list(columns),
        infer_schema=False,
        quote_char=None,
        encoding="utf8-lossy",
    ).with_columns(pl.all().str.strip_chars())
    families = _families(source, raw[label])
    frame = _typed(source.path, raw, layout)
    labelled = families != NOT_LABELLED
    if not labelled.any():
        raise InputError(f"has no labels in column {label!r}; correct the manifest", source.path)
    return Table(
        name=source.name,
        layout=layout,
        frame=frame.filter(pl.Series(labelled)),
        families=families[labelled],
        unlabelled=int(np.count_nonzero(~labelled)),
    )


def _contents(path: Path) -> bytes:
    """The file, decompressed; a byte-order mark is no part of it."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read ({error}); get it again", path) from error
    if len(data) > _LARGEST_FILE:
        raise InputError("is larger than 1 GiB; give a part of the table", path)
    return data.removeprefix(b"\xef\xbb\xbf")


def _layout(path: Path, first: bytes) -> tuple[TableLayout, tuple[str, ...]]:
    """What the first line says the table is, and the names of its columns."""
    fields = tuple(field.strip() for field in first.decode("utf-8", "replace").split(","))
    for layout in _WITH_HEADER:
        if set(layout.seen) <= set(fields) and len(set(fields)) == len(fields):
            return layout, fields
    lacking = len(FILE_COLUMNS) - len(fields)
    if 0 <= lacking <= KDD.optional and fields[1] in {"tcp", "udp", "icmp"}:
        return KDD, FILE_COLUMNS[: len(fields)]
    nearest = max(_WITH_HEADER, key=lambda layout: len(set(layout.seen) & set(fields)))
    if missing := [name for name in nearest.seen if name not in fields]:
        raise InputError(
            f"is no table that is read: no rows of {KDD.title}, and of the columns of "
            f"{nearest.title} it lacks {missing[0]!r}; correct the manifest",
            path,
            1,
        )
    raise InputError("names a column twice; correct its header", path, 1)


def _label_column(source: TableSource, layout: TableLayout, columns: tuple[str, ...]) -> str:
    wanted = source.label_column
    if isinstance(wanted, int):
        wanted = columns[wanted] if 0 <= wanted < len(columns) else str(wanted)
    if wanted not in columns:
        raise InputError(f"has no column {wanted!r}; correct the manifest", source.path)
    if wanted in layout.seen:
        raise InputError(
            f"column {wanted!r} holds no labels but a feature; correct the manifest", source.path
        )
    return wanted


def _check_lines(path: Path, data: bytes, width: int, fewest: int) -> None:
    """Raise for the first line that has not as many fields as there are columns."""
    lines = data.rstrip(b"\r\n").split(b"\n")
    if len(lines) < fewest:
        raise InputError("holds no rows; get it again", path)
    for number, line in enumerate(lines, start=1):
        if (found := line.count(b",") + 1) != width:
            raise InputError(
                f"has {found} fields and not {width}; correct or remove the line", path, number
            )


def _families(source: TableSource, labels: pl.Series) -> Strings:
    """The family of each row: each name is cleaned once."""
    values, place = np.unique(labels.fill_null("").to_numpy().astype(np.str_), return_inverse=True)
    if len(values) > _MOST_FAMILIES:
        raise InputError(
            f"has {len(values)} labels in its column {source.label_column!r}, too many to be "
            "families; correct the manifest",
            source.path,
        )
    names = [BENIGN if str(v) == source.benign else clean_name(str(v)) for v in values]
    return np.asarray(np.array(names, dtype=np.str_)[place.reshape(-1)], np.str_)


def clean_name(label: str) -> str:
    """A family's name in small letters, digits and hyphens; empty where it is no label."""
    name = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
    return NOT_LABELLED if name in _NO_LABELS else name


def _typed(path: Path, raw: pl.DataFrame, layout: TableLayout) -> pl.DataFrame:
    """The columns that a model may see; what should be a number and is none is refused."""
    values = raw.select(pl.col(layout.numbers).cast(pl.Float64(), strict=False))
    for name in layout.numbers:
        wrong = (raw[name].is_not_null() & (raw[name] != "") & values[name].is_null()).arg_true()
        if len(wrong):
            raise InputError(
                f"has {raw[name][wrong[0]][:40]!r} in column {name!r}, which is no number; "
                "correct or remove the line",
                path,
                int(wrong[0]) + 1 + int(layout.header),
            )
    finite = pl.when(pl.col(layout.numbers).is_finite()).then(pl.col(layout.numbers))
    return values.select(finite).with_columns(raw[name] for name in layout.words)
