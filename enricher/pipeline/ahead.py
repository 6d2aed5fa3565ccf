"""Stages that work at the same time, with results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Drawn(Generic[T]):
    """Items in order, drawn ahead on a thread of their own from the moment this is made.

    An error in the items is raised here, at the place of the item that failed.

    Args:
        items: What to draw; closed with this, if it is a generator.
        depth: Items that are drawn ahead at most.
    """

    def __init__(self, items: Iterable[T], depth: int = 2) -> None:
        self._source = iter(items)
        self._done = object()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._waiting: deque[Future[T | object]] = deque()
        for _ in range(depth):
            self._draw()

    def _draw(self) -> None:
        self._waiting.append(self._pool.submit(next, self._source, self._done))

    def __iter__(self) -> Iterator[T]:
        while (item := self._waiting.popleft().result()) is not self._done:
            self._draw()
            yield item  # type: ignore[misc]  # only `_done` is no T

    def close(self) -> None:
        """Stop drawing; returns when the thread has stopped."""
        self._pool.shutdown(cancel_futures=True)
        if isinstance(self._source, Generator):
            self._source.close()


def ahead(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Give ``items`` in order, drawing up to ``depth`` of them ahead on a thread of their own.

    An error in ``items`` is raised here, at the place of the item that failed.
    """
    with closing(Drawn(items, depth)) as drawn:
        yield from drawn


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
