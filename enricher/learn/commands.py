"""What the commands `train` and `evaluate` do, without the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from enricher.detector.device import choose_device
from enricher.errors import OutputError
from enricher.learn.bundling import make_bundle, save_bundle
from enricher.learn.checkpoints import Checkpoints
from enricher.learn.evaluating import Evaluation, evaluate, markdown
from enricher.learn.fitting import Progress
from enricher.learn.labels import load_families, load_groups
from enricher.learn.loading import load
from enricher.learn.manifest import load_manifest
from enricher.learn.protocol.weighing import weigh
from enricher.learn.recipe import Recipe, load_recipe
from enricher.learn.run import Run
from enricher.learn.training import train
from enricher.resources import resource_dir

_THREADS = 1
"""Threads on a CPU: the same number gives the same weights again, and the batches are too small
for more to be of use (where other programs work as well, two took 20 times as long as one)."""


@dataclass(frozen=True, slots=True)
class Job:
    """Where things are.

    Attributes:
        data: Directory with the manifest.
        recipe: The recipe, or None for the one that is shipped.
        device: ``auto``, ``cpu`` or ``cuda``.
        cache: Directory for features and for models that are fitted already, or None.
    """

    data: Path
    recipe: Path | None = None
    device: str = "cpu"
    cache: Path | None = None

    def checkpoints(self) -> Checkpoints:
        """Models that were fitted already: a training that was stopped goes on."""
        return Checkpoints(None if self.cache is None else self.cache / "models")

    def read_recipe(self) -> Recipe:
        """The recipe."""
        shipped = resource_dir("models") / "recipes" / "default.yaml"
        return load_recipe(shipped if self.recipe is None else self.recipe)


def families_file() -> Path:
    """The descriptions of the families that are shipped."""
    return resource_dir("models") / "families.yaml"


def run_training(job: Job, out: Path, progress: Progress) -> Path:
    """Train a bundle and write it to a folder named like the recipe below ``out``.

    Raises:
        EnricherError: If data or recipe can not be used, or the folder not be written.
    """
    device = choose_device(job.device)
    torch.set_num_threads(_THREADS)
    recipe = job.read_recipe()
    families = load_families(families_file())["families"]
    loaded = load(
        load_manifest(job.data),
        recipe,
        load_groups(families_file()),
        cache=job.cache,
        progress=progress,
    )
    datasets = loaded.datasets
    run = Run(loaded.space, recipe, device, progress, job.checkpoints(), loaded.names)
    trained = train(datasets, run)
    weighed = weigh(datasets, run)
    trained.figures["shares"] = weighed.risks
    bundle = make_bundle(trained, datasets, recipe, families, loaded.names, weighed.shares)
    folder = out / recipe.name
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_bundle(bundle, folder, datasets, recipe.seed)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
    return folder


def run_evaluation(
    job: Job, out: Path, leave_out: tuple[str, ...], epochs: int | None, progress: Progress
) -> Evaluation:
    """Evaluate with captures left out; write ``evaluation.md`` and ``evaluation.json``.

    Raises:
        EnricherError: If data or recipe can not be used, or the folder not be written.
    """
    device = choose_device(job.device)
    torch.set_num_threads(_THREADS)
    recipe = job.read_recipe()
    loaded = load(
        load_manifest(job.data),
        recipe,
        load_groups(families_file()),
        cache=job.cache,
        progress=progress,
    )
    run = Run(loaded.space, recipe, device, progress, job.checkpoints(), loaded.names)
    evaluation = evaluate(loaded.datasets, run, leave_out=leave_out, epochs=epochs)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "evaluation.md").write_text(markdown(evaluation), encoding="utf-8")
        content = json.dumps(evaluation.to_dict(), indent=1, sort_keys=True)
        (out / "evaluation.json").write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}") from error
    return evaluation
