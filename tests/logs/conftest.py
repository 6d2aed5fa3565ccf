"""One way for the tests of this folder to read bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import pytest

from enricher.logs import Block, Kind, ReadResult, open_reader

Read = Callable[..., ReadResult]


@pytest.fixture(scope="session")
def read_bytes() -> Read:
    """Reads a whole file's bytes as one block."""

    def read(
        data: bytes,
        format: Literal["tsv", "json", "eve"],  # noqa: A002 - the reader's own name for it
        kind: Kind | None = None,
        keep: Sequence[str] = (),
    ) -> ReadResult:
        reader = open_reader(format, "some.log", kind, keep)
        return reader.read(Block(7, "some.log", data, 1, 0, last=True))

    return read
