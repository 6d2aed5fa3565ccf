"""What `enricher evaluate --protocol tables` and `p2` do, without the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from enricher.detector.device import choose_device
from enricher.errors import InputError
from enricher.learn.commands import Job, families_file
from enricher.learn.dataset import Dataset
from enricher.learn.fitting import Progress
from enricher.learn.labels import load_groups
from enricher.learn.loading import load
from enricher.learn.manifest import Manifest, load_manifest
from enricher.learn.protocol.catalogue import all_methods
from enricher.learn.protocol.cells import CellStore
from enricher.learn.protocol.column_views import ColumnViews
from enricher.learn.protocol.command import weighed
from enricher.learn.protocol.encoder_views import EncoderViews
from enricher.learn.protocol.goals import goals, overlap
from enricher.learn.protocol.methods.stacked import stacked_methods
from enricher.learn.protocol.report import Account, Result
from enricher.learn.protocol.running import run_stage
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.table_stages import (
    TableStage,
    across_tables,
    within_tables,
)
from enricher.learn.protocol.writing import easy_families, folder_for, result_of, write
from enricher.learn.recipe import Recipe
from enricher.learn.run import Run
from enricher.learn.table_splits import rows_alike
from enricher.learn.tables import Table, read_table, table_sources, table_space
from enricher.logs import Kind

_THREADS = 1
ACCOUNT = Account(
    "The literature's tables",
    "on conn-like columns an encoder; in P1 it is trained on the table itself without the category "
    "of the families that are asked about, and shares of base learners come from the others; in P2 "
    "it is trained on other data, and all base learners have the same share. On all columns there "
    "is no encoder: scaled columns stand in its place, and gradient boosting on all families of "
    "training in that of its base score",
    "Rows of a table have no order: they are cut in two at random, exact duplicates removed, and "
    "rows that are nearly the same (to a twentieth of a logarithm in every number) on one side. "
    "Support comes from one half and the query set from the other; models have seen no benign row "
    "of the second half.",
)


def run_tables(
    job: Job, out: Path, protocols: Sequence[str], settings: Settings, progress: Progress
) -> Result:
    """Run P1 within the tables of the manifest, and P2; write ``tables.md`` and what belongs to it.

    A run that was stopped goes on where it was when it is called again.

    Args:
        job: Where things are.
        out: Folder of the results.
        protocols: ``tables`` (P1 within each table), ``p2`` or both.
        settings: How much. Tables have no context that could be hidden.
        progress: Told of what is being done.

    Raises:
        EnricherError: If data or recipe can not be used, or the folder not be written.
    """
    torch.set_num_threads(_THREADS)
    recipe = job.read_recipe()
    manifest = load_manifest(job.data)
    progress("reading tables", 0, 1)
    tables = [read_table(source) for source in table_sources(manifest)]
    if not tables:
        raise InputError("names no table; add one to the manifest under 'tables'", job.data)
    settings = replace(settings, hide=tuple(name for name in settings.hide if name == "service"))
    logs = _logs(job, manifest, recipe, progress) if "p2" in protocols else {}
    stages: list[TableStage] = []
    if "tables" in protocols:
        stages += within_tables(tables, settings)
    if "p2" in protocols:
        stages += across_tables(logs, tables, settings)
    stages = [own for own in stages if own.stage.parts and own.stage.parts[0].tasks]
    if not stages:
        raise InputError("no table has rows enough for a task; give larger ones", job.data)
    run = _run(job, recipe.shortened(settings.epochs), tables, progress)
    marks = {**settings.to_dict(), "views": ACCOUNT.views, "of": list(protocols)}
    store = CellStore(folder_for(out) / "tables-cells.jsonl", marks)
    sources: dict[str, EncoderViews] = {}
    for own in stages:
        _measure(own, run, settings, store, sources)
    return report(stages, store, settings, out)


def report(stages: Sequence[TableStage], store: CellStore, settings: Settings, out: Path) -> Result:
    """Put together what was measured and write it.

    Args:
        stages: What was run.
        store: With all of its cells.
        settings: How much was run.
        out: The folder.

    Raises:
        OutputError: If a file can not be written.
    """
    within = {
        own.stage.name.removeprefix("P1: "): own
        for own in stages
        if own.stage.name.startswith("P1")
    }
    easy = {
        key: found
        for name, own in within.items()
        for key, found in easy_families(own.stage, name, own.asked if own.columns else None).items()
    }
    result = result_of([own.stage for own in stages], store, settings, ACCOUNT, easy)
    alike = {name: rows_alike(own.asked) for name, own in within.items()}
    write(result, out, "tables", [goals(result.lines), overlap(alike)])
    return result


def _measure(
    own: TableStage,
    run: Run,
    settings: Settings,
    store: CellStore,
    sources: dict[str, EncoderViews],
) -> None:
    """Run one stage; models of P2 that are trained on the same data are kept in ``sources``."""
    stage, progress = own.stage, run.progress
    # A table has no context that could be hidden.
    ours = [x for x in stacked_methods() if not x.traits.name.endswith("context hidden")]
    methods = all_methods(ours, settings.meta_steps)
    if own.columns:
        views = weighed(stage, ColumnViews(own.asked), settings, progress)
        shown = replace(settings, hide=())
        run_stage(stage, methods, views, shown, store, progress, views.columns)
        return
    encoders = (
        weighed(stage, EncoderViews(run), settings, progress)
        if stage.name.startswith("P1")
        else sources.setdefault(own.train, EncoderViews(run))
    )
    run_stage(stage, methods, encoders, settings, store, progress)


def _logs(
    job: Job, manifest: Manifest, recipe: Recipe, progress: Progress
) -> Mapping[Kind, Dataset]:
    """The conn records of the manifest's logs, nothing where there are none."""
    groups = load_groups(families_file())
    loaded = load(manifest, recipe, groups, cache=job.cache, progress=progress)
    return {kind: data for kind, data in loaded.datasets.items() if kind == "conn"}


def _run(job: Job, recipe: Recipe, tables: Sequence[Table], progress: Progress) -> Run:
    """What all trainings share; the label space is that of what is trained on."""
    return Run(
        table_space(tables[0]), recipe, choose_device(job.device), progress, job.checkpoints()
    )
