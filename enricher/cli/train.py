"""``enricher train``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("train")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Directory with manifest.yaml and the labelled logs.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the bundle's folder is written; one of the same name is replaced.",
)
@click.option(
    "--recipe",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="How to train; by default the recipe of the shipped bundle.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where to compute; only the CPU gives the same weights again.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the features of each log and the models here: a run that was stopped goes on.",
)
def command(data: Path, out: Path, recipe: Path | None, device: str, cache: Path | None) -> None:
    """Train a detector bundle from labelled logs."""
    # Imported here, so that --help need not wait for torch.
    from enricher.learn.commands import Job, run_training  # noqa: PLC0415
    from enricher.learn.progress import Reporter  # noqa: PLC0415

    with Reporter() as progress:
        folder = run_training(Job(data, recipe, device, cache), out, progress)
    click.echo(f"bundle written to {folder}; read {folder / 'card.md'}")
