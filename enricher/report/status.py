"""How a running service is, on a terminal or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from enricher.report.bounds import top
from enricher.report.status_parts import KindCounts, ServiceStatus
from enricher.report.text import count, duration, safe, size, things, utc

ROWS = 10
_NAMES = 8
_PATH = 200


def status_json(state: Path, status: ServiceStatus | None) -> str:
    """The status as one JSON object, with a line end."""
    plain: dict[str, Any] = {"state": safe(state, 4096), "ever_ran": status is not None}
    if status is None:
        plain |= {"healthy": False, "running": False}
    else:
        totals = status.totals.model_dump()
        for kind, one in status.totals.kinds.items():
            totals["kinds"][kind]["balance"] = one.balance
        plain |= {
            "healthy": not status.troubles,
            "running": status.running,
            "age_seconds": round(status.age, 3),
            "troubles": status.troubles,
            **status.said.model_dump(),
            "lag_bytes": status.said.unread_bytes,
            "accounting": totals,
        }
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def print_status(state: Path, status: ServiceStatus | None, now: float, console: Console) -> None:
    """Print how a service is: its troubles first, then where the records went.

    Args:
        state: The state directory.
        status: What is known; None where no service ever ran there.
        now: Seconds UTC by the wall clock.
        console: Where to.
    """
    if status is None:
        console.print(
            Text(
                f"No service has ever run on {safe(state, _PATH)}. Start one with 'enricher run', "
                "or name its state directory with --state."
            ),
            soft_wrap=True,
        )
        return
    _print_head(status, now, console)
    if status.totals.kinds:
        _print_kinds(status, console)
    _print_lags(status, console)
    _print_alerts(status, console)
    _print_drift(status, console)


def _print_head(status: ServiceStatus, now: float, console: Console) -> None:
    said = status.said
    if status.running:
        since = f"Running since {utc(said.started)} UTC ({duration(now - said.started)})"
        console.print(Text(f"{since}, process {said.pid}", style="bold"))
    for trouble in status.troubles:
        console.print(Text(safe(trouble, 400), style="bold red"), soft_wrap=True)
    console.print(Text(f"Last word {duration(status.age)} ago, model {safe(said.model, 80)}"))
    shown = [safe(name, 40) for name in said.families[:_NAMES]]
    more = len(said.families) - len(shown)
    rest = f" and {things(more, 'other')}" if more else ""
    console.print(Text(f"Families of this site's own: {', '.join(shown) or 'none'}{rest}"))
    if said.flow_time is not None:
        behind = now - said.flow_time
        text = f"Time of the logs: {utc(said.flow_time)} UTC"
        if status.running and behind >= 0:
            text += f", {duration(behind)} behind the clock"
        console.print(Text(text))


def _print_kinds(status: ServiceStatus, console: Console) -> None:
    _heading(console, "Where the records went")
    table = _table("Kind", "Read", "Scored", "Dropped", "Repaired", "Rate")
    kinds = status.totals.kinds
    for kind in sorted(kinds, key=lambda kind: -kinds[kind].read)[:ROWS]:
        one = kinds[kind]
        rate = status.said.records_per_second.get(kind, 0.0) if status.running else 0.0
        dropped, repaired = sum(one.dropped.values()), sum(one.repaired.values())
        numbers = (one.read, one.scored, dropped, repaired)
        table.add_row(
            Text(safe(kind, 12)), *(Text(count(n)) for n in numbers), Text(f"{rate:,.1f}/s")
        )
    console.print(table)
    reasons: dict[str, int] = {}
    for one in kinds.values():
        for reason, number in one.dropped.items():
            reasons[reason] = reasons.get(reason, 0) + number
    _print_counts(console, "Dropped, by reason", reasons)
    _print_balance(kinds, console)


def _print_balance(kinds: Mapping[str, KindCounts], console: Console) -> None:
    wrong = {kind: one.balance for kind, one in kinds.items() if one.balance}
    if not wrong:
        console.print(Text("Every record read is accounted for: read = scored + dropped."))
    for kind, balance in list(wrong.items())[:ROWS]:
        text = f"{safe(kind, 12)}: {balance:+,} records are not accounted for. Please report it."
        console.print(Text(text, style="bold red"))


def _print_lags(status: ServiceStatus, console: Console) -> None:
    lags = [lag for lag in status.said.lags if lag.bytes]
    if not lags:
        console.print()
        console.print(Text("All logs are read to their end."))
        return
    _heading(console, f"Not read yet: {size(status.said.unread_bytes)}")
    for lag in lags[:ROWS]:
        # A path that is broken over lines cannot be copied.
        line = f"{size(lag.bytes):>10}  {safe(lag.path, _PATH)}"
        console.print(Text(line), soft_wrap=True)
    if len(lags) > ROWS:
        console.print(Text(f"and {things(len(lags) - ROWS, 'other log')}"))


def _print_alerts(status: ServiceStatus, console: Console) -> None:
    totals = status.totals
    _heading(console, things(sum(totals.alerts.values()), "alert"))
    _print_counts(console, "By family", totals.alerts)
    _print_counts(console, "Held back by the budget, groups", totals.held_back)
    _print_counts(console, "Suppressed, groups", totals.suppressed, 120)
    _print_counts(console, "Late, records after their group was closed", totals.late)
    if totals.within_chance:
        number = things(totals.within_chance, "unknown record")
        console.print(Text(f"Within what chance gives: {number}"))
    if totals.closed_early:
        number = things(totals.closed_early, "group")
        console.print(Text(f"Closed early for want of room (alerts.max_groups): {number}"))


def _print_drift(status: ServiceStatus, console: Console) -> None:
    for kind, drift in list(status.said.drift.items())[:ROWS]:
        if drift.since is None:
            continue
        text = Text()
        text.append("warning: ", style="yellow")
        text.append(
            f"{safe(kind, 12)} traffic no longer looks as in the calibration; its false-alarm "
            f"rate is not promised since {utc(drift.since)} UTC. Calibrate again."
        )
        console.print(text)


def _heading(console: Console, words: str) -> None:
    console.print()
    console.print(Text(words, style="bold"))


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _print_counts(
    console: Console, words: str, counts: Mapping[str, int], longest: int = 40
) -> None:
    if not counts:
        return
    shown, rest = top(counts, _NAMES)
    parts = [f"{safe(name, longest)} {count(number)}" for name, number in shown]
    if rest:
        parts.append(f"others {count(rest)}")
    console.print(Text(f"{words}: " + ", ".join(parts)))
