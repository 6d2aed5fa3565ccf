"""Results as they come, one a line, so that a run that was stopped can go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from enricher.errors import InputError, OutputError

_KEY = (
    "stage", "hidden", "model", "part", "kind", "origin", "method", "shots", "draw", "seed",
)  # fmt: skip
Key = tuple[Any, ...]
Cell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One call for each task of a bench: a method, a number of shots, a draw and a seed."""

    stage: str
    hidden: str
    model: int
    part: int
    kind: str
    origin: str
    method: str
    shots: int
    draw: int
    seed: int

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return tuple(getattr(self, name) for name in _KEY)


class CellStore:
    """Cells in a file of JSON lines, the settings in its first.

    Args:
        path: The file; it is made where it is missing.
        settings: What decides the results.

    Raises:
        InputError: If the file is of other settings, or no such file.
        OutputError: If it can not be written.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self._path = path
        self.cells: list[Cell] = []
        self._done: set[Key] = set()
        head = orjson.dumps({"settings": settings}, option=orjson.OPT_SORT_KEYS)
        if path.exists():
            self._read(head)
        else:
            self._append([head])

    def __contains__(self, item: Item) -> bool:
        return item.key in self._done

    def add(self, item: Item, cells: Iterable[Cell]) -> None:
        """Keep the cells of an item. An item without cells is kept as one without figures."""
        own = [dict(cell) for cell in cells]
        mark = {name: getattr(item, name) for name in _KEY}
        self._append([orjson.dumps({**mark, "cells": own})])
        self._take({**mark, "cells": own})

    def _take(self, entry: Cell) -> None:
        mark = {name: entry[name] for name in _KEY}
        self._done.add(tuple(mark.values()))
        self.cells += [{**mark, **cell} for cell in entry["cells"]]

    def _read(self, head: bytes) -> None:
        lines = self._path.read_bytes().split(b"\n")
        if lines[0] != head:
            raise InputError(
                "was made with other settings; move it away, or give another --out", self._path, 1
            )
        # What follows the last end of a line was cut off when the run was stopped.
        for number, line in enumerate(lines[1:-1], start=2):
            try:
                self._take(orjson.loads(line))
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise InputError("is damaged; move it away", self._path, number) from error
        with self._path.open("r+b") as file:
            file.truncate(len(b"\n".join(lines[:-1])) + 1)

    def _append(self, lines: Iterable[bytes]) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(b"".join(line + b"\n" for line in lines))
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror}") from error
