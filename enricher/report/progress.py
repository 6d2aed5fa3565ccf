"""Progress of long work: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO, TypeAlias

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from enricher.report.console import make_console
from enricher.report.text import duration, safe, size

SECONDS_BETWEEN_LINES = 10.0
_SHARE_BETWEEN_LINES = 0.1
# A total of 10 % steps would be a line a second on small inputs; this keeps them apart.
_SHORTEST_BETWEEN_LINES = 1.0


class Progress(Protocol):
    """What the work tells about how far it is."""

    def advance(self, done: int, records: int = 0) -> None:
        """Report more work.

        Args:
            done: Bytes of input that were finished since the last call.
            records: Records that were finished since the last call.
        """
        ...

    def say(self, words: str) -> None:
        """Show a message without disturbing the bar; log content in it is made safe."""
        ...


ProgressBar: TypeAlias = Callable[[int, str], AbstractContextManager[Progress]]
"""Opens a progress display for so many bytes of input, under a label of one word."""


class _Silent:
    def advance(self, done: int, records: int = 0) -> None:
        """Nothing is shown."""

    def say(self, words: str) -> None:
        """Nothing is shown."""


class _Lines:
    """Plain lines, for a pipe, a file or a service's journal."""

    def __init__(
        self, total: int | None, label: str, console: Console, clock: Callable[[], float]
    ) -> None:
        self.total, self.label, self.console, self.clock = total, label, console, clock
        self.done = self.records = 0
        self.started = self.last_time = clock()
        self.last_done = 0

    def advance(self, done: int, records: int = 0) -> None:
        self.done += done
        self.records += records
        now = self.clock()
        waited = now - self.last_time
        share = (self.done - self.last_done) / self.total if self.total else 0.0
        due = share >= _SHARE_BETWEEN_LINES and waited >= _SHORTEST_BETWEEN_LINES
        if due or waited >= SECONDS_BETWEEN_LINES:
            self.last_time, self.last_done = now, self.done
            self.say(self._line(now))

    def say(self, words: str) -> None:
        self.console.out(f"{self.label}: {safe(words, 500)}", highlight=False)

    def _line(self, now: float) -> str:
        elapsed = max(now - self.started, 1e-9)
        rate = f"{self.records:,} records, {self.records / elapsed:,.0f} records/s"
        if not self.total:
            return f"{size(self.done)}, {rate}"
        left = (self.total - self.done) * elapsed / self.done if self.done else 0.0
        share = min(1.0, self.done / self.total)
        return (
            f"{size(self.done)} of {size(self.total)} ({share:.0%}), {rate}, "
            f"about {duration(max(0.0, left))} left"
        )


class _Bar:
    """Rich's bar."""

    def __init__(self, bar: RichProgress, task: TaskID, clock: Callable[[], float]) -> None:
        self.bar, self.task, self.clock = bar, task, clock
        self.records = 0
        self.started = clock()

    def advance(self, done: int, records: int = 0) -> None:
        self.records += records
        rate = self.records / max(self.clock() - self.started, 1e-9)
        self.bar.update(self.task, advance=done, rate=f"{rate:,.0f} records/s")

    def say(self, words: str) -> None:
        self.bar.console.out(safe(words, 500), highlight=False)


@contextmanager
def progress(
    total_bytes: int | None,
    *,
    label: str = "scan",
    quiet: bool = False,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Show how far long work is, on standard error.

    Args:
        total_bytes: Bytes of input in all, as they lie on disk; None where nobody knows.
        label: What is being done, one word.
        quiet: Show nothing.
        stream: Where to, standard error by default.
        clock: Seconds that only grow; for tests.

    Yields:
        What the work calls to say how far it is.
    """
    if quiet:
        yield _Silent()
        return
    console = make_console(sys.stderr if stream is None else stream)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Lines(total_bytes, label, console, clock)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(compact=True),
    )
    with RichProgress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total_bytes, rate="")
        yield _Bar(bar, task, clock)
