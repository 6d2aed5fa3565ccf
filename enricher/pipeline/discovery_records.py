"""The records of a discovery as they stood in the log, kept beside its support set.

They are what rules can be made of once the discovery is named.
"""

from __future__ import annotations

import orjson
import polars as pl

from enricher.errors import StateError
from enricher.families.discovery.candidates import Candidates
from enricher.logs import SCHEMAS, Kind

MAX_RECORDS_BYTES = 8 * 1024 * 1024
"""Of records that take more none are kept: their support set is enough to adapt from."""


def records_of(kept: Candidates) -> bytes:
    """The canonical columns of some records, as JSON; empty where they are too large."""
    rows = kept.frame.select(SCHEMAS[kept.kind].keys()).to_dicts()
    data = orjson.dumps(rows)
    return data if len(data) <= MAX_RECORDS_BYTES else b""


def frame_of(kind: Kind, data: bytes) -> pl.DataFrame:
    """The inverse of :func:`records_of`; in the order of the support set.

    Raises:
        StateError: If they are damaged.
    """
    schema = SCHEMAS[kind]
    if not data:
        return pl.DataFrame(schema=schema)
    try:
        if len(data) > MAX_RECORDS_BYTES:
            raise ValueError("they are too large")  # noqa: TRY301 - one message for all
        return pl.DataFrame(orjson.loads(data), schema=schema, strict=True, orient="row")
    except (ValueError, TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        raise StateError(
            "the records of a discovery are damaged "
            f"({str(error).splitlines()[0]}): run 'enricher families discover' again"
        ) from error
