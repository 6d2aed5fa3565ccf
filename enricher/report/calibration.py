"""What a calibration promises, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from rich.console import Console
from rich.table import Table

from enricher.detector.site import SiteCalibration
from enricher.logs import Kind
from enricher.report.text import safe


def print_calibration(
    site: Mapping[Kind, SiteCalibration], alerts_per_day: float, console: Console
) -> None:
    """Print what was learned and what it promises."""
    table = Table(title="Calibrated on this site's logs", title_justify="left")
    for heading in ("log", "records", "days", "false alarms", "at most", "alerts a day"):
        table.add_column(heading, justify="left" if heading == "log" else "right")
    for kind, one in site.items():
        table.add_row(
            kind,
            f"{one.records:,}",
            f"{one.days:.2f}",
            f"{one.false_alarm_rate:.2e}",
            f"{one.false_alarm_bound:.2e}",
            f"{one.expected_alerts_per_day:.3g}",
        )
    console.print(table)
    confidence = max((one.confidence for one in site.values()), default=0.0)
    expected = sum(one.expected_alerts_per_day for one in site.values())
    console.out(
        f"'False alarms' is the share of benign records that is flagged; 'at most' is its upper "
        f"bound at {confidence:.0%} confidence, as if records were independent. About "
        f"{expected:.3g} false alerts a day are to be expected; the budget is {alerts_per_day:g}.",
        highlight=False,
    )
    for kind, one in site.items():
        for sentence in one.notes:
            console.out(f"{kind}: {safe(sentence, 300)}", highlight=False)
        if one.trimmed_sources:
            names = ", ".join(safe(name, 64) for name in one.trimmed_sources[:10])
            console.out(
                f"{kind}: {one.trimmed_records:,} records of {names} were left out because they "
                "look like attacks. Look at them.",
                highlight=False,
            )


def calibration_json(site: Mapping[Kind, SiteCalibration]) -> bytes:
    """The same as JSON, by kind."""
    names = (
        *("records", "days", "false_alarm_rate", "false_alarm_bound", "confidence"),
        *("alerts_per_day", "expected_alerts_per_day", "thresholds", "novelty_alpha"),
        *("trimmed_records", "trimmed_sources", "notes"),
    )
    values = {kind: {name: getattr(one, name) for name in names} for kind, one in site.items()}
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
