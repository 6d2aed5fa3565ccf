"""``enricher status``: how the service is, from its state directory alone."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from enricher.cli.options import settings_of, settings_options


@click.command("status")
@click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@settings_options
def command(
    *, state: Path | None, as_json: bool, file: Path | None, overrides: tuple[str, ...]
) -> int:
    """Show how 'enricher run' is: its lag, rates, alerts, drift, and where the records went.

    Exit status: 0 it runs and is well; 1 it does not run, waits for something (a full disk, a
    listener), or has said nothing for a minute. So it can be a health check.
    """
    from enricher.pipeline.live.status import read_status  # noqa: PLC0415  # keeps --help light

    folder = settings_of(file, overrides, state=state).state
    status = read_status(folder)
    if as_json:
        from enricher.report.status import status_json  # noqa: PLC0415

        click.echo(status_json(folder, status), nl=False)
    else:
        from enricher.report.console import make_console  # noqa: PLC0415
        from enricher.report.status import print_status  # noqa: PLC0415

        print_status(folder, status, time.time(), make_console(sys.stdout))
    return 0 if status is not None and not status.troubles else 1
