"""Stages on the literature's tables: P1 within one, P2 from logs to each and between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from enricher.learn.dataset import Dataset
from enricher.learn.protocol.metrics import FEWEST_BENIGN
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.stages import Stage, across_data_sets, families_left_out
from enricher.learn.table_splits import MixedTable, conn_like, with_all_columns
from enricher.learn.tables import Table
from enricher.logs import Kind

CONN_LIKE, ALL_COLUMNS = "conn-like columns", "all columns"
TIME_TO_LIVE = "all columns and time to live"
LOGS = "logs"
# The tables hold the same connections: training on one gives the other away, and asking about
# both tells the same twice.
_SAME_TABLES = frozenset({"kddcup99", "nsl-kdd"})


@dataclass(frozen=True, slots=True)
class TableStage:
    """A stage on one table.

    Attributes:
        stage: What is measured.
        train: Name of what its models are trained on.
        asked: The table.
        columns: All its columns are shown.
    """

    stage: Stage
    train: str
    asked: MixedTable
    columns: bool = False


def within_tables(tables: Sequence[Table], settings: Settings) -> Iterator[TableStage]:
    """P1 within each table: on its ``conn``-like columns, and on all its columns.

    The time to live stands for the machine of the attacker; papers look at it all the same, so
    that a table that has it is run once more with it.

    Families of a category are left out together. Rows are cut in two at random, and what is nearly
    the same falls on one side.
    """
    wider = _one_capture(settings)
    for table in tables:
        versions = {
            CONN_LIKE: conn_like(table, settings.seed),
            ALL_COLUMNS: with_all_columns(table, settings.seed),
        }
        if table.layout.time_to_live:
            versions[TIME_TO_LIVE] = with_all_columns(table, settings.seed, time_to_live=True)
        for columns, mixed in versions.items():
            stage = families_left_out(
                {"conn": mixed.dataset},
                wider,
                name=stage_name(table.name, columns),
                identities={"conn": mixed.identity},
            )
            yield TableStage(stage, table.name, mixed, columns != CONN_LIKE)


def across_tables(
    logs: Mapping[Kind, Dataset], tables: Sequence[Table], settings: Settings
) -> Iterator[TableStage]:
    """P2 from the logs to each table, and between tables with enough benign rows for a figure.

    Of tables that hold the same connections the largest is taken.
    """
    mixed = {table.name: conn_like(table, settings.seed) for table in _without_twins(tables)}
    sources: dict[str, Mapping[Kind, Dataset]] = {LOGS: logs} if logs else {}
    sources |= {
        name: {"conn": own.dataset}
        for name, own in mixed.items()
        if len(own.dataset.benign()) >= 2 * FEWEST_BENIGN
    }
    for train, records in sources.items():
        for name, own in mixed.items():
            if name != train and (train == LOGS or name in sources):
                stage = across_data_sets(
                    train, records, name, own.dataset, _one_capture(settings), own.identity
                )
                yield TableStage(stage, train, own)


def stage_name(table: str, columns: str) -> str:
    """Name of the stage P1 of a table."""
    return f"P1: {table}, {columns}"


def _without_twins(tables: Sequence[Table]) -> list[Table]:
    twins = [table for table in tables if table.name.lower() in _SAME_TABLES]
    largest = max(twins, key=len, default=None)
    return [table for table in tables if table is largest or table.name.lower() not in _SAME_TABLES]


def _one_capture(settings: Settings) -> Settings:
    """A table is one capture: all benign support comes from it."""
    return replace(settings, limits=replace(settings.limits, bank_capture=settings.limits.bank))
