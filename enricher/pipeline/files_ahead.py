"""Reads files ahead of those who parse them: order kept, descriptors and bytes bounded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from enricher.config import ReadingSettings
from enricher.errors import InputError
from enricher.logs import Block, Rejected
from enricher.pipeline.ahead import Drawn
from enricher.sources import LogFile, blocks, small_block

# Files up to this size are read in runs, so many bytes (not compressed) and files at a time.
SMALL_BYTES = 256 * 1024
_RUN_BYTES = 4 * 1024 * 1024
_RUN_FILES = 2048
# Inflated bytes for each byte on disk; logs shrink about so much.
TYPICAL_RATIO = 7

# Files, or runs of small ones, that are read at the same time; each takes a descriptor and, for
# each step, a block.
_AT_ONCE = max(2, min(4, os.cpu_count() or 1))
_STEPS = 2


@dataclass(slots=True)
class Part:
    """Something of a file.

    Attributes:
        file: The file.
        items: What :func:`enricher.sources.blocks` gives next.
        ended: There is no more of it.
        error: Why there is no more of it, if it could not be read to its end.
    """

    file: LogFile
    items: list[Block | Rejected] = field(default_factory=list)
    ended: bool = False
    error: str | None = None


def read_ahead(
    files: Iterable[LogFile], settings: ReadingSettings
) -> Generator[list[Part], None, None]:
    """Read files in order, some of them ahead on threads of their own.

    Returns:
        Several files that are whole, or one part of a file; all parts of a file follow one
        another.
    """
    waiting = _runs(files, settings)
    running: deque[Drawn[list[Part]]] = deque()

    def start() -> None:
        run = next(waiting, None)
        if run is not None:
            running.append(Drawn(_read(run, settings), _STEPS))

    try:
        for _ in range(_AT_ONCE):
            start()
        while running:
            with closing(running.popleft()) as first:
                yield from first
            start()
    finally:
        for drawn in running:
            drawn.close()


def _runs(files: Iterable[LogFile], settings: ReadingSettings) -> Iterator[list[LogFile]]:
    """Files one by one, small ones together."""
    run: list[LogFile] = []
    room = min(_RUN_BYTES, settings.block_bytes)
    size = 0
    for file in files:
        expected = file.size if file.compression == "plain" else file.size * TYPICAL_RATIO
        small = expected <= _most(settings)
        if run and (not small or size + expected > room or len(run) >= _RUN_FILES):
            yield run
            run, size = [], 0
        run.append(file)
        size += expected
        if not small:
            yield run
            run, size = [], 0
    if run:
        yield run


def _most(settings: ReadingSettings) -> int:
    return min(SMALL_BYTES, settings.block_bytes, settings.max_line_bytes)


def _read(run: Sequence[LogFile], settings: ReadingSettings) -> Iterator[list[Part]]:
    whole: list[Part] = []
    size = 0
    for file in run:
        parts = _parts(file, settings)
        first = next(parts)
        if first.ended:
            whole.append(first)
            for item in first.items:
                size += len(item.data) if isinstance(item, Block) else 0
        if whole and (not first.ended or size > _RUN_BYTES):
            yield whole
            whole, size = [], 0
        if not first.ended:
            yield [first]
            for part in parts:
                yield [part]
    if whole:
        yield whole


def _parts(file: LogFile, settings: ReadingSettings) -> Iterator[Part]:
    """A file in parts, as few as there are blocks of it."""
    block = small_block(file, _most(settings))
    if block is not None:
        yield Part(file, [block], ended=True)
        return
    items: list[Block | Rejected] = []
    error = None
    try:
        for item in blocks(file, settings.block_bytes, settings.max_line_bytes):
            items.append(item)
            # With the last block comes the end of the file, or why it cannot be read further.
            if not (isinstance(item, Block) and item.last):
                yield Part(file, items)
                items = []
    except InputError as problem:
        error = problem.message
    yield Part(file, items, ended=True, error=error)
