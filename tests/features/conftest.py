"""Records to make features of."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from enricher.logs import PROVENANCE, SCHEMAS, Kind, LogBatch, empty

Make = Callable[..., LogBatch]


def make_batch(kind: Kind, rows: list[Mapping[str, Any]]) -> LogBatch:
    """A batch of these records; columns that a record does not name are absent."""
    schema = {**SCHEMAS[kind], **PROVENANCE}
    if not rows:
        return LogBatch(kind, empty(kind))
    full = [{**dict.fromkeys(schema), "_file": 0, "_line": i, **r} for i, r in enumerate(rows)]
    return LogBatch(kind, pl.DataFrame(full, schema=schema))


@pytest.fixture(scope="session")
def batch() -> Make:
    return make_batch


def read_tsv(path: Path, kind: Kind, rows: int | None = None) -> pl.DataFrame:
    """A Zeek TSV log as canonical columns, without the readers of the program."""
    lines = gzip.decompress(path.read_bytes()).split(b"\n")
    names = next(line for line in lines if line.startswith(b"#fields")).decode().split("\t")[1:]
    body = b"\n".join(line for line in lines if line and not line.startswith(b"#"))
    frame = pl.read_csv(
        body,
        separator="\t",
        has_header=False,
        new_columns=names,
        quote_char=None,
        null_values=["-", "(empty)"],
        infer_schema=False,
        n_rows=rows,
    )
    columns = [
        _convert(name, kind_of) if name in frame.columns else pl.lit(None, kind_of).alias(name)
        for name, kind_of in SCHEMAS[kind].items()
    ]
    return frame.select(columns).with_columns(
        pl.lit(0, pl.UInt32()).alias("_file"), pl.lit(0, pl.UInt64()).alias("_line")
    )


def _convert(name: str, kind_of: pl.DataType) -> pl.Expr:
    if kind_of == pl.Boolean():
        return (pl.col(name) == "T").alias(name)
    if isinstance(kind_of, pl.List):
        return pl.col(name).str.split(",").cast(kind_of, strict=False)
    return pl.col(name).cast(kind_of, strict=False)


@pytest.fixture(scope="session")
def real_batches(shared_data: Path) -> dict[Kind, LogBatch]:
    """Some thousand real records of each kind."""
    labelled = shared_data / "zeek" / "labelled"
    day = labelled / "ctu-sme-11-ubuntu-benign"
    return {
        "conn": LogBatch(
            "conn", read_tsv(labelled / "iot23" / "iot23.conn.log.labeled.gz", "conn", 5000)
        ),
        "http": LogBatch("http", read_tsv(day / "http.log.labeled.gz", "http", 3000)),
        "dns": LogBatch("dns", read_tsv(day / "dns.log.labeled.gz", "dns", 3000)),
        "ssl": LogBatch("ssl", read_tsv(day / "ssl.log.labeled.gz", "ssl", 3000)),
    }
