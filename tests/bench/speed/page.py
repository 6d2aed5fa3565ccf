"""Writes what was measured into ``docs/performance.md`` between two marks; draws the stages."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.bench.speed.processes import ROOT, cores
from tests.bench.speed.results import Row, rows_table, table

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "evaluation" / "where-time-goes.png"
BEGIN = "<!-- written by: python -m tests.bench.speed --write -->"
END = "<!-- end of what is written -->"
NOT_ON_A_GPU = (
    "No CUDA device was at hand: `python -m tests.bench.speed.gpu` has not run. Its goals, over "
    "1.5 million conn records a second end to end and over 20 million scored ones on one H100 "
    "with 16 cores, are neither met nor missed."
)
_LIBRARIES = ("torch", "polars", "numba", "numpy", "orjson", "zat", "scikit-learn")
# Those that Polars, numba and torch use, or a faster encoder could.
_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16")

Stages = Mapping[str, Mapping[str, float]]
"""Microseconds a record by log and stage."""


def machine() -> str:
    """A sentence on where this runs: no names of hosts, no paths."""
    here = [name for name in _FEATURES if name in _flags()]
    versions = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    return (
        f"{len(cores())} cores ({platform.machine()}; {', '.join(here) or 'no wide vectors'}), "
        f"{_memory_gib():.0f} GiB; Python {platform.python_version()}, {versions}"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _flags() -> frozenset[str]:
    """Features of the processor by Linux's names; none where it does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def text(
    rows: Sequence[Row], stages: Stages, on_gpu: str, records: int, rounds: int, day: str = ""
) -> str:
    """What stands between the marks."""
    day = day or datetime.now(UTC).date().isoformat()
    how = (
        f"{records:,} records of each log where nothing else is said; every program a process of "
        f"its own, in turn, {rounds} rounds or more; medians (least-most). A ratio says how many "
        "times as fast a scan is as the other side, or, where the row says time or memory, how "
        'many times as much it takes. "Without start" is the same of the fastest rounds, less '
        "what a scan of one record takes, or the other's interpreter and imports. Goals are for "
        "whole processes."
    )
    parts = [f"Measured on {day} with `make bench`: {machine()}.", how, rows_table(rows).rstrip()]
    if stages:
        what = (
            "Where a record's time goes, processor time of one core in microseconds, each stage "
            "alone on one thread (`python -m tests.bench.speed.stages LOG`); in a scan they work "
            "at once. Reading inflates too; writing is grouping, explaining and writing alerts:"
        )
        plot = f"![Microseconds a record by stage and kind of log](evaluation/{PLOT.name})"
        parts += [what, stages_table(stages).rstrip(), plot]
    return "\n\n".join([*parts, on_gpu])


def stages_table(stages: Stages) -> str:
    """Microseconds a record, a line for each log."""
    names = list(next(iter(stages.values())))
    lines = (
        (log, *(f"{spent[name]:.2f}" for name in names), f"{sum(spent.values()):.2f}")
        for log, spent in stages.items()
    )
    return table(("log", *names, "sum"), lines)


def put_between(page: str, written: str) -> str:
    """A page with its part between the marks replaced.

    Raises:
        ValueError: If it does not have both marks once, in order.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"the page needs the lines {BEGIN} and {END}, once each, in this order")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{written.strip()}\n\n{END}{rest.partition(END)[2]}"


def draw(stages: Stages, path: Path) -> None:
    """Horizontal bars, one a log, by stage."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - the driver is to stay small

    figure = Figure(figsize=(9, 0.5 * len(stages) + 1.4), layout="constrained")
    axes = figure.subplots()
    colours = (
        "#999999",
        "#56b4e9",
        "#0072b2",
        "#009e73",
        "#f0e442",
        "#d55e00",
        "#cc79a7",
        "#e69f00",
    )
    logs = list(stages)
    left = [0.0] * len(logs)
    for name, colour in zip(next(iter(stages.values())), colours, strict=True):
        widths = [stages[log][name] for log in logs]
        axes.barh(logs, widths, left=left, color=colour, label=name, height=0.7)
        left = [begin + width for begin, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("processor time a record, µs")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(colours), frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
