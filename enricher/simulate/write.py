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
    rows = frame.select(_as_text(name, kind_of) for name, kind_of in types.items())
    body = rows.write_csv(
        include_header=False, separator="\t", quote_style="never", null_value="-", float_precision=6
    )
    last = datetime.fromtimestamp(opened + _HOUR, UTC)
    return ("\n".join(header) + "\n" + body + f"#close\t{last:%Y-%m-%d-%H-%M-%S}\n").encode()


def _as_text(name: str, kind_of: str) -> pl.Expr:
    """A column as the TSV writer has it."""
    column = pl.col(name)
    if kind_of == "bool":
        return pl.when(column).then(pl.lit("T")).when(~column).then(pl.lit("F")).alias(name)
    if kind_of == "vector[interval]":
        whole = pl.element().cast(pl.Decimal(20, 6)).cast(pl.String)
        return _joined(column.list.eval(whole)).alias(name)
    if kind_of.startswith(("vector", "set")):
        return _joined(
            column.list.eval(_escaped(pl.element()).str.replace_all(",", "\\x2c", literal=True))
        ).alias(name)
    if kind_of in {"string", "enum", "addr"}:
        text = _escaped(column)
        return (
            pl.when(text == "").then(pl.lit("(empty)")).when(text == "-").then(pl.lit("\\x2d"))
            .otherwise(text).alias(name)
        )  # fmt: skip
    return column


def _escaped(text: pl.Expr) -> pl.Expr:
    """Backslashes and control characters out of the way of the reader."""
    text = text.str.replace_all("\\", "\\\\", literal=True)
    for code in (*range(32), 127):
        text = text.str.replace_all(chr(code), f"\\x{code:02x}", literal=True)
    return text


def _joined(column: pl.Expr) -> pl.Expr:
    return pl.when(column.list.len() == 0).then(pl.lit("(empty)")).otherwise(column.list.join(","))


def _json_lines(frame: pl.DataFrame) -> Iterator[bytes]:
    names = frame.columns
    for part in frame.iter_slices(_ROWS_AT_ONCE):
        for row in part.iter_rows():
            record = {k: v for k, v in zip(names, row, strict=True) if v is not None}
            yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
