"""The records of a family as they stood in the logs: what rules are made of. Never exported.

A support set has features; a rule needs the values themselves.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import orjson
import polars as pl

from enricher.logs import KINDS, SCHEMAS, Kind

MOST_RECORDS = 20_000
"""Of one kind. Of more the first half are kept in a row, for how often something happens shows
there, and the other half evenly from the rest."""
MAX_BYTES = 96 * 1024 * 1024
_FORMAT = 1
_PLACE = {"_place": pl.String()}


def bounded(frame: pl.DataFrame) -> pl.DataFrame:
    """So many records as are kept at most.

    Args:
        frame: Records of one kind, in the order of the log.
    """
    if frame.height <= MOST_RECORDS:
        return frame
    half = MOST_RECORDS // 2
    rest = pl.int_range(half, frame.height, eager=True)
    later = rest.gather(pl.linear_space(0, len(rest) - 1, half, eager=True).cast(pl.Int64))
    return pl.concat([frame.head(half), frame[later]])


def records_to_bytes(frames: Mapping[Kind, pl.DataFrame]) -> bytes:
    """Records as the bytes of a file.

    Args:
        frames: Canonical columns by kind, and ``_place`` (``path:line``) where it is known.
    """
    plain = {
        kind: frame.select(
            *SCHEMAS[kind], *(name for name in _PLACE if name in frame.columns)
        ).to_dict(as_series=False)
        for kind, frame in frames.items()
    }
    return zlib.compress(orjson.dumps({"format": _FORMAT, "kinds": plain}), level=3)


def records_from_bytes(data: bytes) -> dict[Kind, pl.DataFrame]:
    """The inverse of :func:`records_to_bytes`.

    Raises:
        ValueError: If the bytes are none, or too many.
    """
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(data, MAX_BYTES)
        plain = {} if reader.unconsumed_tail else orjson.loads(text)
        fits = not reader.unconsumed_tail and plain["format"] == _FORMAT
        if fits and set(plain["kinds"]) <= set(KINDS):
            return {
                kind: pl.DataFrame(columns, {**SCHEMAS[kind], **_places(columns)}, strict=True)
                for kind, columns in plain["kinds"].items()
            }
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
        raise ValueError(f"they are none ({str(error)[:200]})") from error
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"they are none ({str(error).splitlines()[0][:200]})") from error
    raise ValueError("they are too large, or were kept by another version")


def _places(columns: Mapping[str, object]) -> dict[str, pl.DataType]:
    return {name: kind for name, kind in _PLACE.items() if name in columns}
