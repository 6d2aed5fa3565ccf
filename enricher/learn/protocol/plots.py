"""TPR against the number of attack records: ours and the best baselines, with intervals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from enricher.learn.protocol.summary import Line

_BASELINES = 4
# Okabe and Ito 2008: colours that readers with any kind of colour vision can tell apart.
_OURS = ("#0072b2", "#009e73", "#56b4e9")
_OTHERS = ("#d55e00", "#e69f00", "#cc79a7", "#78838f")
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "enricher",
    "font.size": 8.0,
    "axes.unicode_minus": False,
}


def write_plots(lines: Sequence[Line], folder: Path, begin: str = "few-shot") -> list[str]:
    """Write one plot for each table as PNG and SVG.

    Args:
        lines: Lines of the tables.
        folder: Where they are written; it exists.
        begin: Begins their names.

    Returns:
        Names of the PNG files.

    Raises:
        OSError: If a file can not be written.
    """
    names = []
    for stage, table, origin in dict.fromkeys((x.stage, x.table, x.origin) for x in lines):
        own = [
            x
            for x in lines
            if (x.stage, x.table, x.origin) == (stage, table, origin) and x.shots and x.tpr
        ]
        if not own:
            continue
        name = re.sub(r"[^a-z0-9]+", "-", f"{begin} {stage} {table} {origin}".lower()).strip("-")
        with mpl.rc_context(_SETTINGS):
            # Without pyplot there is no window system.
            figure = Figure(figsize=(6.4, 3.8), layout="constrained")
            _paint(figure.subplots(), own, f"{stage}: {table} ({origin})")
            figure.savefig(folder / f"{name}.png", dpi=130, metadata={"Software": None})
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
        names.append(f"{name}.png")
    return names


def _paint(axes: Axes, lines: Sequence[Line], heading: str) -> None:
    shots = sorted({line.shots for line in lines})
    chosen = _chosen(lines)
    for place, (method, colour, ours) in enumerate(chosen):
        own = sorted((x for x in lines if x.method == method), key=lambda line: line.shots)
        found = [(shots.index(line.shots), line.tpr) for line in own if line.tpr is not None]
        at = np.array([where for where, _ in found]) + 0.05 * (place - len(chosen) / 2)
        means = np.array([tpr.mean for _, tpr in found])
        # A percentile interval need not hold the mean itself where there are few families.
        errors = np.array(
            [[max(tpr.mean - tpr.low, 0.0), max(tpr.high - tpr.mean, 0.0)] for _, tpr in found]
        ).T
        axes.errorbar(
            at,
            means,
            yerr=errors,
            color=colour,
            label=method,
            marker="o" if ours else "s",
            linestyle="-" if ours else "--",
            markersize=3.5,
            linewidth=1.8 if ours else 1.0,
            elinewidth=0.7,
            capsize=2,
        )
    axes.set_xticks(range(len(shots)), [str(shot) for shot in shots])
    axes.set_xlabel("attack records, K")
    axes.set_ylabel("TPR at FPR 1e-3, mean over families")
    axes.set_ylim(-0.02, 1.02)
    axes.set_title(heading)
    axes.grid(visible=True, linewidth=0.4)
    axes.legend(fontsize=7)


def _chosen(lines: Sequence[Line]) -> list[tuple[str, str, bool]]:
    """Ours and the baselines with the highest means over all K: name, colour, whether ours."""
    means: dict[str, list[float]] = {}
    ours: dict[str, bool] = {}
    for line in lines:
        if line.tpr is not None and line.role != "control":
            means.setdefault(line.method, []).append(line.tpr.mean)
            ours[line.method] = line.role == "ours"
    order = sorted(means, key=lambda name: (-float(np.mean(means[name])), name))
    first = [name for name in order if ours[name]][: len(_OURS)]
    second = [name for name in order if not ours[name]][:_BASELINES]
    return [
        *((name, colour, True) for name, colour in zip(first, _OURS, strict=False)),
        *((name, colour, False) for name, colour in zip(second, _OTHERS, strict=False)),
    ]
