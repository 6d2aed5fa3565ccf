"""``enricher evaluate``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("evaluate")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Directory with manifest.yaml and the labelled logs.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("evaluation"),
    show_default=True,
    help="Where evaluation.md and evaluation.json are written.",
)
@click.option(
    "--leave-out",
    multiple=True,
    metavar="CAPTURE",
    help="Only this capture, and those of the same source; may be repeated. Default: all.",
)
@click.option(
    "--recipe",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="How to train; by default the recipe of the shipped bundle.",
)
@click.option(
    "--epochs", type=click.IntRange(1, 1000), help="Train every model with at most so many epochs."
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where to compute.",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the features of each log here for the next time.",
)
def command(
    *,
    data: Path,
    out: Path,
    leave_out: tuple[str, ...],
    recipe: Path | None,
    epochs: int | None,
    device: str,
    cache: Path | None,
) -> None:
    """Measure detection on captures that training has not seen.

    Each capture is scored by a model that was trained and calibrated on all others.
    """
    # Imported here, so that --help need not wait for torch.
    from enricher.learn.commands import Job, run_evaluation  # noqa: PLC0415
    from enricher.learn.progress import Reporter  # noqa: PLC0415

    with Reporter() as progress:
        job = Job(data, recipe, device, cache)
        evaluation = run_evaluation(job, out, leave_out, epochs, progress)
    for names, why in evaluation.failures.items():
        click.echo(f"not evaluated: {names}: {why}", err=True)
    click.echo(f"{len(evaluation.results)} results written to {out / 'evaluation.md'}")
