"""Plots of a scan, as SVG images that stand inside the page.

Each comes for a light and a dark page. They are shown through ``<img>``, where nothing in an SVG
can act, and their text is drawn as paths. Labels come from logs and from families' names, so they
are never taken for mathematical notation and hold no letter that the font lacks.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from enricher.report.bounds import top
from enricher.report.chart_style import (
    SMALL,
    Painter,
    Theme,
    image,
    label,
    legend,
    powers_of_ten,
    settings,
    style,
    time_axis,
    whole_numbers,
)
from enricher.report.parts import SCORE_BINS, KindAccount
from enricher.report.summary import ScanSummary
from enricher.report.text import count, duration, safe, things, utc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FAMILIES = 6
_KINDS = 6
_KIND_LIMIT = 12
_SOURCES = 10
_OTHERS = "other families"
_WIDE, _HALF = 9.2, 4.5


@dataclass(frozen=True, slots=True)
class Plot:
    """A finished image.

    Attributes:
        title: Its heading.
        alt: What it shows, in words.
        wide: Whether it needs the whole width of the page.
        light: ``data:`` address of the image for light pages and for paper.
        dark: The same for dark pages.
    """

    title: str
    alt: str
    wide: bool
    light: str
    dark: str


_Figure: TypeAlias = tuple[str, str, tuple[float, float], Painter]


def prepare() -> threading.Thread:
    """Load what draws in the background, for it takes most of a second; join before drawing."""

    def load() -> None:
        with settings():
            importlib.import_module("matplotlib.figure")

    thread = threading.Thread(target=load, name="load-plots", daemon=True)
    thread.start()
    return thread


def draw(summary: ScanSummary) -> list[Plot]:
    """The plots that the summary has data for."""
    plots = []
    with settings():
        for title, alt, size, paint in _figures(summary):
            light, dark = image(paint, size)
            plots.append(Plot(title, alt, size[0] == _WIDE, light, dark))
    return plots


def _figures(summary: ScanSummary) -> Iterator[_Figure]:
    """Title, description, size in inches, and what draws it, of each plot that has data."""
    if summary.timeline.records:
        yield (
            "Over time",
            _alt_timeline(summary),
            (_WIDE, 3.2 if _has_alerts(summary) else 1.7),
            lambda figure, theme: _paint_timeline(summary, figure, theme),
        )
    if _scored(summary):
        yield (
            "Records by verdict",
            _alt_verdicts(summary),
            (_HALF, 2.9),
            lambda figure, theme: _paint_verdicts(summary, figure.subplots(), theme),
        )
        yield (
            "Records by score",
            _alt_scores(summary),
            (_HALF, 2.9),
            lambda figure, theme: _paint_scores(summary, figure.subplots(), theme),
        )
    if summary.sources:
        yield (
            "Top sources",
            _alt_sources(summary),
            (_WIDE, max(1.6, 0.95 + 0.25 * min(_SOURCES, len(summary.sources)))),
            lambda figure, theme: _paint_sources(summary, figure.subplots(), theme),
        )


def _scored(summary: ScanSummary) -> list[tuple[str, KindAccount]]:
    """The kinds with scored records, largest first where there are too many to show."""
    kinds = [(kind, account) for kind, account in summary.kinds.items() if account.scored]
    if len(kinds) <= _KINDS:
        return kinds
    return sorted(kinds, key=lambda pair: -pair[1].scored)[:_KINDS]


def _series(
    summary: ScanSummary, counts: Mapping[str, Sequence[int]], length: int, theme: Theme
) -> Iterator[tuple[str, Sequence[int], str]]:
    """Label, counts and colour of each family; those beyond the palette are added up.

    A family has the same colour in every plot.
    """
    named = [name for name, _ in top(summary.alerts.written, _FAMILIES)[0]]
    for name, color in zip(named, theme.series, strict=False):
        if any(counts.get(name, ())):
            yield label(name), counts[name], color
    rest = [row for name, row in counts.items() if name not in named]
    if rest:
        summed = [sum(column) for column in zip(*rest, strict=True)]
        if any(summed):
            yield _OTHERS, summed[:length], theme.series[-1]


def _paint_timeline(summary: ScanSummary, figure: Figure, theme: Theme) -> None:
    line = summary.timeline
    ends = [line.start + line.width * i for i in range(len(line.records) + 1)]
    if _has_alerts(summary):
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
        _paint_alerts(summary, upper, theme)
    else:
        lower = figure.subplots()
    lower.stairs(line.records, ends, fill=True, color=theme.quiet)
    style(lower, theme, "records")
    lower.set_ylim(0, max(1.0, max(line.records) * 1.1))
    whole_numbers(lower, "y")
    time_axis(lower, theme, ends[0], ends[-1])


def _has_alerts(summary: ScanSummary) -> bool:
    return any(any(row) for row in summary.timeline.alerts.values())


def _paint_alerts(summary: ScanSummary, axes: Axes, theme: Theme) -> None:
    line = summary.timeline
    starts = [line.start + line.width * i for i in range(len(line.records))]
    bottom = [0] * len(starts)
    for name, counts, color in _series(summary, line.alerts, len(starts), theme):
        # Hundreds of bars of no height would only make the page larger.
        bars = [(t, n, b) for t, n, b in zip(starts, counts, bottom, strict=True) if n]
        lefts, heights, bottoms = zip(*bars, strict=True)
        axes.bar(lefts, heights, line.width * 0.86, bottoms, align="edge", color=color, label=name)
        bottom = [a + b for a, b in zip(bottom, counts, strict=True)]
    style(axes, theme, "alerts")
    axes.set_ylim(0, max(1.0, max(bottom) * 1.1))
    whole_numbers(axes, "y")
    legend(axes, theme, _WIDE - 1)


def _alt_timeline(summary: ScanSummary) -> str:
    line = summary.timeline
    text = f"Alerts and records every {duration(line.width)} from {utc(line.start)} UTC. "
    if not _has_alerts(summary):
        return text + "There are no alerts."
    sums = [sum(bucket) for bucket in zip(*line.alerts.values(), strict=True)]
    peak = max(range(len(sums)), key=sums.__getitem__)
    most = things(sums[peak], "alert")
    return text + f"The busiest step has {most}, from {utc(line.start + peak * line.width)} on."


def _paint_verdicts(summary: ScanSummary, axes: Axes, theme: Theme) -> None:
    kinds = _scored(summary)
    series = (
        ("benign", [a.benign for _, a in kinds], theme.quiet),
        ("known family", [sum(a.families.values()) for _, a in kinds], theme.series[4]),
        ("unknown", [a.unknown for _, a in kinds], theme.series[0]),
    )
    for number, (name, values, color) in enumerate(series):
        places = [i + 0.27 * (number - 1) for i in range(len(kinds))]
        axes.barh(places, values, 0.23, color=color, label=name)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                count(value),
                (max(value, 0.7), place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL - 1,
                color=theme.text,
            )
    style(axes, theme, "", grid="x")
    highest = max(account.scored for _, account in kinds)
    powers_of_ten(axes, "x", highest)
    axes.set_xlim(0.7, 20 * highest)
    axes.set_yticks(range(len(kinds)), [label(kind, _KIND_LIMIT) for kind, _ in kinds])
    axes.invert_yaxis()
    axes.set_xlabel("records (logarithmic scale)", color=theme.text, fontsize=SMALL)
    legend(axes, theme, _HALF - 0.9)


def _alt_verdicts(summary: ScanSummary) -> str:
    parts = [
        f"{safe(kind, _KIND_LIMIT)}: {count(a.benign)} benign, "
        f"{count(sum(a.families.values()))} of known families, {count(a.unknown)} unknown"
        for kind, a in _scored(summary)
    ]
    return "Scored records by log kind and verdict. " + "; ".join(parts) + "."


def _paint_scores(summary: ScanSummary, axes: Axes, theme: Theme) -> None:
    edges = [i / SCORE_BINS for i in range(SCORE_BINS + 1)]
    kinds = _scored(summary)
    for (kind, account), color in zip(kinds, theme.series, strict=False):
        axes.stairs(
            account.score_histogram,
            edges,
            color=color,
            linewidth=1.6,
            label=label(kind, _KIND_LIMIT),
        )
    style(axes, theme, "records (logarithmic scale)")
    highest = max(max(account.score_histogram) for _, account in kinds)
    powers_of_ten(axes, "y", highest)
    axes.set_ylim(0.7, 2 * max(1, highest))
    axes.set_xlim(0, 1)
    axes.set_xlabel("score, 0 benign to 1 attack", color=theme.text, fontsize=SMALL)
    legend(axes, theme, _HALF - 0.9)


def _alt_scores(summary: ScanSummary) -> str:
    total = summary.totals
    high = sum(total.score_histogram[SCORE_BINS // 2 :])
    return (
        "Records of each log kind by their score, from 0 (benign) to 1 (attack). "
        f"{things(high, 'record')} of {count(total.scored)} score 0.5 or more."
    )


def _paint_sources(summary: ScanSummary, axes: Axes, theme: Theme) -> None:
    rows = summary.sources[:_SOURCES]
    families = dict.fromkeys(name for row in rows for name in row.alerts)
    counts = {name: [row.alerts.get(name, 0) for row in rows] for name in families}
    left = [0] * len(rows)
    for name, values, color in _series(summary, counts, len(rows), theme):
        axes.barh(range(len(rows)), values, 0.62, left, color=color, label=name)
        left = [a + b for a, b in zip(left, values, strict=True)]
    style(axes, theme, "", grid="x")
    axes.set_yticks(range(len(rows)), [label(row.source) for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, max([1, *left]) * 1.03)
    axes.set_xlabel("alerts", color=theme.text, fontsize=SMALL)
    whole_numbers(axes, "x")
    legend(axes, theme, _WIDE / 2)


def _alt_sources(summary: ScanSummary) -> str:
    parts = [f"{safe(s.source, 40)} {sum(s.alerts.values())}" for s in summary.sources[:_SOURCES]]
    return "Alerts of the sources to look at first: " + ", ".join(parts) + "."
