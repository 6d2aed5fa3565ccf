"""Families that nobody has named, for people and for programs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console

from enricher.families.discovery.figures import Apart, Discovery, Exemplar, Figures, Values
from enricher.report.text import duration, probability, safe, utc

_NAME, _LINE, _VALUE = 64, 400, 100
_MILLISECONDS, _SECOND = 1000.0, 1.0
_CERTAIN = 1.0


def print_discoveries(found: Sequence[Discovery], new: Collection[str], console: Console) -> None:
    """What was found, all that an analyst needs to name or dismiss it.

    Args:
        found: The discoveries.
        new: Ids of those that were not found before.
        console: Where to.
    """
    for one in found:
        head = f"{one.id}: {_status(one, new)}, {_counts(one.figures)}"
        console.out(head, highlight=False)
        for line in _figures(one.figures):
            console.out(f"  {line}", highlight=False)
    if any(one.status == "open" for one in found):
        console.out(
            "'enricher families name ID NAME' makes a family of one, 'enricher families dismiss "
            "ID' makes it benign.",
            highlight=False,
        )
    if not found:
        console.out("There is no family here that nobody has named.", highlight=False)


def print_counts(
    scored: Mapping[Any, int],
    candidates: Mapping[Any, int],
    sampled: Mapping[Any, int],
    clustered: Mapping[Any, int],
    console: Console,
) -> None:
    """How many records were looked at, by kind."""
    for kind, count in scored.items():
        console.out(
            f"{kind}: {count:,} records, {candidates.get(kind, 0):,} far from benign and from "
            f"every family, {sampled.get(kind, 0):,} compared, {clustered.get(kind, 0):,} of "
            "these in a discovery",
            highlight=False,
        )


def print_dismissed(one: Discovery, records: int, covered: float, console: Console) -> None:
    """What follows from dismissing a discovery."""
    console.out(
        f"{one.id} is dismissed: {records:,} of its records are benign from now on, and what the "
        f"model cannot tell from them ({covered:.0%} of what is kept of it). 'enricher feedback "
        "--list' shows them.",
        highlight=False,
    )


def discoveries_json(found: Sequence[Discovery], **more: Any) -> bytes:
    """The same as JSON."""
    return _json({"discoveries": [one.to_plain() for one in found], **more})


def discovery_json(one: Discovery, **more: Any) -> bytes:
    """One of them as JSON."""
    return _json(one.to_plain() | more)


def _json(plain: object) -> bytes:
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _status(one: Discovery, new: Collection[str]) -> str:
    if one.status == "open":
        return "new" if one.id in new else f"known since {utc(one.created)}"
    name = "" if one.became is None else f" {safe(one.became, _NAME)}"
    who = f" by {safe(one.author, _NAME)}" if one.author else ""
    why = f" ({safe(one.why, _VALUE)})" if one.why else ""
    return f"{one.status}{name}{who}{why}"


def _counts(figures: Figures) -> str:
    about = "" if figures.records == figures.sampled else "about "
    return f"{about}{figures.records:,} {figures.kind} records ({figures.sampled:,} compared)"


def _figures(figures: Figures) -> list[str]:
    return [
        f"when: {utc(figures.first)} to {utc(figures.last)}{_interval(figures)}",
        f"from: {_values(figures.sources)}",
        f"to: {_values(figures.destinations)}",
        f"ports: {_values(figures.ports)}",
        *(f"apart: {_apart(one)}" for one in figures.apart),
        f"nearest family: {_nearest(figures)}",
        f"cohesion: {figures.cohesion:.2f}",
        *(f"record: {_exemplar(one)}" for one in figures.exemplars),
    ]


def _interval(figures: Figures) -> str:
    if figures.interval is None:
        return ""
    every, deviation = figures.interval.seconds, figures.interval.deviation
    return f", between two hosts every {_length(every)} (\N{PLUS-MINUS SIGN} {_length(deviation)})"


def _length(seconds: float) -> str:
    if 0.0 <= seconds < _SECOND:
        return f"{_MILLISECONDS * seconds:.3g} ms"
    return duration(seconds)


def _values(values: Values) -> str:
    shown = ", ".join(f"{safe(one.value, _VALUE)} ({one.records:,})" for one in values.top)
    more = values.different - len(values.top)
    return (shown or "-") + (f" and {more:,} more" if more > 0 else "")


def _apart(one: Apart) -> str:
    return f"{safe(one.words, _LINE)} ({one.weight:.0%})"


def _nearest(figures: Figures) -> str:
    if figures.nearest is None:
        return "none"
    if figures.nearest_threshold > _CERTAIN:
        threshold = "switched off"
    else:
        threshold = f"found from {probability(figures.nearest_threshold)}"
    name = safe(figures.nearest, _NAME)
    return f"{name} (score {probability(figures.nearest_score)}, {threshold})"


def _exemplar(one: Exemplar) -> str:
    fields = " ".join(
        f"{safe(name, _NAME)}={safe(value, _VALUE)}" for name, value in one.fields.items()
    )
    place = safe(f"{one.origin} {one.uid}".strip(), _LINE)
    return f"{place} {utc(one.ts)} {fields}"
