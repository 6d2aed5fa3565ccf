"""Cutting work into passes of bounded size."""

from __future__ import annotations

from collections.abc import Iterator


def spans(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut ``count`` rows into spans (start, stop) of ``size``; the last may be shorter."""
    for start in range(0, count, size):
        yield start, min(start + size, count)
