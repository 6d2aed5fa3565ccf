"""Rows of a Zeek TSV log that agree with their header -> canonical columns.

Two ways lead to the same frame. The fast one hands typed columns to Polars, which stops at the
first value that is not of its type. The careful one lets Polars read all it can, and looks at
what it could not: too large numbers are clamped, times may be ISO 8601, the rest is bad. Both
use the same parser of numbers, so a row reads the same in either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from enricher.logs.escapes import unescape, unescape_lists
from enricher.logs.kinds import SCHEMAS, Kind
from enricher.logs.lines import Positions
from enricher.logs.paths import candidates, extra_columns
from enricher.logs.times import any_seconds, epoch_seconds
from enricher.logs.tsv_header import Header

PORTS = ("id.orig_p", "id.resp_p")
HIGHEST_PORT = 65535

_BOOLEANS = {"T": True, "F": False, "true": True, "false": False}
_INTEGER = r"^[+-]?\d+$"


@dataclass(slots=True)
class Columns:
    """The columns of some rows.

    Attributes:
        frame: Canonical columns, then those kept; only good rows.
        good: Indexes of those rows.
        bad: Row index, reason and detail of the others.
        clamped: Indexes of rows in which a number was clamped.
    """

    frame: pl.DataFrame
    good: Positions
    bad: list[tuple[int, str, str]] = field(default_factory=list)
    clamped: Positions = field(default_factory=lambda: np.zeros(0, np.int64))


class Plan:
    """Which column of a file becomes which canonical column."""

    def __init__(self, header: Header, kind: Kind, keep: Sequence[str]) -> None:
        self.header = header
        self.kind: Kind = kind
        self.schema = SCHEMAS[kind]
        self.keep = extra_columns(kind, keep)
        self.sources: dict[str, int] = {}
        for name in (*self.schema, *self.keep):
            found = (header.column(other) for other in candidates(name))
            position = next((place for place in found if place is not None), None)
            if position is not None:
                self.sources[name] = position
        self.split = [
            name
            for name in (*self.schema, *self.keep)
            if name in header.joined
            and name not in self.sources
            and self.schema.get(name, pl.String()) == pl.String
        ]

    def raw_schema(self) -> dict[str, pl.DataType]:
        """Types to parse the file's columns with: numbers typed, the rest as text."""
        types: dict[str, pl.DataType] = {
            str(i): pl.String() for i in range(len(self.header.fields))
        }
        for name, place in self.sources.items():
            wanted = self.schema.get(name, pl.String())
            if wanted.is_numeric():
                types[str(place)] = wanted
        return types

    def numbers(self) -> list[str]:
        """Canonical columns that are parsed as numbers."""
        return [name for name in self.sources if self.schema.get(name, pl.String()).is_numeric()]

    def parse(self, data: bytes, *, typed: bool, lenient: bool = False) -> pl.DataFrame:
        """Parse rows whose number of fields may be less, but not more, than the header's.

        Args:
            data: Rows, valid UTF-8.
            typed: Numbers as numbers; otherwise all as text.
            lenient: A value that is not of its type becomes null.

        Returns:
            One column for each of the file's, named by its position.

        Raises:
            pl.exceptions.PolarsError: If a row has too many fields, or a value is of another type.
        """
        header, separator = self.header, self.header.separator
        if len(separator) != 1 or not separator.isascii():
            # NUL has been cleaned out of the data before, so it is free.
            data, separator = data.replace(separator, b"\0"), b"\0"
        schema = self.raw_schema()
        return pl.read_csv(
            data,
            has_header=False,
            separator=separator.decode(),
            quote_char=None,
            null_values=[header.unset_field],
            empty_string_is_null=header.empty_field != "",
            schema=schema if typed else dict.fromkeys(schema, pl.String()),
            ignore_errors=lenient,
        )

    def finish(self, raw: pl.DataFrame, *, escaped: bool) -> pl.DataFrame | None:
        r"""Canonical columns of parsed rows, or None if one of the rows is bad.

        Args:
            raw: From :meth:`parse`, typed.
            escaped: There may be escapes in it.
        """
        if "ts" not in self.sources:
            return None
        columns: list[pl.Series] = []
        for name, wanted in (*self.schema.items(), *((k, pl.String()) for k in self.keep)):
            place = self.sources.get(name)
            if place is None:
                columns.append(pl.Series(name, [None], dtype=wanted).new_from_index(0, raw.height))
                continue
            values = self._convert(name, raw.to_series(place), wanted, escaped=escaped)
            if values is None:
                return None
            columns.append(values.alias(name))
        frame = pl.DataFrame(columns)
        return frame.with_columns(self._split(raw)) if self.split else frame

    def _convert(
        self, name: str, values: pl.Series, wanted: pl.DataType, *, escaped: bool
    ) -> pl.Series | None:
        if wanted.is_numeric():
            return _number(name, values)
        if wanted == pl.Boolean:
            flags = booleans(values)
            return None if flags.null_count() != values.null_count() else flags
        if not isinstance(wanted, pl.List):
            return self._text(values, escaped=escaped)
        parts = self._elements(values)
        if wanted.inner == pl.String:
            return unescape_lists(parts, doubled=True) if escaped else parts
        lists = parts.cast(wanted, strict=False)
        return None if _elements_lost(parts, lists).any() else lists

    def _text(self, values: pl.Series, *, escaped: bool) -> pl.Series:
        if values.null_count() == values.len():
            return values
        empty = self.header.empty_field
        if empty and (values == empty).any():
            values = values.set(values == empty, "")
        return unescape(values, doubled=True) if escaped else values

    def _elements(self, values: pl.Series) -> pl.Series:
        """Sets and vectors as lists of text. An element may be unset or empty by itself."""
        column, element = pl.col("v"), pl.element()
        header = self.header
        if values.null_count() == values.len():
            return pl.Series([None], dtype=pl.List(pl.String)).new_from_index(0, values.len())
        parts = (
            pl.when(column.is_in([header.empty_field, ""]))
            .then(pl.lit([], dtype=pl.List(pl.String)))
            .otherwise(column.str.split(header.set_separator or "\0"))
        )
        special = (
            pl.when(element == header.empty_field)
            .then(pl.lit(""))
            .otherwise(pl.when(element != header.unset_field).then(element))
        )
        return pl.DataFrame({"v": values}).select(parts.list.eval(special)).to_series()

    def _split(self, raw: pl.DataFrame) -> list[pl.Series]:
        """Values that the last column joins by spaces."""
        joined = self.header.joined
        parts = (
            raw.to_series(len(self.header.fields) - 1)
            .str.strip_chars(" ")
            .str.replace_all(r" +", " ")
            .str.splitn(" ", len(joined))
            .struct.unnest()
        )
        unset = self.header.unset_field
        columns = []
        for name in self.split:
            values = parts.to_series(joined.index(name))
            columns.append(values.set(values == unset, None).alias(name))
        return columns

    def careful(self, data: bytes, *, escaped: bool) -> Columns:
        """Canonical columns of rows that have the right number of fields, bad rows left out."""
        raw = self.parse(data, typed=True, lenient=True)
        text = self.parse(data, typed=False)
        bad: dict[int, tuple[str, str]] = {}
        clamped: list[int] = []
        repaired: list[pl.Series] = []
        for name in self.numbers():
            place = self.sources[name]
            values, shown = raw.to_series(place), text.to_series(place)
            if name == "ts":
                values = _times(values, shown)
                wrong = values.is_null()
            else:
                values, limits = _clamp(values, shown)
                clamped += [] if name in PORTS else limits.to_list()
                wrong = _wrong(name, values, shown)
            _note(bad, name, wrong, shown)
            repaired.append(values.alias(str(place)))
        if "ts" not in self.sources:
            _note(bad, "ts", pl.Series([True]).new_from_index(0, raw.height), None)
        for name, place in self.sources.items():
            shown = text.to_series(place)
            wanted = self.schema.get(name, pl.String())
            if wanted == pl.Boolean:
                wrong = booleans(shown).is_null() & shown.is_not_null()
                _note(bad, name, wrong, shown, flag=True)
            elif isinstance(wanted, pl.List) and wanted.inner.is_numeric():
                parts = self._elements(shown)
                lost = _elements_lost(parts, parts.cast(wanted, strict=False))
                _note(bad, name, lost, shown)
        good = np.ones(raw.height, dtype=bool)
        good[list(bad)] = False
        frame = self.finish(raw.with_columns(repaired).filter(good), escaped=escaped)
        if frame is None:
            frame = pl.DataFrame(schema={**self.schema, **dict.fromkeys(self.keep, pl.String())})
        rows = [(index, reason, detail) for index, (reason, detail) in sorted(bad.items())]
        return Columns(frame, np.flatnonzero(good), rows, np.unique(np.array(clamped, np.int64)))


