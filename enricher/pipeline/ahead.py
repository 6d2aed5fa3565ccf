"""Stages that work at the same time, with results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


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


def side_by_side(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[R]:
    """Give ``work(item)`` for all items in order, working on ``workers`` of them at a time."""
    with ThreadPoolExecutor(workers, thread_name_prefix="work") as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
