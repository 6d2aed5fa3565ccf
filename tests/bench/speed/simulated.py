"""Labelled records to teach families with, out of `enricher simulate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.speed.processes import ENRICHER, Program, run

BENIGN = "benign"


@dataclass(frozen=True, slots=True)
class Labelled:
    """The records of one simulated log.

    Attributes:
        head: Its header.
        rows: Its lines by family, benign ones under :data:`BENIGN`.
    """

    head: str
    rows: dict[str, list[str]]

    def write(self, path: Path, rows: Sequence[str]) -> Path:
        """Write a log of some of the rows."""
        path.write_text(self.head + "".join(rows))
        return path


def simulate(folder: Path, hours: float) -> Path:
    """Write an office network's logs with every family of attack in them."""
    if not folder.exists():
        run(Program((*ENRICHER, "simulate", "--out", str(folder), "--hours", str(hours))))
    return folder


def labelled(log: Path) -> Labelled:
    """Read a simulated log; the last column of each line says what it is."""
    head: list[str] = []
    rows: dict[str, list[str]] = {}
    with log.open() as lines:
        for line in lines:
            if line.startswith("#"):
                head.append(line)
            else:
                rows.setdefault(line.rstrip("\n").rpartition("\t")[2], []).append(line)
    return Labelled("".join(one for one in head if not one.startswith("#close")), rows)