def booleans(values: pl.Series) -> pl.Series:
    """``T`` and ``F`` as Boolean; null where the text is neither."""
    if values.null_count() == values.len():
        return values.cast(pl.Boolean)
    true = values == "T"
    if (true | (values == "F")).all():
        return true
    return values.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)


def _number(name: str, values: pl.Series) -> pl.Series | None:
    if name == "ts":
        times = epoch_seconds(values)
        return None if times.null_count() else times
    if name in PORTS:
        low, high = values.min(), values.max()
        wrong = isinstance(low, int) and isinstance(high, int) and (low < 0 or high > HIGHEST_PORT)
        return None if wrong else values
    if values.dtype.is_float():
        # A sum is one pass; one that is not finite may be of numbers that are.
        finite = math.isfinite(values.sum()) or values.is_finite().all()
        return values if finite else None
    return values


def _times(values: pl.Series, shown: pl.Series) -> pl.Series:
    times = epoch_seconds(values)
    unread = (values.is_null() & shown.is_not_null()).arg_true()
    return times.scatter(unread, any_seconds(shown.gather(unread))) if unread.len() else times


def _clamp(values: pl.Series, shown: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whole numbers that are too large for their type, brought to its limits."""
    unread = (values.is_null() & shown.is_not_null()).arg_true()
    if not values.dtype.is_integer() or not unread.len():
        return values, unread.clear()
    texts = shown.gather(unread)
    whole = texts.str.contains(_INTEGER)
    unread, texts = unread.filter(whole), texts.filter(whole)
    high = np.iinfo(np.int32 if values.dtype == pl.Int32 else np.int64).max
    # The lowest is one further from zero; nobody counts down to there.
    signs = np.where(texts.str.starts_with("-").to_numpy(), -1, 1)
    wanted = pl.Series(signs * high, dtype=values.dtype)
    return values.scatter(unread, wanted) if unread.len() else values, unread


def _wrong(name: str, values: pl.Series, shown: pl.Series) -> pl.Series:
    wrong = values.is_null() & shown.is_not_null()
    if name in PORTS:
        return wrong | ((values < 0) | (values > HIGHEST_PORT)).fill_null(value=False)
    if values.dtype.is_float():
        return wrong | ~values.is_finite().fill_null(value=True)
    return wrong


def _elements_lost(parts: pl.Series, lists: pl.Series) -> pl.Series:
    """Where an element that is not unset is no finite number."""
    if parts.explode().null_count() == lists.explode().null_count():
        flat = lists.explode()
        if flat.is_finite().all():
            return pl.Series([False]).new_from_index(0, parts.len())
    lost = (
        parts.list.eval(pl.element().is_null()).list.sum()
        != lists.list.eval(pl.element().is_null()).list.sum()
    )
    infinite = lists.list.eval(~pl.element().is_finite()).list.any()
    return lost.fill_null(value=False) | infinite.fill_null(value=False)


def _note(
    bad: dict[int, tuple[str, str]],
    name: str,
    wrong: pl.Series,
    shown: pl.Series | None,
    *,
    flag: bool = False,
) -> None:
    for index in wrong.arg_true():
        value = None if shown is None else shown[index]
        if name == "ts":
            reason, what = "bad_time", "no time, neither seconds since 1970 nor ISO 8601"
        elif name in PORTS:
            reason, what = "bad_number", f"no port from 0 to {HIGHEST_PORT}"
        else:
            reason, what = ("bad_bool", "neither T nor F") if flag else ("bad_number", "no number")
        shown_value = "absent" if value is None else ascii(value[:40])
        bad.setdefault(index, (reason, f"{name} is {shown_value}, {what}"))
