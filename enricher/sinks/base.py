"""The contract of an output, whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from enricher.errors import OutputError


class Sink(ABC):
    """Takes finished lines. Every sink passes ``tests/sinks/test_contract.py``.

    ``write`` may keep lines back; after ``flush`` they are where they belong; ``close`` flushes
    and may be called twice. What can not be written raises
    :class:`enricher.errors.OutputError`, and nothing half written is left as if it were whole.

    Args:
        name: What to call it in messages.
        limit: So many bytes are kept back at most.

    Attributes:
        closed: Nothing more is taken.
    """

    def __init__(self, name: str, limit: int) -> None:
        self.closed = False
        self._name = name
        self._limit = limit
        self._lines: list[bytes] = []
        self._held = 0

    def write(self, line: bytes) -> None:
        """Take one line, without its newline."""
        if self.closed:
            raise OutputError(f"{self._name}: the output is closed; open it again to write")
        if b"\n" in line:
            raise OutputError(f"{self._name}: a line with a line break in it was refused")
        self._lines.append(line)
        self._held += len(line) + 1
        if self._held >= self._limit:
            self.flush()

    def flush(self) -> None:
        """Bring everything taken so far to its place."""
        if self._lines:
            self._send(b"\n".join((*self._lines, b"")))
            self._forget()

    def close(self) -> None:
        """Flush and let go."""
        try:
            if not self.closed:
                self.flush()
        finally:
            self.closed = True
            self._let_go()

    def _forget(self) -> None:
        self._lines, self._held = [], 0

    @abstractmethod
    def _send(self, data: bytes) -> None:
        """Bring whole lines to their place; where that fails, close and raise OutputError."""

    @abstractmethod
    def _let_go(self) -> None:
        """Give back what the sink holds; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
