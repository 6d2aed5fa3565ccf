"""The contract of an output, whole."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Sink(Protocol):
    """Takes finished lines. Every sink passes ``tests/sinks/test_contract.py``.

    ``write`` may keep lines back; after ``flush`` they are where they belong; ``close`` flushes
    and may be called twice. What can not be written raises
    :class:`enricher.errors.OutputError`, and nothing half written is left as if it were whole.
    """

    def write(self, line: bytes) -> None:
        """Take one line, without its newline."""
        ...

    def flush(self) -> None:
        """Bring everything taken so far to its place."""
        ...

    def close(self) -> None:
        """Flush and let go."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
