"""``enricher evaluate``."""

from __future__ import annotations

from functools import partial
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
    help="Keep the features of each log and the models here: a run that was stopped goes on.",
)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    type=click.Choice(["captures", "p1", "tables", "p2"]),
    help="What to measure; may be repeated. captures: families that are known, at captures that "
    "training has not seen. p1: families that training has not seen, from K records. tables: the "
    "same within each of the literature's tables, on conn-like columns and on all of them. p2: "
    "from logs to each table, and from table to table. Default: captures, and p1 unless captures "
    "are named.",
)
@click.option("--quick", is_flag=True, help="A small part of p1, tables or p2, in minutes at most.")
@click.option(
    "--brief",
    is_flag=True,
    help="All of p1, tables or p2 with fewer draws and records, each within the hour.",
)
@click.option(
    "--draws",
    type=click.IntRange(1, 1000),
    help="Support sets for each family and K in p1, tables and p2.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    help="Seeds of each method that has one in p1, tables and p2.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes for p1, tables and p2.",
)
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Bundle of the same recipe whose card gets a summary of p1.",
)
@click.option(
    "--adversary",
    is_flag=True,
    help="Grow what is in an attacker's hand by 1.1, 2 and 10 times, and measure what a bundle and "
    "heads adapted with it lose. Without --protocol nothing else is measured.",
)
@click.option(
    "--explanations",
    is_flag=True,
    help="Measure whether deleting the fields that explanations name moves the score. Without "
    "--protocol nothing else is measured.",
)
@click.option(
    "--bundle",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the bundle for --adversary and --explanations; by default the shipped one.",
)
@click.option(
    "--compare-with",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a bundle of another seed: do --explanations name the same fields?",
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
    protocols: tuple[str, ...],
    quick: bool,
    brief: bool,
    draws: int | None,
    seeds: int | None,
    workers: int,
    into: Path | None,
    adversary: bool,
    explanations: bool,
    bundle: Path | None,
    compare_with: Path | None,
) -> None:
    """Measure detection on captures and of families that training has not seen.

    Captures: each is scored by a model that was trained and calibrated on all others; tables in
    evaluation.md. p1: each family is left out of training and learnt from K records, next to the
    baselines; tables and plots in few-shot.md. tables and p2: the same on the literature's tables,
    in tables.md. A run that was stopped goes on. Of a finished bundle: --adversary writes
    adversary.md, --explanations writes explanations.md.
    """
    # Imported here, so that --help need not wait for torch.
    from enricher.learn.commands import Job, run_evaluation  # noqa: PLC0415
    from enricher.learn.progress import Reporter  # noqa: PLC0415

    job = Job(data, recipe, device, cache)
    if adversary:
        from enricher.learn.adversary.command import run_adversary  # noqa: PLC0415

        with Reporter() as progress:
            cells = run_adversary(job, out, progress, bundle=bundle)
        click.echo(f"{len(cells)} results written to {out / 'adversary.md'}")
    if explanations:
        from enricher.learn.explaining_run import run_explanations  # noqa: PLC0415

        with Reporter() as progress:
            explained = run_explanations(job, out, progress, bundle=bundle, other=compare_with)
        click.echo(f"{len(explained)} families written to {out / 'explanations.md'}")
    if (adversary or explanations) and not protocols:
        return
    chosen = protocols or (("captures",) if leave_out or epochs else ("captures", "p1"))
    if "captures" in chosen:
        with Reporter() as progress:
            evaluation = run_evaluation(job, out, leave_out, epochs, progress)
        for names, why in evaluation.failures.items():
            click.echo(f"not evaluated: {names}: {why}", err=True)
        click.echo(f"{len(evaluation.results)} results written to {out / 'evaluation.md'}")
    few_shot = [name for name in chosen if name != "captures"]
    if few_shot:
        from enricher.errors import ConfigError  # noqa: PLC0415
        from enricher.learn.protocol.settings import (  # noqa: PLC0415
            chosen_settings,
            missing_packages,
        )

        if missing := missing_packages():
            raise ConfigError(
                f"the baselines of {', '.join(few_shot)} need {', '.join(missing)}: install "
                "enricher[learn], or choose --protocol captures"
            )
        from enricher.learn.protocol.command import run_few_shot  # noqa: PLC0415
        from enricher.learn.protocol.tables_command import run_tables  # noqa: PLC0415

        chosen_for = partial(
            chosen_settings,
            quick=quick,
            brief=brief,
            draws=draws,
            seeds=seeds,
            workers=workers,
            epochs=epochs,
        )
        if "p1" in few_shot:
            with Reporter() as progress:
                result = run_few_shot(job, out, chosen_for(), progress, into=into)
            click.echo(f"{len(result.lines)} lines written to {out / 'few-shot.md'}")
        on_tables = [name for name in ("tables", "p2") if name in few_shot]
        if on_tables:
            with Reporter() as progress:
                result = run_tables(job, out, on_tables, chosen_for(tables=True), progress)
            click.echo(f"{len(result.lines)} lines written to {out / 'tables.md'}")
