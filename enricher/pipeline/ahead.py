"""Work ahead: one stage prepares the next items while another uses the last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Give ``items`` in order, drawing up to ``depth`` of them ahead on a thread of their own.

    An error in ``items`` is raised here, at the place of the item that failed.
    """
    source = iter(items)
    done = object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        waiting: deque[Future[T | object]] = deque()

        def draw() -> None:
            waiting.append(pool.submit(next, source, done))

        for _ in range(depth):
            draw()
        while (item := waiting.popleft().result()) is not done:
            draw()
            yield item  # type: ignore[misc]  # only `done` is no T
