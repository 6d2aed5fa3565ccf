"""Times as logs write them, turned into seconds since 1970 (UTC, float64)."""

from __future__ import annotations

import math

import polars as pl

# The year 5138 in seconds and March 1973 in milliseconds: what lies above is milliseconds, which
# Zeek writes with ``LogAscii::json_timestamps = JSON::TS_MILLIS``.
_MILLISECONDS_FROM = 1e11
_SURICATA = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$"


def epoch_seconds(values: pl.Series) -> pl.Series:
    """Normalise numbers that are seconds or milliseconds since 1970.

    Args:
        values: Float64.

    Returns:
        Float64 seconds; null where the number is no time (not finite, or beyond the year 5138).
    """
    if values.null_count() == 0 and values.len():
        low, high = values.min(), values.max()
        # NaN is skipped by min and max, but no sum of others is one without being infinite first.
        if (
            isinstance(low, float)
            and isinstance(high, float)
            and -_MILLISECONDS_FROM < low <= high < _MILLISECONDS_FROM
            and not math.isnan(values.sum())
        ):
            return values
    value = pl.col("v")
    return (
        pl.DataFrame({"v": values})
        .select(pl.when(value.abs() >= _MILLISECONDS_FROM).then(value / 1000.0).otherwise(value))
        .select(pl.when(value.is_finite() & (value.abs() < _MILLISECONDS_FROM)).then(value))
        .to_series()
    )


def iso_seconds(values: pl.Series) -> pl.Series:
    """Parse ISO 8601 times with any number of fraction digits and ``Z`` or an offset.

    A time without a zone is taken as UTC, which is what Zeek and Suricata mean by it.

    Args:
        values: Strings such as ``2018-03-24T17:15:20.865716Z`` or
            ``2021-06-06T16:26:27.431769+0200``.

    Returns:
        Float64 seconds; null where the text is no time.
    """
    usual = _suricata_seconds(values)
    return _iso_seconds(values) if usual is None else usual


def _suricata_seconds(values: pl.Series) -> pl.Series | None:
    """Times in UTC with six digits of a fraction, as Suricata writes them; None if one is not."""
    shaped = values.str.contains(_SURICATA)
    if not values.len() or not shaped.all(ignore_nulls=False):
        return None
    text = pl.col("t").str.slice(0, 26)
    parsed = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us", strict=False)
    microseconds = parsed.dt.timestamp("us")
    # A sum of two, as below, so that a time is the same number whatever stands beside it.
    seconds = microseconds.floordiv(1_000_000).cast(pl.Float64) + (microseconds % 1_000_000) / 1e6
    found = pl.DataFrame({"t": values}).select(seconds).to_series()
    return None if found.null_count() else found


def _iso_seconds(values: pl.Series) -> pl.Series:
    text = pl.col("t")
    rest = text.str.slice(19)
    zone = rest.str.extract(r"([+-]\d{2}:?\d{2})$").str.replace(":", "", literal=True)
    frame = pl.DataFrame({"t": values.cast(pl.String)})
    simple = not frame.select(rest.str.contains(r"[+-]").any()).item()
    offset: pl.Expr = pl.lit(0)
    if simple:
        fraction = rest.str.strip_suffix("Z")
    else:
        hours = zone.str.slice(1, 2).cast(pl.Int64, strict=False)
        minutes = zone.str.slice(3, 2).cast(pl.Int64, strict=False)
        seconds = hours * 3600 + minutes * 60
        offset = (
            pl.when(zone.is_null())
            .then(0)
            .otherwise(pl.when(zone.str.starts_with("-")).then(-seconds).otherwise(seconds))
        )
        fraction = rest.str.replace(r"[+-]\d{2}:?\d{2}$", "").str.strip_suffix("Z")
    whole = (
        text.str.slice(0, 19)
        .str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
        .dt.timestamp("us")
        .floordiv(1_000_000)
    )
    part = (
        pl.when(fraction == "")
        .then(0.0)
        .otherwise(pl.when(fraction.str.contains(r"^\.\d{1,30}$")).then("0" + fraction))
        .cast(pl.Float64, strict=False)
    )
    return frame.select(((whole - offset).cast(pl.Float64) + part).alias("t")).to_series()


def any_seconds(values: pl.Series) -> pl.Series:
    """Parse strings that are numbers (see :func:`epoch_seconds`) or ISO 8601 times.

    Returns:
        Float64 seconds; null where the text is neither.
    """
    numbers = epoch_seconds(values.cast(pl.Float64, strict=False))
    unread = numbers.is_null() & values.is_not_null()
    if not unread.any():
        return numbers
    rows = unread.arg_true()
    return numbers.scatter(rows, iso_seconds(values.gather(rows)))
