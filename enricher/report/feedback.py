"""What analysts have said of alerts, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from enricher.families.feedback import Feedback, tally
from enricher.report.text import safe, utc

_NAME, _REASON = 64, 100
_SHOWN = 50
_WORDS = {"false-positive": "false alarm", "true-positive": "confirmed"}


def print_feedback(given: Sequence[Feedback], console: Console) -> None:
    """How often the alerts of each family were right, and what was said last."""
    if not given:
        console.out("No feedback was given here; 'enricher feedback ALERT_ID' gives it.")
        return
    counts = Table(title_justify="left")
    counts.add_column("family")
    for heading in ("confirmed", "false alarms"):
        counts.add_column(heading, justify="right")
    for family, one in tally(given).items():
        counts.add_row(safe(family, _NAME), f"{one.confirmed:,}", f"{one.false:,}")
    console.print(counts, markup=False)
    for said in given[-_SHOWN:]:
        console.out(_line(said), highlight=False)
    if len(given) > _SHOWN:
        console.out(f"and {len(given) - _SHOWN:,} before these; --json has all", highlight=False)


def _line(said: Feedback) -> str:
    taught = "" if said.taught is None else f", taught {safe(said.taught, _NAME)}"
    reason = f": {safe(said.reason, _REASON)}" if said.reason else ""
    return (
        f"{utc(said.given)} {said.alert_id} {safe(said.family, _NAME)} ({said.kind}) "
        f"{_WORDS[said.verdict]}{taught}, {safe(said.author, _NAME)}{reason}"
    )


def feedback_json(given: Sequence[Feedback]) -> bytes:
    """The same as JSON."""
    families = {family: asdict(one) for family, one in tally(given).items()}
    return _json({"families": families, "feedback": [one.to_plain() for one in given]})


def print_given(said: Feedback, console: Console, *, changed: bool, replaced: bool) -> None:
    """What was said of an alert, and what follows."""
    family, alert = safe(said.family, _NAME), said.alert_id
    if not changed:
        text = f"Alert {alert} is a {_WORDS[said.verdict]} already: nothing changes."
    elif said.verdict == "false-positive":
        text = (
            f"Alert {alert} ({family}) is a false alarm: {said.kind} records that the model cannot "
            "tell from it, their context included, are benign from now on, in scans, and within "
            "seconds in a service that runs. What only resembles it may still alert: say it of "
            "those alerts too."
        )
    else:
        text = f"Alert {alert} ({family}) is confirmed."
        if said.taught is not None:
            text += f" Its record is one of family {safe(said.taught, _NAME)} now."
    console.out(text, highlight=False)
    if changed and replaced:
        console.out("What was said of it before is taken back.", highlight=False)


def given_json(said: Feedback, **more: Any) -> bytes:
    """The same as JSON."""
    return _json(said.to_plain() | more)


def _json(plain: object) -> bytes:
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
