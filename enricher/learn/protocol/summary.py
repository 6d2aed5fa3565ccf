"""From cells to the lines of the tables: a line for each table, number of shots and method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np

from enricher.learn.protocol.cells import Cell
from enricher.learn.protocol.intervals import Interval, over_families
from enricher.learn.protocol.method import Role
from enricher.learn.protocol.stages import Hidden, title

_CHANCE = 0.5

FIGURES = ("tpr", "tpr_fine", "auroc", "auprc", "precision", "alerts", "ece", "macro_f1")


@dataclass(frozen=True, slots=True)
class Line:
    """One method with one number of shots in one table.

    Attributes:
        stage: ``P1``, or ``P2`` with its data sets.
        table: Log kind, or what of it, and what is hidden.
        origin: Recorded or synthetic.
        shots: Attack records, K.
        method: Name of the method.
        role: Baseline, control or ours.
        tpr: TPR at FPR 1e-3, mean over families with its interval; None where there are too few
            benign records.
        worst: The family with the lowest TPR, and that.
        families: TPR of each family, mean over draws and seeds.
        spread: Standard deviation of the mean over families from draw to draw.
        labels: Labels that were used at most, support and benign.
        draws: Draws and seeds.
        figures: Means over families of the other figures.
    """

    stage: str
    table: str
    origin: str
    shots: int
    method: str
    role: Role
    tpr: Interval | None
    worst: tuple[str, float] | None
    families: Mapping[str, float]
    spread: float
    labels: int
    draws: int
    figures: Mapping[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Duel:
    """Ours against the best baseline on the same support sets: half the misses.

    Attributes:
        stage: As in :class:`Line`.
        table: As in :class:`Line`.
        origin: As in :class:`Line`.
        shots: As in :class:`Line`.
        ours: Name of our method.
        rival: The baseline with the highest mean TPR.
        miss: Our mean of 1 - TPR, on the draws that the rival has.
        rival_miss: The rival's.
        worst: Our worst family and its TPR.
        rival_worst: The rival's.
        halved: Our misses are at most half of the rival's.
        worst_held: Our worst family is no worse than the rival's.
    """

    stage: str
    table: str
    origin: str
    shots: int
    ours: str
    rival: str
    miss: float
    rival_miss: float
    worst: tuple[str, float]
    rival_worst: tuple[str, float]
    halved: bool
    worst_held: bool

    @property
    def passed(self) -> bool:
        """Whether the gate is passed here."""
        return self.halved and self.worst_held


Place = tuple[str, str, str, int]
_ByMethod = dict[str, list[Cell]]


def places(
    cells: Iterable[Cell], keep: Callable[[Cell], bool] | None = None
) -> dict[Place, _ByMethod]:
    """Cells by (stage, table, origin, shots) and by method."""
    found: dict[Place, _ByMethod] = {}
    for cell in cells:
        if keep is None or keep(cell):
            hidden = cast(Hidden, tuple(cell["hidden"].split("+")) if cell["hidden"] else ())
            name = title(cell["table"], cell["kind"], hidden)
            place = (cell["stage"], name, cell["origin"], cell["shots"])
            found.setdefault(place, {}).setdefault(cell["method"], []).append(cell)
    return dict(sorted(found.items()))


def summarise(cells: Iterable[Cell], keep: Callable[[Cell], bool] | None = None) -> list[Line]:
    """A line for each place and method, the highest TPR first.

    Args:
        cells: Results.
        keep: Which of them count; all by default.
    """
    lines = []
    for place, methods in places(cells, keep).items():
        own = [_line(place, name, found) for name, found in methods.items()]
        lines += sorted(own, key=lambda line: -(line.tpr.mean if line.tpr else -1.0))
    return lines


def _line(place: Place, method: str, cells: Sequence[Cell]) -> Line:
    stage, table, origin, shots = place
    families = family_means(cells, "tpr")
    values = np.array(list(families.values()))
    return Line(
        stage=stage,
        table=table,
        origin=origin,
        shots=shots,
        method=method,
        role=cells[0]["role"],
        tpr=over_families(values) if families else None,
        worst=worst_of(families) if families else None,
        families=families,
        spread=_spread(cells),
        labels=max(cell["labels"] for cell in cells),
        draws=len({_repeat(cell) for cell in cells}),
        figures={name: _mean(family_means(cells, name)) for name in FIGURES},
    )


def family_means(cells: Iterable[Cell], figure: str) -> dict[str, float]:
    """Mean of a figure over the draws and seeds of each family, sorted by name."""
    values: dict[str, list[float]] = {}
    for cell in cells:
        if cell[figure] is not None:
            values.setdefault(cell["name"], []).append(cell[figure])
    return {name: float(np.mean(own)) for name, own in sorted(values.items())}


def worst_of(families: Mapping[str, float]) -> tuple[str, float]:
    """The family with the lowest value, and that."""
    return min(families.items(), key=lambda item: (item[1], item[0]))


def duels(cells: Iterable[Cell]) -> list[Duel]:
    """The gate: each of ours against the best baseline of each place."""
    found = []
    for place, methods in places(cells).items():
        means = {name: family_means(own, "tpr") for name, own in methods.items()}
        rated = [name for name in methods if means[name]]
        rivals = [name for name in rated if methods[name][0]["role"] == "baseline"]
        if not rivals:
            continue
        rival = max(rivals, key=lambda name: (float(np.mean(list(means[name].values()))), name))
        drawn = {_drawn(cell) for cell in methods[rival]}
        for name in rated:
            if methods[name][0]["role"] == "ours":
                same = [cell for cell in methods[name] if _drawn(cell) in drawn]
                found.append(_duel(place, name, family_means(same, "tpr"), rival, means[rival]))
    return found


def _duel(
    place: Place,
    ours: str,
    own: Mapping[str, float],
    rival: str,
    other: Mapping[str, float],
) -> Duel:
    miss = 1 - float(np.mean(list(own.values())))
    rival_miss = 1 - float(np.mean(list(other.values())))
    worst, rival_worst = worst_of(own), worst_of(other)
    return Duel(
        *place,
        ours=ours,
        rival=rival,
        miss=miss,
        rival_miss=rival_miss,
        worst=worst,
        rival_worst=rival_worst,
        halved=miss <= rival_miss / 2 + 1e-12,
        worst_held=worst[1] >= rival_worst[1] - 1e-12,
    )


def doubts(lines: Iterable[Line]) -> list[str]:
    """What looks like a mistake of the harness: under chance, or no better with more records."""
    by_method: dict[tuple[str, str, str, str], dict[int, Line]] = {}
    found = []
    for line in lines:
        name = f"{line.stage}, {line.table}, {line.origin}: {line.method}"
        area = line.figures["auroc"]
        if area is not None and area < _CHANCE:
            found.append(f"{name} is under chance at K = {line.shots}: AUROC {area:.2f}")
        if line.shots and line.tpr is not None:
            key = (line.stage, line.table, line.origin, line.method)
            by_method.setdefault(key, {})[line.shots] = line
    for (stage, table, origin, method), own in by_method.items():
        few, many = min(own), max(own)
        both = own[few].families.keys() & own[many].families.keys()
        if few < many and both:
            first, last = (
                float(np.mean([own[shots].families[name] for name in both]))
                for shots in (few, many)
            )
            if last < first:
                found.append(
                    f"{stage}, {table}, {origin}: {method} does not rise with K: TPR {first:.2f} "
                    f"at {few}, {last:.2f} at {many}"
                )
    return found


def _drawn(cell: Cell) -> tuple[Any, ...]:
    return (cell["name"], cell["model"], cell["draw"])


def _repeat(cell: Cell) -> tuple[Any, ...]:
    return (cell["model"], cell["draw"], cell["seed"])


def _spread(cells: Sequence[Cell]) -> float:
    draws: dict[int, list[float]] = {}
    for cell in cells:
        if cell["tpr"] is not None:
            draws.setdefault(cell["draw"], []).append(cell["tpr"])
    return float(np.std([np.mean(own) for own in draws.values()])) if draws else 0.0


def _mean(families: Mapping[str, float]) -> float | None:
    return float(np.mean(list(families.values()))) if families else None
