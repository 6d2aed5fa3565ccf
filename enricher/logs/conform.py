"""Single JSON values brought into the shape of a column type, for lines Polars does not take."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
import polars as pl
from polars.datatypes import DataTypeClass

from enricher.logs.kinds import Schema

_LIMITS: dict[pl.DataType, tuple[int, int]] = {
    pl.Int32(): (-(2**31), 2**31 - 1),
    pl.Int64(): (-(2**63), 2**63 - 1),
}
_LONGEST_NUMBER = 40
_FLAGS = {"T": True, "F": False, "true": True, "false": False}


class MisfitError(Exception):
    """A value that is not of its column's type.

    Args:
        reason: ``bad_json`` or ``bad_type``.
        detail: One sentence for the user.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def fits(value: Any, dtype: pl.DataType) -> bool:
    """Whether Polars takes ``value`` for a column of type ``dtype`` as it is."""
    if value is None or dtype == pl.String:
        return True
    if limits := _LIMITS.get(dtype):
        return type(value) is int and limits[0] <= value <= limits[1]
    if dtype == pl.Float64:
        return type(value) is float or type(value) is int
    if dtype == pl.Boolean:
        return type(value) is bool
    if isinstance(dtype, pl.List):
        return type(value) is list and all(fits(part, _inner(dtype)) for part in value)
    return type(value) is dict and all(
        fits(value.get(field.name), _instance(field.dtype)) for field in _fields(dtype)
    )


def conformed(line: bytes, schema: Schema) -> tuple[bytes, set[str]]:
    """Write a line anew with the keys and types of ``schema``, where that loses nothing.

    Of a key that comes twice the first counts, as with Polars. Whole numbers too large for
    their column are clamped; numbers and truth values written as text are taken.

    Returns:
        The new line, and what was repaired: ``clamped_integer``, ``invalid_utf8`` (half of a
        surrogate pair), ``control_character`` (raw, inside of text).

    Raises:
        MisfitError: If the line is no JSON object, or a value is of quite another type.
    """
    repaired: set[str] = set()
    record = _parse(line, repaired)
    types = {name: record.get(name) for name in schema}
    values = {
        name: _shaped(name, value, schema[name], repaired)
        for name, value in types.items()
        if value is not None
    }
    return orjson.dumps(values), repaired


def _parse(line: bytes, repaired: set[str]) -> dict[str, Any]:
    text = line.decode()
    try:
        record = json.loads(
            text, object_pairs_hook=_first_wins, parse_constant=_no_constant, strict=False
        )
    except RecursionError:
        raise MisfitError("bad_json", "the line nests too deep") from None
    except ValueError as error:
        # Python's own text is used only for its position: it never repeats the line.
        place = error.colno if isinstance(error, json.JSONDecodeError) else 1
        raise MisfitError("bad_json", f"the line is no JSON at character {place}") from None
    if not isinstance(record, dict):
        raise MisfitError("bad_json", "the line is JSON, but no object")
    if any(character < " " for character in text.strip()):
        repaired.add("control_character")
    return record


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, value in pairs:
        record.setdefault(key, value)
    return record


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _shaped(name: str, value: Any, dtype: pl.DataType, repaired: set[str]) -> Any:
    if value is None:
        return None
    if isinstance(dtype, pl.List):
        return _list(name, value, dtype, repaired)
    if isinstance(dtype, pl.Struct):
        return _object(name, value, dtype, repaired)
    if limits := _LIMITS.get(dtype):
        return _integer(name, value, limits, repaired)
    if dtype == pl.Float64:
        return _number(name, value)
    return _flag(name, value) if dtype == pl.Boolean else _text(value, repaired)


def _list(name: str, value: Any, dtype: pl.List, repaired: set[str]) -> list[Any]:
    if isinstance(value, dict):
        raise _misfit(name, value, "a list")
    # Some shippers write a list of one element as that element.
    parts = value if isinstance(value, list) else [value]
    return [_shaped(name, part, _inner(dtype), repaired) for part in parts]


def _object(name: str, value: Any, dtype: pl.Struct, repaired: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _misfit(name, value, "an object")
    return {
        field.name: _shaped(f"{name}.{field.name}", part, _instance(field.dtype), repaired)
        for field in dtype.fields
        if (part := value.get(field.name)) is not None
    }


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _FLAGS:
        return _FLAGS[value]
    raise _misfit(name, value, "true or false")


def _text(value: Any, repaired: set[str]) -> str:
    if not isinstance(value, str):
        try:
            value = _written(value)
        except RecursionError:
            raise MisfitError("bad_json", "the line nests too deep") from None
    try:
        value.encode()
    except UnicodeEncodeError:
        repaired.add("invalid_utf8")
        # Halves that stand next to each other make a pair; a lone half makes U+FFFD.
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text: str = value
    return text


def _written(value: Any) -> str:
    """JSON of a value, with numbers as Polars writes them: all digits, no exponent."""
    if isinstance(value, float) and math.isfinite(value):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        parts = (f"{_written(key)}: {_written(part)}" for key, part in value.items())
        return "{" + ", ".join(parts) + "}"
    return json.dumps(value, ensure_ascii=False)


def _integer(name: str, value: Any, limits: tuple[int, int], repaired: set[str]) -> int:
    number = value
    if isinstance(number, str) and len(number) <= _LONGEST_NUMBER:
        try:
            number = int(number)
        except ValueError:
            raise _misfit(name, value, "a whole number") from None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise _misfit(name, value, "a whole number")
    low, high = limits
    if not low <= number <= high:
        repaired.add("clamped_integer")
    return max(low, min(number, high))


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool | list | dict):
        raise _misfit(name, value, "a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _misfit(name, value, "a number that is finite")
    return number


def _misfit(name: str, value: Any, wanted: str) -> MisfitError:
    shown = ascii(value)[:40] if isinstance(value, str | float | bool) else type(value).__name__
    return MisfitError("bad_type", f"{name} is {shown}, not {wanted}")


def _inner(dtype: pl.List) -> pl.DataType:
    return _instance(dtype.inner)


def _fields(dtype: pl.DataType) -> list[pl.Field]:
    assert isinstance(dtype, pl.Struct)
    return dtype.fields


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def well_formed(record: Any, typed: Mapping[str, pl.DataType]) -> bool:
    """Whether a parsed line is an object whose values for ``typed`` are of those types."""
    return type(record) is dict and all(
        fits(record.get(name), dtype) for name, dtype in typed.items()
    )
