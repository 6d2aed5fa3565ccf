"""Pieces of logs, cut as one likes, for the tests of the service."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enricher.config import Settings
from enricher.logs import Block
from enricher.logs.identify import HEAD_BYTES, identify
from enricher.sources.following import LogState, Piece
from enricher.sources.following.states import NOTHING

Cut = Callable[[Path, int, int], Iterator[Piece]]


@pytest.fixture
def cut_log() -> Cut:
    """Cuts a whole log into pieces of random numbers of lines."""

    def cut(path: Path, number: int, seed: int) -> Iterator[Piece]:
        data = path.read_bytes()
        found = identify(data[:HEAD_BYTES], path.name)
        lines, draw = data.splitlines(keepends=True), random.Random(seed)  # noqa: S311 - chance, no secret
        at = offset = 0
        while at < len(lines):
            count = draw.choice((1, 7, 300, 1_000, 4_000))
            block = b"".join(lines[at : at + count])
            end = offset + len(block)
            log = LogState(
                number=number,
                source=str(path.parent),
                name=str(path),
                format=found.format,
                kind=found.kind,
                log_path=found.path,
                fingerprint=NOTHING,
                path=path,
                file_id=None,
                offset=end,
                line=at + count + 1,
                header=b"".join(line for line in lines[:20] if line.startswith(b"#")),
                written=None,
                finished=False,
            )
            yield Piece(log, offset, at + 1, (Block(number, str(path), block, at + 1, offset),))
            at, offset = at + count, end

    return cut


@pytest.fixture
def live_settings(settings_with: Callable[..., Settings]) -> Settings:
    return settings_with("alerts.per_day=1000", "alerts.window_seconds=600")
