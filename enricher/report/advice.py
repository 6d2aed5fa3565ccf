"""What the reader of a scan should do next; the terminal and the page say the same."""

from __future__ import annotations

from enricher.report.rows import AlertRow
from enricher.report.summary import ScanSummary
from enricher.report.text import safe, severity_word, things

_UNKNOWN = "unknown"
_NOTHING_READ = (
    "Check the paths: Zeek logs (TSV or JSON) and Suricata eve.json are read. "
    "enricher doctor PATH says what it makes of a path."
)
_DEFAULT_THRESHOLDS = (
    "The thresholds are the model's defaults, not this site's. Run enricher calibrate "
    "PATH --state DIR on a few days of ordinary traffic."
)


def headline(summary: ScanSummary) -> str:
    """One sentence: what was found."""
    alerts, total = summary.alerts.written_total, summary.totals
    if total.read == 0:
        return "No records were read."
    if total.scored == 0:
        return f"{things(total.read, 'record')} read, none of them could be scored."
    if alerts == 0:
        return f"No alerts in {things(total.scored, 'scored record')}."
    sources = things(summary.alerts.sources, "source")
    return f"{things(alerts, 'alert')} from {sources} in {things(total.scored, 'scored record')}."


def next_steps(summary: ScanSummary) -> list[str]:
    """What to do, first things first, one sentence or two each."""
    if summary.totals.read == 0:
        return [_NOTHING_READ]
    return [
        *_look_at_alerts(summary),
        *_set_thresholds(summary),
        *_look_at_losses(summary),
    ]


def _look_at_alerts(summary: ScanSummary) -> list[str]:
    steps = []
    if summary.alert_rows:
        steps.append("Look first at " + describe(summary.alert_rows[0]))
    unknown = summary.alerts.written.get(_UNKNOWN, 0)
    if unknown:
        subject = "1 alert is" if unknown == 1 else f"{unknown:,} alerts are"
        steps.append(
            f"{subject} like no known family, and unlike ordinary traffic: the reasons say in "
            "what. Judge them yourself."
        )
    held = summary.alerts.held_back_total
    if held:
        budget = summary.alerts.per_day
        limit = "" if budget is None else f" of {budget:g} a day"
        steps.append(
            f"The alert budget{limit} held back {things(held, 'alert')}, the least severe ones. "
            "Raise it with --alerts-per-day to see them."
        )
    chance = summary.alerts.within_chance
    if chance:
        steps.append(
            f"{things(chance, 'group')} of unknown records made no alert: so many rare records are "
            "to be expected by chance. They stand in scores.parquet with --scores."
        )
    return steps


def _set_thresholds(summary: ScanSummary) -> list[str]:
    if summary.calibration.source == "site":
        return []
    return [_DEFAULT_THRESHOLDS]


def _look_at_losses(summary: ScanSummary) -> list[str]:
    steps = []
    total = summary.totals
    lost = total.dropped_total - total.passed_total
    if lost:
        place = summary.outputs.get("rejected")
        where = f": see {safe(place, 200)}" if place else ""
        steps.append(f"{things(lost, 'record')} could not be scored{where}.")
    if summary.inputs.failed_total:
        first = summary.inputs.failed[0]
        steps.append(
            f"{things(summary.inputs.failed_total, 'file')} could not be read to the end, first "
            f"{safe(first.path, 200)}: {safe(first.reason, 200)}."
        )
    if summary.balance():
        steps.append(
            "The accounting does not add up, so some records are missing from the results. "
            "Please report this with summary.json: " + "; ".join(summary.balance()) + "."
        )
    return steps


def describe(row: AlertRow) -> str:
    """An alert in a sentence."""
    hosts = things(row.destinations, "destination")
    return (
        f"{safe(row.source, 64)}: {safe(row.title, 100)}, {severity_word(row.severity)} severity, "
        f"{things(row.count, 'record')} to {hosts}."
    )
