"""Bounds on what a summary keeps: lengths, numbers of fields, numbers of counted names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

NAME_LIMIT = 64
COUNTED_NAMES = 100
PASSED_PREFIX = "event:"

_FIELDS, _LIST_LIMIT = 100, 50
_VALUE_LIMIT, _TEXT_LIMIT = 2000, 4000

Scalar: TypeAlias = str | int | float | bool | None
Record: TypeAlias = dict[str, Scalar | list[Scalar]]


def add_counts(counts: dict[str, int], more: Mapping[str, int]) -> None:
    """Add counts by name; names beyond ``COUNTED_NAMES`` become ``other``.

    A name such as ``event:…`` is taken from the log, so the number of names is not ours to choose.
    """
    for name, number in more.items():
        short = bounded(name, NAME_LIMIT)
        if short not in counts and len(counts) >= COUNTED_NAMES:
            short = f"{PASSED_PREFIX}other" if name.startswith(PASSED_PREFIX) else "other"
        counts[short] = counts.get(short, 0) + number


def top(counts: Mapping[str, int], number: int) -> tuple[list[tuple[str, int]], int]:
    """The largest counts, and the sum of the rest."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ordered[:number], sum(n for _, n in ordered[number:])


def bounded(text: str, limit: int) -> str:
    """Text cut to a length, with lone surrogates written out, otherwise as it is."""
    text = _cut(text, limit)
    return _cut(text.encode("utf-8", "backslashreplace").decode("utf-8"), limit)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    keep = (limit - 1) // 2
    return f"{text[: limit - 1 - keep]}…{text[len(text) - keep :]}"


def bounded_record(record: Mapping[str, Any]) -> Record:
    """A record's present values, bounded in number and length, as JSON values."""
    out: Record = {}
    for name, value in record.items():
        if value is None or name.startswith("_"):
            continue
        if len(out) >= _FIELDS:
            out["…"] = f"{len(record) - _FIELDS} more fields"
            break
        key = bounded(name, NAME_LIMIT)
        if isinstance(value, list | tuple):
            items = [_scalar(item) for item in value[:_LIST_LIMIT]]
            more = len(value) - _LIST_LIMIT
            out[key] = [*items, f"… {more} more"] if more > 0 else items
        else:
            out[key] = _scalar(value)
    return out


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else hex(value)[:_VALUE_LIMIT]
    if isinstance(value, float):
        return finite(value)
    return bounded(value if isinstance(value, str) else str(value), _VALUE_LIMIT)


def finite(value: float) -> float | None:
    """The number, or None where it is NaN or infinite."""
    number = float(value)
    return number if math.isfinite(number) else None


def jsonable(value: Any) -> Any:
    """Strict JSON of bounded size: no NaN, no lone surrogates, no text without end."""
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        for key, item in value.items():
            name = bounded(str(key), _VALUE_LIMIT)
            clash = isinstance(item, int) and isinstance(out.get(name), int)
            out[name] = out[name] + item if clash else jsonable(item)
        return out
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, float):
        return finite(value)
    return bounded(value, _TEXT_LIMIT) if isinstance(value, str) else value
