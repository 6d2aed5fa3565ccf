"""What `enricher evaluate --adversary` does, without the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import torch

from enricher.detector.detector import Detector
from enricher.errors import OutputError
from enricher.learn.adversary.growth import Growth, grown
from enricher.learn.adversary.measuring import Cell, Finder, losses
from enricher.learn.adversary.records import Limits, collect, unattacked_logs
from enricher.learn.adversary.report import markdown
from enricher.learn.commands import Job
from enricher.learn.fitting import Progress
from enricher.learn.loading import attacked_logs
from enricher.learn.manifest import load_manifest
from enricher.learn.recipe import Recipe

FACTORS = (1.1, 2.0, 10.0)
FRESH_SITE = 9001
"""Seed of the simulated site that is asked about: no recipe trains on it."""


def run_adversary(
    job: Job,
    out: Path,
    progress: Progress,
    *,
    bundle: Path | None = None,
    factors: Sequence[float] = FACTORS,
    limits: Limits | None = None,
) -> list[Cell]:
    """Measure what growth costs a bundle; write ``adversary.md`` and ``adversary.json``.

    Args:
        job: Where things are.
        out: Folder of the results.
        progress: Told of every step.
        bundle: Folder of the bundle; None for the one that is shipped.
        factors: Largest factors of growth.
        limits: How many records are asked about; None for the usual numbers.

    Raises:
        EnricherError: If data, recipe or bundle can not be used, or the folder not be written.
    """
    torch.set_num_threads(1)
    limits = limits or Limits()
    detector = Detector.load(bundle, job.device)
    manifest, recipe = load_manifest(job.data), asking_recipe(job)
    names = detector.bundle.names
    attacked = partial(attacked_logs, manifest, recipe, names)
    growths = [Growth(factor, varied) for varied in (False, True) for factor in factors]
    progress("reading logs", 0, len(growths) + 1)
    # The attacked logs come first: their numbers seed the draws.
    clean = chain(attacked(), unattacked_logs(manifest, recipe, names, job.cache))
    sample = collect(clean, limits)
    after = {}
    for number, growth in enumerate(growths):
        progress("growing attack records", number + 1, len(growths) + 1)
        change = partial(grown, growth=growth)
        after[growth] = collect(attacked(change), replace(limits, benign=0))
    cells = losses(Finder(detector, sample, limits.seed), sample, after, progress)
    note = f"Bundle {detector.bundle.name} {detector.bundle.version}, recipe {recipe.name}."
    content = json.dumps([cell.to_dict() for cell in cells], indent=1)
    write_results(out, "adversary", markdown(cells, note), content)
    return cells


def asking_recipe(job: Job) -> Recipe:
    """The recipe of the job with a simulated site that it does not train on."""
    recipe = job.read_recipe()
    return replace(recipe, data=replace(recipe.data, simulate=(FRESH_SITE,), prior=()))


def write_results(out: Path, name: str, text: str, content: str) -> None:
    """Write ``NAME.md`` and ``NAME.json``.

    Raises:
        OutputError: If they can not be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.md").write_text(text, encoding="utf-8")
        (out / f"{name}.json").write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
