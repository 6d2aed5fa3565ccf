"""``enricher run``: follow logs and write alerts, for ever."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from enricher.cli.lean import load_lean
from enricher.cli.logging_setup import set_up_logging
from enricher.cli.options import prepare_process, settings_of, settings_options


@click.command("run")
@click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute.")
@click.option("--once", is_flag=True, help="End when everything that is there has been read.")
@settings_options
def command(
    *,
    state: Path | None,
    device: str | None,
    once: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Follow the logs that the settings name, score every record, write alerts as they come.

    SIGTERM ends it after the round it is at; SIGHUP reopens the outputs and reads the settings
    again. It may be killed at any moment: the next start goes on where it was.
    """
    settings = settings_of(file, overrides, state=state, detector__device=device)
    set_up_logging(settings.service.log)
    # A service that has not begun yet has nothing to finish.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    prepare_process(settings.detector.threads)
    load_lean()
    from enricher.pipeline.live.service import Service  # noqa: PLC0415  # torch

    service = Service(lambda: settings_of(file, overrides, state=state, detector__device=device))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    signal.signal(signal.SIGHUP, lambda *_: service.reload())
    service.run(once=once)
    return 0
