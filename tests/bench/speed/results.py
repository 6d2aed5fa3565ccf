"""What a measurement gives: rows of a table, each held against a goal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Unit = Literal["times", "s", "ms", "MiB", "records/s"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a value: a ratio ("times") or a figure with a unit."""

    bound: float
    unit: Unit = "times"
    at_most: bool = False

    def reached(self, value: float) -> bool:
        """Whether the value keeps to the bound; what could not be measured does not."""
        return value <= self.bound if self.at_most else value >= self.bound

    def halved(self) -> Goal:
        """Half the goal: half as fast, which is twice as long."""
        return replace(self, bound=2 * self.bound if self.at_most else self.bound / 2)

    def __str__(self) -> str:
        bound = f"{self.bound:.2g}" if self.unit == "times" else number(self.bound, self.unit)
        return f"{'at most' if self.at_most else 'at least'} {bound}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: For programs: short, the same in every run.
        what: What was measured.
        figure: What it came to, for people.
        goal: What it is held against.
        value: What the goal is about: a ratio of whole processes, or the figure as a number.
        against: The other side of a ratio, for people.
        work: The ratio without what both take to start; None where that says nothing.
    """

    name: str
    what: str
    figure: str
    goal: Goal
    value: float
    against: str = ""
    work: float | None = None

    @property
    def reached(self) -> bool:
        return self.goal.reached(self.value)

    def cells(self) -> tuple[str, ...]:
        is_ratio = self.goal.unit == "times"
        return (
            self.what,
            self.figure,
            self.against,
            number(self.value, "times") if is_ratio else "",
            "" if self.work is None else number(self.work, "times"),
            str(self.goal),
            "yes" if self.reached else "no",
        )


HEAD = ("what", "figure", "against", "ratio", "without start", "goal", "reached")


def number(value: float, unit: Unit) -> str:
    """A value with its unit, in as many digits as say something."""
    if unit == "times":
        return f"{value:.3g}" if value < 1 else f"{value:,.2f}" if value < 10 else f"{value:,.0f}"
    return f"{value:,.2f} {unit}" if unit == "s" else f"{value:,.0f} {unit}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]], left: int = 1) -> str:
    """A Markdown table; all but the first ``left`` columns stand to the right."""
    names = list(head)
    marks = ["---" if place < left else "---:" for place in range(len(names))]
    lines = [names, marks, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def rows_table(rows: Iterable[Row]) -> str:
    """The table of some rows."""
    return table(HEAD, (row.cells() for row in rows), left=3)


def better(one: Row, other: Row) -> Row:
    """Of two measurements of the same the one that comes nearer to the goal, without start."""
    if one.work is None or other.work is None:
        return other if one.work is None else one
    return one if (one.work <= other.work) == one.goal.at_most else other
