"""What a table of the literature looks like, and which of its columns a sensor's log has too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The columns of one family of tables.

    Attributes:
        title: For messages.
        header: The first line of a file names the columns.
        numbers: Columns with numbers that a model may see.
        words: Columns with words that a model may see.
        others: Columns that no model may see: labels, numbers of rows, what is random by design.
        optional: How many of the last columns a file without header may lack.
        time_to_live: Those of ``numbers`` that tell the time to live, which stands for the
            machine that played the attacker and not for the attack.
        conn: Canonical columns of a ``conn`` record that mean the same, each as an expression.
        whole_seconds: Durations are rounded, so that a speed of a short connection is not known.
        categories: Category -> families; the attacks of one category look alike.
    """

    title: str
    header: bool
    numbers: tuple[str, ...]
    words: tuple[str, ...]
    others: tuple[str, ...]
    conn: Mapping[str, pl.Expr]
    categories: Mapping[str, tuple[str, ...]]
    optional: int = 0
    time_to_live: frozenset[str] = frozenset()
    whole_seconds: bool = False

    @property
    def seen(self) -> tuple[str, ...]:
        """Columns that a model may see."""
        return self.numbers + self.words


def amount(column: str | pl.Expr) -> pl.Expr:
    """A number of bytes or packets, null where it is missing or negative, as some exporters err."""
    value = pl.col(column) if isinstance(column, str) else column
    return pl.when(value >= 0).then(value).cast(pl.Int64(), strict=False)
