"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_PLAIN_SECONDS = 10.0


class Reporter:
    """Call it with what is being done, steps done and steps in all.

    A context manager. Writes to standard error, so that standard output stays free for results.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._start = time.monotonic()
        self._told = -_PLAIN_SECONDS
        self._what = ""

    def __enter__(self) -> Self:
        if self._terminal:
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal:
            self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show the state of the work."""
        if self._task is not None:
            self._bar.update(self._task, description=escape(what), completed=done, total=total)
            return
        now = time.monotonic() - self._start
        if what != self._what or done == total or now - self._told >= _PLAIN_SECONDS:
            self._what, self._told = what, now
            sys.stderr.write(f"[{now:6.0f} s] {what} {done}/{total}\n")
            sys.stderr.flush()
