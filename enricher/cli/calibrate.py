"""``enricher calibrate``: learn a site's thresholds from its own benign logs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from enricher.cli.lean import load_lean
from enricher.cli.options import prepare_process, settings_of, settings_options


@click.command("calibrate")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option("--state", type=click.Path(path_type=Path), help="Where to keep what is learned.")
@click.option("--alerts-per-day", type=int, help="Alerts a day that somebody can look at.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@settings_options
def command(
    *,
    paths: tuple[Path, ...],
    state: Path | None,
    alerts_per_day: int | None,
    device: str | None,
    as_json: bool,
    quiet: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Set thresholds from logs with this site's ordinary, benign traffic.

    A week or more is best. What looks like an attack in them is left out, up to a bound, and
    said.
    """
    settings = settings_of(
        file, overrides, state=state, alerts__per_day=alerts_per_day, detector__device=device
    )
    prepare_process(settings.detector.threads)
    load_lean()
    from enricher.pipeline.calibration import calibrate_paths  # noqa: PLC0415  # needs torch
    from enricher.report.calibration import calibration_json, print_calibration  # noqa: PLC0415
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.progress import progress  # noqa: PLC0415

    learned = calibrate_paths(
        paths, settings, lambda size, label: progress(size, label=label, quiet=quiet or as_json)
    )
    if as_json:
        click.echo(calibration_json(learned.site), nl=False)
    else:
        print_calibration(learned.site, settings.alerts.per_day, make_console(sys.stdout))
        if learned.families:
            click.echo(
                f"The site's own {len(learned.families)} families are as they were; "
                "'enricher adapt NAME' fits one anew, to the benign records of this calibration."
            )
    return 1 if learned.failed else 0
