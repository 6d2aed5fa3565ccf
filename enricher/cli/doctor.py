"""``enricher doctor``: what is wrong with an installation, a path, a device, a bundle."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from enricher.cli.findings import print_count, print_finding
from enricher.config import load_settings
from enricher.doctor import examine
from enricher.integration.finding import no_problem


@click.command("doctor")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-c", "--config", "file", type=click.Path(path_type=Path), help="Settings file.")
@click.option("--state", type=click.Path(path_type=Path), help="Site state directory.")
@click.option("--bundle", help="Name or folder of the model bundle.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where the model runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def command(
    context: click.Context,
    *,
    paths: tuple[Path, ...],
    file: Path | None,
    state: Path | None,
    bundle: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Look for what is wrong with the installation and with the logs at PATHS.

    Exit status 0 when there is no problem, be it with warnings, 1 otherwise.
    """
    settings = load_settings(file, os.environ).settings
    findings = []
    for finding in examine(
        paths,
        state=state or settings.state,
        bundle=bundle or settings.detector.bundle,
        device=device or settings.detector.device,
    ):
        findings.append(finding)
        if not as_json:
            print_finding(finding)
    if as_json:
        from enricher.report.rules import as_json as encode  # noqa: PLC0415

        click.echo(encode([asdict(finding) for finding in findings]), nl=False)
    else:
        print_count(findings)
    context.exit(0 if no_problem(findings) else 1)
