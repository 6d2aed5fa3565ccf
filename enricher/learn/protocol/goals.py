"""What the figures on the literature's tables are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from enricher.learn.card import table
from enricher.learn.protocol.summary import Line
from enricher.learn.table_splits import Alike

_BY_TABLE: Final[Mapping[str, Mapping[int, float]]] = {
    "unsw-nb15": {1: 0.50, 5: 0.65, 10: 0.75, 50: 0.85},
    "cicids2017": {1: 0.65, 5: 0.80, 10: 0.88, 50: 0.95},
    "kddcup99": {1: 0.60, 5: 0.80, 10: 0.88, 50: 0.94},
}
_ACROSS: Final[Mapping[int, float]] = {5: 0.50, 10: 0.60, 50: 0.80}

_INTRO = """\
TPR at FPR 1e-3, mean over families, of the best of ours and of the best baseline; where a baseline
is above the goal, the gate counts. The goal of kddcup99 is for families that are only in its test
set: no such family is in a file of its training set, so that the figure beside it is of others."""
_FEWEST: Final = 22
_OVERLAP = """\
Rows of each family that are nearly the same as a benign row, or as one of another family, in all
that a model sees. The first can not be found without false alarms. The second say how far families
that stay in training stand in for it: only copies of what is asked are taken out of training."""


def goals(lines: Sequence[Line]) -> str:
    """A section of Markdown: for every table and K the goal, ours and the best baseline."""
    rows = []
    for key in dict.fromkeys((x.stage, x.table, x.shots) for x in lines if x.shots):
        own = [x for x in lines if (x.stage, x.table, x.shots) == key]
        goal = goal_of(key[0], key[2])
        ours, rival = _best(own, "ours"), _best(own, "baseline")
        reached = "-" if goal is None or ours is None else "yes" if ours >= goal else "no"
        rows.append(
            (
                key[0],
                key[1],
                str(key[2]),
                "-" if goal is None else f"{goal:.2f}",
                _number(ours),
                _number(rival),
                reached,
            )
        )
    head = ("stage", "table", "K", "goal", "ours", "best baseline", "reached")
    return f"## Goals\n\n{_INTRO}\n\n{table(head, rows)}"


def overlap(found: Mapping[str, Mapping[str, Alike]]) -> str:
    """A section of Markdown: how much of each family, by table, can be told apart at all."""
    rows = [
        (
            name,
            family,
            f"{own.rows:,}",
            f"{own.distinct:,}",
            f"{own.benign:.2f}",
            f"{own.others:.2f}",
        )
        for name, families in found.items()
        for family, own in families.items()
        if own.rows >= _FEWEST
    ]
    head = ("table", "family", "rows", "distinct", "as a benign row", "as another family's")
    return f"## Rows that say the same\n\n{_OVERLAP}\n\n{table(head, rows)}"


def goal_of(stage: str, shots: int) -> float | None:
    """The goal of a stage, None where there is none."""
    if stage.startswith("P2"):
        return _ACROSS.get(shots)
    name = stage.removeprefix("P1: ").split(",")[0]
    return _BY_TABLE.get(name, {}).get(shots)


def _best(lines: Sequence[Line], role: str) -> float | None:
    means = [x.tpr.mean for x in lines if x.role == role and x.tpr is not None]
    return max(means, default=None)


def _number(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"
