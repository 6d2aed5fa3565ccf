"""The HTML report of a scan: one file that opens from disk, without a network or scripts.

Everything that is shown goes through :func:`enricher.report.text.safe` and then through Jinja2's
autoescaping; the page's content security policy forbids scripts and anything from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from enricher.report import text
from enricher.report.advice import headline, next_steps
from enricher.report.bounds import top
from enricher.report.files import write_atomically
from enricher.report.plots import draw
from enricher.report.rows import AlertRow
from enricher.report.summary import ScanSummary

FILES = 100
# More alerts than these are behind a click.
ALERTS_SHOWN = 25
_VALUE_LIMIT = 600
_NAMES = 12

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)


def write_report(summary: ScanSummary, path: Path) -> None:
    """Write the report, whole or not at all.

    Raises:
        OutputError: If it could not be written.
    """
    write_atomically(path, render(summary).encode("utf-8"))


def render(summary: ScanSummary) -> str:
    """The report as HTML."""
    return _environment().get_template("report.html.j2").render(_content(summary))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("enricher.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    filters: dict[str, Callable[..., str]] = {
        "utc": text.utc,
        "number": text.count,
        "things": text.things,
        "duration": text.duration,
        "size": text.size,
        "probability": text.probability,
        "severity": text.severity_word,
        "one_in": text.one_in,
        "short": text.safe,
        "record_value": _record_value,
    }
    environment.filters.update(filters)
    return environment


def _shown(value: object) -> object:
    """Makes every value of the template safe to look at; autoescaping follows."""
    if isinstance(value, Markup):
        return value
    return text.safe("" if value is None else value, _VALUE_LIMIT)


def _content(summary: ScanSummary) -> dict[str, Any]:
    total = summary.totals
    # The images are ours: base64 that must not be shortened.
    plots = [
        {
            "title": plot.title,
            "alt": plot.alt,
            "wide": plot.wide,
            "light": Markup(plot.light),  # noqa: S704 - base64 of our own
            "dark": Markup(plot.dark),  # noqa: S704 - base64 of our own
        }
        for plot in draw(summary)
    ]
    accounts = list(summary.kinds.items())
    if len(accounts) > 1:
        accounts.append(("all", total))
    return {
        "policy": Markup(CONTENT_SECURITY_POLICY.replace("'", "&#39;")),  # noqa: S704 - constant
        "summary": summary,
        "total": total,
        "headline": headline(summary),
        "steps": next_steps(summary),
        "notes": sorted(summary.notes, key=lambda note: note.level != "warning"),
        "shown": ALERTS_SHOWN,
        "plots": plots,
        "accounts": accounts,
        "dropped": top(total.dropped, _NAMES),
        "repaired": top(total.repaired, _NAMES),
        "families": top(total.families, _NAMES),
        "unbalanced": summary.balance(),
        "read_files": summary.inputs.read[:FILES],
        "skipped_files": summary.inputs.skipped[:FILES],
        "failed_files": summary.inputs.failed[:FILES],
        "severities": _severities(summary.alert_rows),
    }


def _severities(rows: list[AlertRow]) -> list[tuple[str, int]]:
    counts: dict[int, int] = {}
    for row in rows:
        counts[row.severity] = counts.get(row.severity, 0) + 1
    return [(text.severity_word(severity), counts[severity]) for severity in sorted(counts)]


def _record_value(value: object, name: str) -> str:
    """A record's value, a time with its date beside it."""
    if isinstance(value, list):
        return ", ".join(text.safe(item, 100) for item in value)
    if name == "ts" and isinstance(value, float):
        return f"{value} ({text.utc(value)} UTC)"
    return text.safe(value, _VALUE_LIMIT)
