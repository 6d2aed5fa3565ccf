"""``enricher adapt``: teach the detector a family from a few records."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from enricher.cli.lean import load_lean
from enricher.cli.options import prepare_process, settings_of, settings_options

_LOGS = click.Path(path_type=Path)


@click.command("adapt")
@click.argument("name")
@click.option(
    "--support", multiple=True, metavar="LOG", type=_LOGS,
    help="Log or directory whose records belong to the family; without it, those that are kept "
    "of the family are taken again.",
)  # fmt: skip
@click.option(
    "--uid", "uids", multiple=True, metavar="UID",
    help="Of the support logs these records alone belong to the family.",
)  # fmt: skip
@click.option(
    "--benign", multiple=True, metavar="LOG", type=_LOGS,
    help="Log or directory with ordinary traffic, in place of what 'enricher calibrate' has kept.",
)  # fmt: skip
@click.option(
    "--context/--no-context", default=None,
    help="Whether what came before the support records in their log counts; by default with "
    "--uid, and from 40 records on: a few that were cut out of a log have lost it.",
)  # fmt: skip
@click.option("--state", type=_LOGS, help="The site's own state.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@settings_options
def command(
    *,
    name: str,
    support: tuple[Path, ...],
    uids: tuple[str, ...],
    benign: tuple[Path, ...],
    context: bool | None,
    state: Path | None,
    device: str | None,
    as_json: bool,
    quiet: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Learn the family NAME from a few of its records; scans find it from then on.

    Five records do more than one, fifty more than five. What the family can promise is printed:
    its recall when each record is left out, its false alarms on benign records, and warnings.
    """
    if uids and not support:
        raise click.UsageError("--uid names records of --support logs: name those too")
    settings = settings_of(file, overrides, state=state, detector__device=device)
    prepare_process(settings.detector.threads)
    load_lean()
    from enricher.pipeline.adapting import AdaptRequest, adapt_from_logs  # noqa: PLC0415  # torch
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.families import family_json, print_adapted  # noqa: PLC0415
    from enricher.report.progress import progress  # noqa: PLC0415

    outcome = adapt_from_logs(
        AdaptRequest(name, support, benign, uids, context),
        settings,
        lambda size, label: progress(size, label=label, quiet=quiet or as_json),
    )
    if as_json:
        plain = family_json(
            outcome.family,
            milliseconds=outcome.milliseconds,
            replaced=outcome.replaced,
            failed=outcome.failed,
        )
        click.echo(plain, nl=False)
    else:
        console = make_console(sys.stdout)
        print_adapted(outcome.family, outcome.milliseconds, console, replaced=outcome.replaced)
        for path, why in outcome.failed:
            console.out(f"Not read to its end: {path!a}: {why!a}", highlight=False)
    return 1 if outcome.failed else 0
