"""Plots draw what the summary holds, quietly, whatever the labels."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.report.chart_style import label, settings
from enricher.report.parts import Timeline
from enricher.report.plots import draw
from enricher.report.summary import ScanSummary

MakeSummary = Callable[..., ScanSummary]


def test_hostile_labels_are_drawn_as_text(make_hostile_summary: MakeSummary) -> None:
    plots = draw(make_hostile_summary())
    assert len(plots) == 4
    for plot in plots:
        assert plot.alt.isprintable()
        image = base64.b64decode(plot.light.partition(",")[2]).decode()
        assert "<script" not in image
        assert "<image" not in image
        assert "onload=" not in image.replace("<!--", "").split("svg onload")[0]


def test_labels_hold_only_letters_that_the_font_has() -> None:
    with settings():
        assert label("caf\u00e9 \u03b1") == "caf\u00e9 \u03b1"
        assert label("\u4e2d") == "\\u4e2d"
        assert label("\U0001f9ff") == "\\U0001f9ff"
        assert label("\x1b[31m") == "\\x1b[31m"


@pytest.mark.parametrize(
    ("start", "width"),
    [(0.0, 1.0), (-5e11, 1e10), (5e11, 604800.0 * 4), (1.7e9, 604800.0), (253402300790.0, 60.0)],
)
def test_any_span_of_time_can_be_drawn(
    make_summary: MakeSummary, start: float, width: float
) -> None:
    summary = make_summary(alerts=3)
    summary.timeline = Timeline(start, width, [1, 0, 5], {"mirai": [0, 0, 1]})
    assert draw(summary)[0].title == "Over time"


def test_families_beyond_the_palette_are_added_up(make_summary: MakeSummary) -> None:
    summary = make_summary()
    names = [f"family-{number}" for number in range(40)]
    summary.alerts.written = {name: 40 - number for number, name in enumerate(names)}
    summary.timeline = Timeline(0.0, 60.0, [100, 100], {name: [1, 0] for name in names})
    for row in summary.sources:
        row.alerts = dict.fromkeys(names, 1)
    plots = draw(summary)
    assert "40 alerts" in plots[0].alt


def test_no_alerts_leave_an_empty_plot(make_summary: MakeSummary) -> None:
    plots = draw(make_summary(alerts=0))
    assert [plot.title for plot in plots] == ["Over time", "Records by verdict", "Records by score"]
    assert "no alerts" in plots[0].alt


def test_the_users_own_settings_are_left_alone(make_summary: MakeSummary) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - is about this module's state

    with mpl.rc_context({"font.size": 33.0, "text.usetex": False}):
        draw(make_summary(alerts=1))
        assert mpl.rcParams["font.size"] == 33.0


def test_drawing_works_without_a_home_and_says_nothing(project_root: Path, tmp_path: Path) -> None:
    script = "from enricher.report.chart_style import settings, label\nwith settings(): label('x')"
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=project_root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_the_terminal_summary_does_not_load_matplotlib(project_root: Path) -> None:
    script = (
        "import sys, enricher.report.html, enricher.report.terminal, enricher.report.progress\n"
        "assert 'matplotlib' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project_root, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
