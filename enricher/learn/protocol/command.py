"""What `enricher evaluate --protocol p1` does, without the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch

from enricher.detector.device import choose_device
from enricher.errors import InputError
from enricher.learn.commands import Job, families_file
from enricher.learn.fitting import Progress
from enricher.learn.labels import load_groups
from enricher.learn.loading import load
from enricher.learn.manifest import load_manifest
from enricher.learn.protocol.catalogue import all_methods
from enricher.learn.protocol.cells import CellStore
from enricher.learn.protocol.column_views import ColumnViews
from enricher.learn.protocol.encoder_views import EncoderViews
from enricher.learn.protocol.into_card import put_into_card
from enricher.learn.protocol.methods.stacked import stacked_methods
from enricher.learn.protocol.plain_views import plain_views
from enricher.learn.protocol.report import Account, Result
from enricher.learn.protocol.running import run_stage
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.stages import Stage, families_left_out
from enricher.learn.protocol.weighing import outcomes
from enricher.learn.protocol.writing import easy_families, folder_for, result_of, write
from enricher.learn.run import Run
from enricher.learn.stacking import cross_fitted

_THREADS = 1
Weighable = TypeVar("Weighable", EncoderViews, ColumnViews)

TITLE = "A new family from a few records"
DRAWN = (
    "Support comes from a family's first incident and from benign records of the earlier half of "
    "each capture; the query set is later, or from other captures, without exact copies of what "
    "was seen."
)
PLAIN = "scaled features, no model"
ENCODER = (
    "an encoder trained without the families of the fold; shares of base learners from the others"
)


def run_few_shot(
    job: Job,
    out: Path,
    settings: Settings,
    progress: Progress,
    *,
    plain: bool = False,
    into: Path | None = None,
) -> Result:
    """Run protocol P1; write ``few-shot.md``, ``few-shot.json``, cells and plots.

    A run that was stopped goes on where it was when it is called again.

    Args:
        job: Where things are.
        out: Folder of the results.
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
    stage = families_left_out(datasets, settings, recipe.data.same_source)
    if not stage.parts:
        raise InputError("no family has records enough for a task; label more data", job.data)
    folder_for(out)
    run = Run(
        loaded.space,
        recipe.shortened(settings.epochs),
        choose_device(job.device),
        progress,
        job.checkpoints(),
        loaded.names,
    )
    make_views, views = (
        (plain_views, PLAIN)
        if plain
        else (weighed(stage, EncoderViews(run), settings, progress), ENCODER)
    )
    methods = all_methods(() if plain else stacked_methods(), settings.meta_steps)
    store = CellStore(
        out / "few-shot-cells.jsonl", {**settings.to_dict(), "views": views, "of": ["p1"]}
    )
    run_stage(stage, methods, make_views, settings, store, progress)
    account = Account(TITLE, views, DRAWN)
    result = result_of([stage], store, settings, account, easy_families(stage))
    write(result, out, "few-shot")
    if into is not None:
        put_into_card(into, result, recipe)
    return result


def weighed(stage: Stage, views: Weighable, settings: Settings, progress: Progress) -> Weighable:
    """Give views shares for every part of a stage that its own families had no say in."""
    parts = outcomes(stage, views, settings.seed, settings.shots, progress)
    for model in range(settings.models):
        for number, shares in cross_fitted(parts).items():
            views.shares[settings.seed + 1_000 * model + number] = shares
    return views
