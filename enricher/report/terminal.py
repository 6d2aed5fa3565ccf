"""The summary of a scan on a terminal or in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from enricher.report.advice import headline, next_steps
from enricher.report.bounds import top
from enricher.report.parts import KindAccount
from enricher.report.rows import AlertRow
from enricher.report.summary import ScanSummary
from enricher.report.text import (
    count,
    duration,
    probability,
    safe,
    severity_word,
    things,
    utc,
)

ROWS = 15
_NAMES_IN_A_LINE = 8
# The column "What" stays at least so wide; the columns from this number on are right-justified.
_NARROWEST, _FIRST_NUMBER = 16, 3
_SEVERITY_STYLE = {1: "bold red", 2: "yellow", 3: "cyan"}


def print_summary(summary: ScanSummary, console: Console) -> None:
    """Print what a scan found, most severe first, where the records went, and what to do next.

    Nothing of it is interpreted as markup, and no control character of a log gets through.
    """
    for part in _parts(summary):
        part(console)


def _parts(summary: ScanSummary) -> Iterator[Callable[[Console], None]]:
    yield lambda console: _print_head(summary, console)
    if summary.alert_rows:
        yield lambda console: _print_alerts(summary, console)
    if summary.kinds:
        yield lambda console: _print_accounts(summary, console)
    yield lambda console: _print_notes(summary, console)
    yield lambda console: _print_steps(summary, console)
    if summary.outputs:
        yield lambda console: _print_outputs(summary, console)


def _print_head(summary: ScanSummary, console: Console) -> None:
    bundle = f"{safe(summary.bundle.name, 40)} {safe(summary.bundle.version, 20)}"
    total = summary.totals
    console.print(Text(headline(summary), style="bold"))
    console.print(
        Text(
            f"{things(total.read, 'record')} from {things(summary.inputs.read_total, 'file')} "
            f"in {duration(summary.duration)} ({summary.rate:,.0f} records/s), "
            f"model {bundle}, {safe(summary.device, 40)}"
        )
    )
    if summary.flow_start is not None and summary.flow_end is not None:
        span = duration(summary.flow_end - summary.flow_start)
        console.print(
            Text(f"Traffic from {utc(summary.flow_start)} to {utc(summary.flow_end)} UTC ({span})")
        )


def _heading(console: Console, words: str) -> None:
    console.print()
    console.print(Text(words, style="bold"))


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)


def _print_alerts(summary: ScanSummary, console: Console) -> None:
    _heading(console, "Alerts, most severe first")
    rows = summary.alert_rows[:ROWS]
    lines = [_alert_cells(row) for row in rows]
    head = [Text(word) for word in ("Level", "What", "Source", "Records", "Hosts", "Score")]
    widths = [max(line[i].cell_len for line in [head, *lines]) for i in range(len(head))]
    rest = console.width - sum(widths) + widths[1] - 2 * (len(widths) - 1)
    widths[1] = max(_NARROWEST, min(rest, widths[1]))
    console.print(_alert_line(head, widths))
    console.print(Text("─" * min(console.width, sum(widths) + 2 * (len(widths) - 1)), style="dim"))
    for row, line in zip(rows, lines, strict=True):
        console.print(_alert_line(line, widths))
        detail = "  ".join([utc(row.time), *(safe(reason, 100) for reason in row.reasons[:1])])
        indent = widths[0] + 2
        console.print(Padding(Text(detail, style="dim"), (0, 0, 0, indent), expand=False))
    more = summary.alerts.written_total - len(rows)
    if more > 0:
        console.print(Text(f"and {things(more, 'further alert')} in the report"))


def _alert_line(cells: list[Text], widths: list[int]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for number, width in enumerate(widths):
        justify: JustifyMethod = "right" if number >= _FIRST_NUMBER else "left"
        grid.add_column(width=width, justify=justify, overflow="fold")
    grid.add_row(*cells)
    return grid


def _alert_cells(row: AlertRow) -> list[Text]:
    return [
        Text(severity_word(row.severity), style=_SEVERITY_STYLE.get(row.severity, "")),
        Text(safe(row.title, 60)),
        Text(safe(row.source, 39)),
        Text(count(row.count)),
        Text(count(row.destinations)),
        Text(probability(row.score)),
    ]


def _print_accounts(summary: ScanSummary, console: Console) -> None:
    _heading(console, "Where the records went")
    table = _table()
    table.add_column("Kind", no_wrap=True)
    for name in ("Read", "Scored", "Dropped", "Repaired", "Benign", "Known", "Unknown"):
        table.add_column(name, justify="right", no_wrap=True)
    for kind, account in summary.kinds.items():
        table.add_row(*_account_cells(safe(kind, 12), account))
    if len(summary.kinds) > 1:
        table.add_section()
        table.add_row(*_account_cells("all", summary.totals))
    console.print(table)
    total = summary.totals
    _print_counts(console, "Dropped, by reason", total.dropped)
    _print_counts(console, "Repaired", total.repaired)
    _print_counts(console, "Known families, records", total.families)
    if not summary.balance():
        console.print(Text("Every record read is accounted for: read = scored + dropped."))


def _account_cells(name: str, account: KindAccount) -> list[Text]:
    numbers = (
        account.read,
        account.scored,
        account.dropped_total,
        sum(account.repaired.values()),
        account.benign,
        sum(account.families.values()),
        account.unknown,
    )
    return [Text(name), *(Text(count(number)) for number in numbers)]


def _print_counts(console: Console, words: str, counts: dict[str, int]) -> None:
    if not counts:
        return
    shown, rest = top(counts, _NAMES_IN_A_LINE)
    parts = [f"{safe(name, 40)} {count(number)}" for name, number in shown]
    if rest:
        parts.append(f"others {count(rest)}")
    console.print(Text(f"{words}: " + ", ".join(parts)))


def _print_notes(summary: ScanSummary, console: Console) -> None:
    if not summary.notes:
        return
    _heading(console, "Notes")
    for note in sorted(summary.notes, key=lambda note: note.level != "warning"):
        text = Text()
        if note.level == "warning":
            text.append("warning: ", style="yellow")
        text.append(safe(note.text, 400))
        console.print(text)


def _print_steps(summary: ScanSummary, console: Console) -> None:
    steps = next_steps(summary)
    if not steps:
        return
    _heading(console, "What to do next")
    for number, step in enumerate(steps, 1):
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text(f"{number}."), Text(step, overflow="fold"))
        console.print(grid)


def _print_outputs(summary: ScanSummary, console: Console) -> None:
    _heading(console, "Written")
    width = max(len(safe(name, 20)) for name in summary.outputs)
    for name, path in summary.outputs.items():
        # A path that is broken over lines cannot be copied.
        console.print(Text(f"{safe(name, 20):<{width}}  {safe(path, 400)}"), soft_wrap=True)
