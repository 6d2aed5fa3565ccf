"""From what was run to a result, and from that to files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from enricher.errors import OutputError
from enricher.features import SPECS
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.protocol.cells import CellStore
from enricher.learn.protocol.plots import write_plots
from enricher.learn.protocol.report import Account, Result, markdown
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.stages import Stage
from enricher.learn.protocol.summary import doubts, duels, summarise
from enricher.learn.separability import one_feature_separability
from enricher.learn.table_splits import MixedTable

Easy: TypeAlias = Mapping[tuple[str, str], tuple[str, float]]


def folder_for(out: Path) -> Path:
    """The folder of results, made where it is missing.

    Raises:
        OutputError: If it can not be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
    return out


def result_of(
    stages: Sequence[Stage], store: CellStore, settings: Settings, account: Account, easy: Easy
) -> Result:
    """Put together what was measured.

    Args:
        stages: What was run.
        store: With all of its cells.
        settings: How much was run.
        account: How, in words.
        easy: What :func:`easy_families` found.
    """
    lines = summarise(store.cells)
    return Result(
        settings=settings,
        account=account,
        lines=lines,
        fixed=summarise(store.cells, lambda cell: cell["stage"] == "P1" and cell["part"] == 0),
        duels=duels(store.cells),
        doubts=doubts(lines),
        easy=easy,
        skipped={stage.name: stage.skipped for stage in stages},
        trained={
            stage.name: [
                {kind: len(rows) for kind, rows in part.split.rows.items()} for part in stage.parts
            ]
            for stage in stages
        },
    )


def easy_families(stage: Stage, heading: str = "", table: MixedTable | None = None) -> Easy:
    """The best threshold for each family of P1, in hindsight among what its task asks about.

    Args:
        stage: Its tasks.
        heading: Stands in the place of the kind of the records.
        table: The table where all its columns are shown.
    """
    found: dict[tuple[str, str], tuple[str, float]] = {}
    for part in stage.parts:
        for task in part.tasks:
            rows = np.concatenate([task.negatives, task.query])
            labels = np.repeat([BENIGN_LABEL, 1], [len(task.negatives), len(task.query)])
            shown = part.split.shown[task.kind]
            if table is None:
                numeric, names = shown.features.numeric[rows], SPECS[task.kind].numeric_names
            else:
                names = table.names[: len(table.names) - table.words]
                numeric = table.columns[shown.sources[rows], : len(names)]
            best = one_feature_separability(numeric, labels, names)[1]
            found[heading or task.kind, f"{task.name} ({task.origin})"] = (best.feature, best.rate)
    return found


def write(result: Result, out: Path, name: str, sections: Sequence[str] = ()) -> None:
    """Write ``name.md``, ``name.json`` and the plots.

    Args:
        result: What was measured.
        out: The folder.
        name: Begins the names of all files.
        sections: What is told before the tables.

    Raises:
        OutputError: If a file can not be written.
    """
    try:
        plots = write_plots(result.lines, out, name)
        text = markdown(result, plots, sections)
        (out / f"{name}.md").write_text(text, encoding="utf-8")
        content = json.dumps(result.to_dict(), indent=1, sort_keys=True)
        (out / f"{name}.json").write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
