"""The state of live grouping as plain values for JSON, and back, checked and bounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from enricher.alerts.alert import Detection, Verdict
from enricher.alerts.flagged import COLUMNS, MAX_FIELD_CHARACTERS, MAX_LIST_ELEMENTS, Row
from enricher.alerts.group import Group
from enricher.alerts.partials import MAX_DESTINATIONS, MAX_SOURCE_CHARACTERS
from enricher.detector.false_discovery import LEVELS
from enricher.detector.family_names import MAX_NAME_LENGTH
from enricher.logs import KINDS, SCHEMAS, Kind

Pack = Callable[[object], Any]
"""Makes plain values of the evidence of a record."""
Unpack = Callable[[Any], object]
"""Makes evidence of them again."""

_MANY = 10_000_000
_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}

Name = Annotated[str, Field(max_length=MAX_NAME_LENGTH)]
Source = Annotated[str, Field(max_length=MAX_SOURCE_CHARACTERS)]
Count = Annotated[int, Field(ge=0)]
Window = Annotated[int, Field(ge=-(10**12), le=10**12)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Level = Annotated[int, Field(ge=0, lt=len(LEVELS))]
KeyAndWindow = tuple[Source, Name, Window, Window]
"""Source, family and window of a group, and the window that it closes with."""
Counts = Annotated[dict[str, Count], Field(max_length=100_000)]
Day = tuple[int, Name, Count]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class StoredDetection(_Stored):
    """A :class:`Detection`; ``record`` has its values in the order of the kind's columns."""

    kind: Kind
    record: list[Any] = Field(max_length=256)
    origin: str = Field(max_length=65_536)
    verdict: Verdict
    family: Name
    nearest: Name
    score: float
    novelty: float
    p_value: Share


class StoredGroup(_Stored):
    """An open group that is shown, with its key."""

    key: KeyAndWindow
    rank: tuple[float, float, float, int, int]
    strongest: StoredDetection
    evidence: Any
    first_ts: float
    last_ts: float
    count: Count
    kinds: list[Count] = Field(min_length=len(KINDS), max_length=len(KINDS))
    lowest_p: list[Share] = Field(min_length=len(KINDS), max_length=len(KINDS))
    destinations: Annotated[list[int], Field(max_length=MAX_DESTINATIONS)] | None


class StoredState(_Stored):
    """All of it; each part knows what its own values mean."""

    format: Literal[1] = 1
    window_seconds: float
    clock: list[float] = Field(max_length=3)
    totals: list[tuple[Kind, Window, Count]] = Field(max_length=_MANY)
    rare: list[tuple[Kind, Window, list[tuple[Level, Count]]]] = Field(max_length=_MANY)
    opened: list[Day] = Field(max_length=_MANY)
    held_back: list[Day] = Field(max_length=_MANY)
    held_back_in_all: Counts
    groups: list[StoredGroup] = Field(max_length=_MANY)
    silent: list[KeyAndWindow] = Field(max_length=_MANY)
    over: list[KeyAndWindow] = Field(max_length=_MANY)
    suppressed: Counts
    late: Counts
    within_chance: Count
    closed_early: Count


def store_group(key: KeyAndWindow, group: Group, pack: Pack | None) -> StoredGroup:
    """A group as plain values; without ``pack``, its evidence is not kept."""
    shown = group.strongest
    assert shown is not None  # live, every group is shown
    return StoredGroup.model_construct(
        key=key,
        rank=group.rank,
        strongest=StoredDetection.model_construct(
            kind=shown.kind,
            record=[_plain(value) for value in shown.record.values()],
            origin=shown.origin,
            verdict=shown.verdict,
            family=shown.family,
            nearest=shown.nearest,
            score=shown.score,
            novelty=shown.novelty,
            p_value=shown.p_value,
        ),
        evidence=None if pack is None or group.evidence is None else pack(group.evidence),
        first_ts=group.first_ts,
        last_ts=group.last_ts,
        count=group.count,
        kinds=list(group.kinds),
        lowest_p=list(group.lowest_p),
        destinations=None if group.destinations is None else sorted(group.destinations),
    )


def restore_group(stored: StoredGroup, unpack: Unpack | None) -> Group:
    """The group again.

    Raises:
        ValueError: If the record is none of its kind.
    """
    return Group(
        rank=stored.rank,
        strongest=_detection(stored.strongest),
        evidence=None if unpack is None or stored.evidence is None else unpack(stored.evidence),
        first_ts=stored.first_ts,
        last_ts=stored.last_ts,
        count=stored.count,
        kinds=list(stored.kinds),
        lowest_p=list(stored.lowest_p),
        destinations=None if stored.destinations is None else set(stored.destinations),
    )


def _detection(stored: StoredDetection) -> Detection:
    kind, schema = stored.kind, SCHEMAS[stored.kind]
    if len(stored.record) != len(schema):
        raise ValueError(f"a {kind} record has {len(schema)} columns, got {len(stored.record)}")
    values = tuple(
        _value(dtype, value) for dtype, value in zip(schema.values(), stored.record, strict=True)
    )
    return Detection(
        kind=kind,
        record=Row(COLUMNS[kind], values),
        origin=stored.origin,
        verdict=stored.verdict,
        family=stored.family,
        nearest=stored.nearest,
        score=stored.score,
        novelty=stored.novelty,
        p_value=stored.p_value,
    )


def _plain(value: Any) -> Any:
    """A value of a record; JSON has no numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _value(dtype: pl.DataType, value: Any) -> Any:
    """A value of a record again, if it is one that its column can have."""
    if value is None:
        return None
    if isinstance(dtype, pl.List) and isinstance(value, list) and len(value) <= MAX_LIST_ELEMENTS:
        inner = dtype.inner
        assert isinstance(inner, pl.DataType)
        return [_value(inner, one) for one in value]
    if dtype == pl.Float64() and isinstance(value, (float, int, str)):
        number = _NOT_FINITE.get(value) if isinstance(value, str) else float(value)
        if number is not None:
            return number
    elif dtype == pl.String():
        if isinstance(value, str) and len(value) <= MAX_FIELD_CHARACTERS:
            return value
    elif dtype == pl.Boolean():
        if isinstance(value, bool):
            return value
    elif dtype.is_integer() and isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"a column of {dtype} can not have {str(value)[:80]!r}")
