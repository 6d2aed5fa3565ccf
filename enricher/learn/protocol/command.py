"""What `enricher evaluate --protocol p1` and `p2` do, without the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from enricher.detector.device import choose_device
from enricher.errors import InputError, OutputError
from enricher.features import SPECS
from enricher.learn.commands import Job, families_file
from enricher.learn.dataset import Dataset
from enricher.learn.fitting import Progress
from enricher.learn.labels import BENIGN_LABEL, load_groups
from enricher.learn.loading import load
from enricher.learn.manifest import load_manifest
from enricher.learn.protocol.catalogue import all_methods
from enricher.learn.protocol.cells import CellStore
from enricher.learn.protocol.encoder_views import EncoderViews
from enricher.learn.protocol.into_card import put_into_card
from enricher.learn.protocol.methods.stacked import stacked_methods
from enricher.learn.protocol.plain_views import plain_views
from enricher.learn.protocol.plots import write_plots
from enricher.learn.protocol.report import Result, markdown
from enricher.learn.protocol.running import run_stage
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.stages import Stage, across_data_sets, families_left_out
from enricher.learn.protocol.summary import doubts, duels, summarise
from enricher.learn.protocol.weighing import outcomes
from enricher.learn.run import Run
from enricher.learn.separability import one_feature_separability
from enricher.learn.stacking import cross_fitted
from enricher.learn.tables import load_tables
from enricher.logs import Kind

_THREADS = 1
_LOGS = "logs"
# The tables hold the same connections: training on one gives the other away.
_SAME_TABLES = frozenset({"kddcup99", "nsl-kdd"})
PLAIN = "scaled features, no model"
ENCODER = (
    "an encoder trained without the families of the fold; shares of base learners from the others"
)


def run_few_shot(
    job: Job,
    out: Path,
    protocols: Sequence[str],
    settings: Settings,
    progress: Progress,
    *,
    plain: bool = False,
    into: Path | None = None,
) -> Result:
    """Run protocols P1 and P2; write ``few-shot.md``, ``few-shot.json``, cells and plots.

    A run that was stopped goes on where it was when it is called again.

    Args:
        job: Where things are.
        out: Folder of the results.
        protocols: ``p1``, ``p2`` or both.
        settings: How much.
        progress: Told of what is being done.
        plain: Do without an encoder: scaled features stand in its place, and a ridge head in that
            of the super learner.
        into: Bundle of the same recipe whose card gets a summary of P1.

    Raises:
        EnricherError: If data or recipe can not be used, or the folder not be written.
    """
    torch.set_num_threads(_THREADS)
    recipe = job.read_recipe()
    manifest = load_manifest(job.data)
    groups = load_groups(families_file())
    loaded = load(manifest, recipe, groups, cache=job.cache, progress=progress)
    datasets = {kind: data for kind, data in loaded.datasets.items() if kind in settings.kinds}
    progress("making tasks", 0, 1)
    stages = []
    if "p1" in protocols:
        stages.append(families_left_out(datasets, settings, recipe.data.same_source))
    if "p2" in protocols:
        stages += _across(datasets, load_tables(manifest), settings)
    if not any(stage.parts for stage in stages):
        raise InputError("no family has records enough for a task; label more data", job.data)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
    run = Run(
        loaded.space,
        recipe.shortened(settings.epochs),
        choose_device(job.device),
        progress,
        job.checkpoints(),
        loaded.names,
    )
    make_views, views = (
        (plain_views, PLAIN) if plain else (_weighed(stages, run, settings), ENCODER)
    )
    methods = all_methods(() if plain else stacked_methods(), settings.meta_steps)
    store = CellStore(
        out / "few-shot-cells.jsonl", {**settings.to_dict(), "views": views, "of": list(protocols)}
    )
    for stage in stages:
        run_stage(stage, methods, make_views, settings, store, progress)
    result = _result(stages, store, settings, views)
    _write(result, out)
    if into is not None:
        put_into_card(into, result, recipe)
    return result


def _weighed(stages: Sequence[Stage], run: Run, settings: Settings) -> EncoderViews:
    """Encoders, and shares for every part of P1 that its own families had no say in."""
    views = EncoderViews(run)
    for stage in stages:
        if stage.name == "P1":
            parts = outcomes(stage, views, settings.seed, settings.shots, run.progress)
            for model in range(settings.models):
                for number, shares in cross_fitted(parts).items():
                    views.shares[settings.seed + 1_000 * model + number] = shares
    return views


def _across(
    logs: Mapping[Kind, Dataset], tables: Mapping[str, Dataset], settings: Settings
) -> list[Stage]:
    """P2 from the logs to each table, and from each table to each other."""
    sources: dict[str, Mapping[Kind, Dataset]] = {_LOGS: logs} if "conn" in logs else {}
    sources |= {name: {data.kind: data} for name, data in tables.items()}
    return [
        across_data_sets(train_name, train, name, data, settings)
        for train_name, train in sources.items()
        for name, data in tables.items()
        if name != train_name and not {name.lower(), train_name.lower()} <= _SAME_TABLES
    ]


def _result(
    stages: Sequence[Stage],
    store: CellStore,
    settings: Settings,
    views: str,
) -> Result:
    lines = summarise(store.cells)
    return Result(
        settings=settings,
        views=views,
        lines=lines,
        fixed=summarise(store.cells, lambda cell: cell["stage"] == "P1" and cell["part"] == 0),
        duels=duels(store.cells),
        doubts=doubts(lines),
        easy=_easy(stages),
        skipped={stage.name: stage.skipped for stage in stages},
        trained={
            stage.name: [
                {kind: len(rows) for kind, rows in part.split.rows.items()} for part in stage.parts
            ]
            for stage in stages
        },
    )


def _easy(stages: Sequence[Stage]) -> dict[tuple[str, str], tuple[str, float]]:
    """The best threshold for each family of P1, in hindsight among what its task asks about."""
    found: dict[tuple[str, str], tuple[str, float]] = {}
    for part in (part for stage in stages if stage.name == "P1" for part in stage.parts):
        for task in part.tasks:
            rows = np.concatenate([task.negatives, task.query])
            labels = np.repeat([BENIGN_LABEL, 1], [len(task.negatives), len(task.query)])
            numeric = part.split.shown[task.kind].features.numeric[rows]
            best = one_feature_separability(numeric, labels, SPECS[task.kind].numeric_names)[1]
            found[task.kind, f"{task.name} ({task.origin})"] = (best.feature, best.rate)
    return found


def _write(result: Result, out: Path) -> None:
    try:
        plots = write_plots(result.lines, out)
        (out / "few-shot.md").write_text(markdown(result, plots), encoding="utf-8")
        content = json.dumps(result.to_dict(), indent=1, sort_keys=True)
        (out / "few-shot.json").write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
