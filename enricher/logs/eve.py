"""Reader of Suricata's EVE logs: ``flow``, ``http``, ``dns`` and ``tls`` events."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from enricher.logs.batch import Block, ReadResult
from enricher.logs.eve_columns import COLUMNS, listed_answers, only_grouped
from enricher.logs.eve_raw import ALL, EVENTS, RARE, RAW, dns
from enricher.logs.finish import Outcome, unescape_columns
from enricher.logs.kinds import SCHEMAS, Schema
from enricher.logs.lines import Lines, Positions, clean, is_clean, whole_lines
from enricher.logs.ndjson import Parsed, attempt, parse
from enricher.logs.paths import PassedCounter, extra_columns
from enricher.logs.times import any_seconds

_TYPE: Schema = {"event_type": pl.String()}
# Text from its first escaped character on, and what makes a key of it: a name may be spelled so.
# It always matches as far as it reads, so that no byte is looked at twice.
_ESCAPED = re.compile(rb"\\u(?:[^\"\\]|\\.)*+(\"\s*:)?", re.DOTALL)


class EveReader:
    """Turns the blocks of one EVE log, in order, into batches of conn, http, dns and ssl records.

    Events of Suricata 6, 7 (``dns`` version 2) and 8 (version 3) are mapped to the canonical
    columns as :mod:`enricher.logs.eve_columns` tells. ``ts`` is the start of a flow, the
    event's ``timestamp`` otherwise; ``uid`` is ``S`` and the flow's id, the same in all events
    of a flow, as Zeek's is in all logs. The client is always the originator.

    Kept after a repair, rejected: as with :class:`enricher.logs.ZeekJsonReader`. Events of other
    types are passed as ``event:…``.

    Args:
        name: The file's path, for messages.
        keep: Further keys of the event itself to keep, as strings.
    """

    def __init__(self, name: str, keep: Sequence[str] = ()) -> None:
        self.name = name
        self._keep = tuple(keep)
        self._passed = PassedCounter("event")

    def read(self, block: Block) -> ReadResult:
        """Parse one block; see :class:`enricher.logs.ReadResult`."""
        data, unfinished = whole_lines(block)
        outcome = Outcome(block, data, unfinished)
        if not data:
            return outcome.result()
        if not is_clean(data):
            data = clean(data, outcome.repairs)
        extra = {name: ALL.get(name, pl.String()) for name in self._keep}
        together = _attempt(data, {**ALL, **extra})
        found = together or parse(data, _TYPE, outcome.repairs)
        for index, reason, detail in found.bad:
            outcome.reject(index, reason, detail)
        types = found.frame["event_type"]
        lines = Lines.of(data)
        for event in EVENTS:
            mine = (types == event).fill_null(value=False)
            if not mine.any():
                continue
            index = found.index[mine.to_numpy()]
            if together is None:
                events = self._parse(event, lines, index, extra, outcome)
            else:
                events = Parsed(found.frame.filter(mine), index)
            self._add(event, events, outcome)
        result = outcome.result()
        others = types.filter(~types.is_in(list(EVENTS)).fill_null(value=False))
        counted = others.to_frame().group_by("event_type", maintain_order=True).len()
        result.passed = self._passed.count(counted.iter_rows())
        return result

    def _parse(
        self, event: str, lines: Lines, index: Positions, extra: Schema, outcome: Outcome
    ) -> Parsed:
        mask = np.zeros(len(lines), dtype=bool)
        mask[index] = True
        found = parse(lines.take(mask), {**RAW[event], **extra}, outcome.repairs, index)
        for line, reason, detail in found.bad:
            outcome.reject(int(index[line]), reason, detail)
        return Parsed(found.frame, index[found.index])

    def _add(self, event: str, found: Parsed, outcome: Outcome) -> None:
        kind = EVENTS[event]
        raw = found.frame
        shown = raw["timestamp"]
        if event == "flow":
            start = raw["flow"].struct.field("start")
            shown = pl.select(pl.coalesce(start, shown)).to_series()
            raw = raw.with_columns(any_seconds(raw["flow"].struct.field("end")).alias("_end"))
        raw = raw.with_columns(any_seconds(shown).alias("ts"))
        mapped = COLUMNS[event]()
        if event == "dns" and not raw.select(only_grouped()).item():
            mapped["answers"] = listed_answers()
        columns = [pl.col("ts")]
        for name, dtype in SCHEMAS[kind].items():
            if name != "ts":
                columns.append(mapped.get(name, pl.lit(None)).cast(dtype).alias(name))
        kept = [_as_text(raw[name]) for name in extra_columns(kind, self._keep)]
        frame = raw.select([*columns, *kept])
        if b"\\" in outcome.data:
            frame = unescape_columns(frame)
        outcome.add(kind, frame, found.index, shown)


def _attempt(data: bytes, schema: Schema) -> Parsed | None:
    """Read all events if they are good, rare parts only where their names stand in the data."""
    if any(found[1] for found in _ESCAPED.finditer(data)):
        return attempt(data, schema)
    rare = {name for name in RARE if f'"{name}"'.encode() in data}
    # Suricata gives answers twice: listed one by one, which is what is taken, and grouped.
    found = _with(rare - {"grouped"}, data, schema)
    if found is not None and "grouped" in rare and _grouped_only(data, found):
        return _with(rare, data, schema)
    return found


def _with(rare: Collection[str], data: bytes, schema: Schema) -> Parsed | None:
    found = attempt(data, {**schema, **dns(rare)})
    if found is not None:
        found.frame = found.frame.with_columns(pl.col("dns").cast(schema["dns"]))
    return found


def _grouped_only(data: bytes, found: Parsed) -> bool:
    """Whether there may be events with grouped answers and none that are listed."""
    unlisted = pl.col("dns").is_not_null() & listed_answers().is_null()
    lines = Lines.of(data)
    mask = np.zeros(len(lines), dtype=bool)
    mask[found.index[found.frame.select(unlisted).to_series().to_numpy()]] = True
    return b'"grouped"' in lines.take(mask)


def _as_text(values: pl.Series) -> pl.Series:
    return values.struct.json_encode() if values.dtype == pl.Struct else values.cast(pl.String)
