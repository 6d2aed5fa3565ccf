"""How every plot looks, and how matplotlib is kept quiet, offline and to itself."""

from __future__ import annotations

import atexit
import base64
import io
import logging
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from enricher.report.text import count, safe, utc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

LABEL_LIMIT = 28
SMALL = 8.0
_TICKS = 9
# Inches that a column of a legend needs beside its label.
_LEGEND_COLUMN = 0.36
_STEPS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200),
    *(86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000),
)
_MINUTE, _DAY, _SHORT_OF_YEARS = 60, 86400, 300 * 86400


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a page.

    Attributes:
        text: Labels.
        line: Grid and axes.
        quiet: What is ordinary: benign records, all records.
        series: Families and kinds; Okabe and Ito's palette (2008), which readers with any kind
            of colour vision can tell apart. The last one is for 'others'.
    """

    text: str
    line: str
    quiet: str
    series: tuple[str, ...]


LIGHT = Theme(
    text="#3d4852",
    line="#d9dfe5",
    quiet="#a9b4bf",
    series=("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#78838f"),
)
DARK = Theme(
    text="#c3ccd6",
    line="#343e49",
    quiet="#667484",
    series=("#4ba3dc", "#f0b840", "#2fc39a", "#e09cc4", "#ee7e3b", "#8fd0f5", "#8a94a0"),
)

_DARK_OF = dict(
    zip(
        (LIGHT.text, LIGHT.line, LIGHT.quiet, *LIGHT.series),
        (DARK.text, DARK.line, DARK.quiet, *DARK.series),
        strict=True,
    )
)
_COLOR = re.compile("|".join(_DARK_OF))

Painter: TypeAlias = Callable[["Figure", Theme], None]

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine draws the same
    "font.size": SMALL,
    "svg.fonttype": "path",
    "svg.hashsalt": "enricher",  # otherwise identifiers in the SVG are random
    "text.parse_math": False,  # a family called $x^2$ is not mathematics
    "text.usetex": False,
    "axes.unicode_minus": False,
}


@contextmanager
def settings() -> Iterator[None]:
    """Draw with these settings alone, whatever the user's own matplotlib settings are."""
    if "MPLCONFIGDIR" not in os.environ and not _has_home():
        folder = tempfile.mkdtemp(prefix="enricher-matplotlib-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["MPLCONFIGDIR"] = folder
    # It would tell the user about its font cache and where that lies.
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        import matplotlib as mpl  # noqa: PLC0415 - costs most of a second; only reports need it

        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_SETTINGS)
            yield
    finally:
        logger.setLevel(level)


def _has_home() -> bool:
    """Whether the user has a home directory; matplotlib does not start without one."""
    try:
        Path.home()
    except RuntimeError:
        return False
    return True


def image(paint: Painter, size: tuple[float, float]) -> tuple[str, str]:
    """Draw a figure without its background.

    Args:
        paint: Draws into the empty figure.
        size: Width and height in inches.

    Returns:
        The SVG as a ``data:`` address, in the colours of the light theme and of the dark one.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - see settings

    # Without pyplot there is no window system and no state shared with other threads.
    figure = Figure(figsize=size, layout="constrained")
    paint(figure, LIGHT)
    file = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    light = file.getvalue()
    # Drawing takes an eighth of a second; the dark one differs in its colours only.
    return _address(light), _address(_COLOR.sub(lambda found: _DARK_OF[found[0]], light))


def _address(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def label(text: object, limit: int = LABEL_LIMIT) -> str:
    """Text of a log as a label: safe, short, and only letters that the font has."""
    shown = "".join(
        char if ord(char) in _letters() else ascii(char)[1:-1] for char in safe(text, limit)
    )
    # What is empty or begins with an underscore would be left out of a legend.
    return f" {shown}" if shown.startswith("_") else shown or "-"


@cache
def _font() -> FT2Font:
    from matplotlib import font_manager, ft2font  # noqa: PLC0415 - see settings

    return ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))


@cache
def _letters() -> frozenset[int]:
    return frozenset(_font().get_charmap())


def _width(text: str) -> float:
    """Width of a label in inches."""
    font = _font()
    font.set_size(SMALL, 72)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64 / 72


def style(axes: Axes, theme: Theme, words: str, grid: Literal["x", "y"] = "y") -> None:
    """Quiet axes: a thin grid behind the data, no frame."""
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    base = axes.spines["bottom" if grid == "y" else "left"]
    base.set_visible(True)
    base.set_color(theme.line)
    axes.tick_params(colors=theme.text, labelsize=SMALL, length=0)
    axes.tick_params(which="minor", length=0)
    axes.grid(axis=grid, color=theme.line, linewidth=0.7)
    axes.set_axisbelow(True)
    if words:
        axes.set_ylabel(words, color=theme.text, fontsize=SMALL)


def legend(axes: Axes, theme: Theme, width: float) -> None:
    """A legend above the axes, where it covers no data.

    Args:
        axes: Its artists with labels; nothing happens where there are none.
        theme: Colours.
        width: Room for it in inches; labels decide how many columns that is.
    """
    handles, names = axes.get_legend_handles_labels()
    if not names:
        return
    columns = int(width / (max(map(_width, names)) + _LEGEND_COLUMN))
    axes.legend(
        handles,
        names,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=max(1, min(columns, len(names))),
        frameon=False,
        fontsize=SMALL,
        labelcolor=theme.text,
        borderaxespad=0.2,
        columnspacing=1.2,
        handlelength=1.0,
        handleheight=0.8,
    )


def whole_numbers(axes: Axes, which: Literal["x", "y"]) -> None:
    """Few ticks, at whole numbers, written with separators."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - see settings

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda value, _: count(round(value))))


def powers_of_ten(axes: Axes, which: Literal["x", "y"], highest: int) -> None:
    """A logarithmic axis from just under 1, with numbers in full."""
    powers = [10**n for n in range(len(str(max(1, highest))) + 1)]
    few = powers[:: math.ceil(len(powers) / 5)]
    names = [count(power) for power in few]
    if which == "x":
        axes.set_xscale("log")
        axes.set_xticks(few, names)
        axes.set_xticks([], minor=True)
    else:
        axes.set_yscale("log")
        axes.set_yticks(few, names)
        axes.set_yticks([], minor=True)


def time_axis(axes: Axes, theme: Theme, start: float, end: float) -> None:
    """Ticks at round times of a span, seconds UTC."""
    span = end - start
    step = next((s for s in _STEPS if span <= s * _TICKS), None) or math.ceil(span / _TICKS)
    first = math.ceil(start / step)
    ticks = [step * n for n in range(first, math.floor(end / step) + 1)]
    axes.set_xlim(start, end)
    axes.set_xticks(ticks, [_time_label(tick, step, span) for tick in ticks])
    axes.set_xlabel(f"UTC, from {utc(start)}", color=theme.text, fontsize=SMALL)


def _time_label(tick: float, step: float, span: float) -> str:
    text = utc(tick)
    if len(text) != len("2026-01-31 23:59:58"):
        return text
    if step < _MINUTE:
        return text[11:]
    if step < _DAY:
        return text[11:16]
    return text[5:10] if span < _SHORT_OF_YEARS else text[:10]
