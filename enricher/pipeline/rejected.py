"""Keeps the lines that are no usable records, so that a user can look at them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from enricher.logs import Rejected
from enricher.pipeline.reading import encodable
from enricher.sinks import FileSink


class RejectedLines:
    """Rejected lines as JSON lines, up to a bound; what is beyond it is only counted.

    Args:
        path: The file; it is written beside its place and renamed when closed.
        limit: How many lines are kept.

    Attributes:
        not_kept: How many lines were beyond the bound.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._sink = FileSink(path, atomic=True)
        self._left = limit
        self.not_kept = 0

    def write(self, lines: Iterable[Rejected]) -> None:
        """Keep some lines."""
        for line in lines:
            if self._left <= 0:
                self.not_kept += 1
                continue
            self._left -= 1
            self._sink.write(
                orjson.dumps(
                    {
                        "file": encodable(line.file),
                        "line": line.line,
                        "reason": line.reason,
                        "detail": encodable(line.detail),
                        "excerpt": line.excerpt.decode("utf-8", "backslashreplace"),
                    }
                )
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sink.__exit__(kind, error, trace)
