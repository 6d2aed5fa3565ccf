r"""Frames as Zeek log files: TSV with its header, or JSON; whole or rotated by the hour.

The form is that of Zeek's ASCII writer (docs.zeek.org, "Zeek Log Formats"): a lone ``-`` and what
a reader would take for a separator are escaped as ``\xNN``, absent values are ``-`` in TSV and
left out in JSON.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

import orjson
import polars as pl

from enricher.errors import OutputError
from enricher.logs import Kind
from enricher.simulate.traffic import zeek_types

LogFormat: TypeAlias = Literal["tsv", "json"]

_HOUR = 3600.0
_ROWS_AT_ONCE = 50_000


def write_log(
    out: Path, kind: Kind, frame: pl.DataFrame, written: pl.Series, *, form: LogFormat, rotate: bool
) -> None:
    """Write one kind of log below ``out``.

    Args:
        out: The directory.
        kind: The kind of log.
        frame: Records in the order of the log, with exactly Zeek's fields.
        written: float64 [N], when each record reached the log, ascending; for rotation.
        form: TSV or JSON.
        rotate: One gzip file an hour as Zeek archives them
            (``2026-01-05/conn.08:00:00-09:00:00.log.gz``) instead of one ``conn.log``.

    Raises:
        OutputError: If a file cannot be written.
    """
    try:
        if not rotate:
            data = _content(kind, frame, form, float(written[0]) if len(written) else 0.0)
            (out / f"{kind}.log").write_bytes(data)
            return
        for hour, part in _hours(frame, written):
            begin, end = (datetime.fromtimestamp(t, UTC) for t in (hour, hour + _HOUR))
            folder = out / f"{begin:%Y-%m-%d}"
            folder.mkdir(exist_ok=True)
            name = f"{kind}.{begin:%H:%M:%S}-{end:%H:%M:%S}.log.gz"
            packed = gzip.compress(_content(kind, part, form, hour), compresslevel=5, mtime=0)
            (folder / name).write_bytes(packed)
    except OSError as error:
        raise OutputError(f"cannot write {kind} logs below {out}: {error.strerror}") from error


def _hours(frame: pl.DataFrame, written: pl.Series) -> Iterator[tuple[float, pl.DataFrame]]:
    hour = (written / _HOUR).floor() * _HOUR
    for begin in hour.unique(maintain_order=True):
        yield float(begin), frame.filter(hour == begin)


def _content(kind: Kind, frame: pl.DataFrame, form: LogFormat, opened: float) -> bytes:
    if form == "json":
        return b"".join(_json_lines(frame))
    types = zeek_types(kind)
    begin = datetime.fromtimestamp(opened, UTC)
    header = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{kind}",
        f"#open\t{begin:%Y-%m-%d-%H-%M-%S}",
        "\t".join(["#fields", *types]),
        "\t".join(["#types", *types.values()]),
    ]
    rows = pl.DataFrame([_as_text(frame[name], kind_of) for name, kind_of in types.items()])
    body = rows.write_csv(
        include_header=False, separator="\t", quote_style="never", null_value="-", float_precision=6
    )
    last = datetime.fromtimestamp(opened + _HOUR, UTC)
    return ("\n".join(header) + "\n" + body + f"#close\t{last:%Y-%m-%d-%H-%M-%S}\n").encode()


def _as_text(column: pl.Series, kind_of: str) -> pl.Series:
    """A column as the TSV writer has it."""
    if kind_of == "bool":
        return column.replace_strict({True: "T", False: "F"}, return_dtype=pl.String)
    if kind_of == "vector[interval]":
        return _joined(column.list.eval(pl.element().cast(pl.Decimal(20, 6)).cast(pl.String)))
    if kind_of.startswith(("vector", "set")):
        if _has(column.explode(), r"[\x00-\x1f\x7f\\,-]"):
            column = column.map_elements(_escaped_list, return_dtype=pl.List(pl.String))
        return _joined(column)
    if kind_of in {"string", "enum", "addr"}:
        if _has(column, r"[\x00-\x1f\x7f\\]"):
            column = column.map_elements(_escaped, return_dtype=pl.String)
        return column.replace({"": "(empty)", "-": "\\x2d"})
    return column


def _has(column: pl.Series, pattern: str) -> bool:
    return bool(column.str.contains(pattern).any())


# What would end a field or a line, and the escape itself.
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {ord("\\"): "\\\\"}


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _escaped_list(texts: pl.Series) -> list[str]:
    escaped = [_escaped(text).replace(",", "\\x2c") for text in texts]
    return ["\\x2d" if text == "-" else text for text in escaped]


def _joined(column: pl.Series) -> pl.Series:
    """A list on one line; ``(empty)`` where it has no items."""
    return column.list.join(",").replace({"": "(empty)"})


def _json_lines(frame: pl.DataFrame) -> Iterator[bytes]:
    names = frame.columns
    for part in frame.iter_slices(_ROWS_AT_ONCE):
        for row in part.iter_rows():
            record = {k: v for k, v in zip(names, row, strict=True) if v is not None}
            yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
