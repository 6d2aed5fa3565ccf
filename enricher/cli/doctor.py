"""``enricher doctor``: what is wrong with an installation, a path, a device, a bundle."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from enricher.config import load_settings
from enricher.doctor import Finding, examine
from enricher.report.text import safe

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
_LONGEST = 400


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

    Exit status 0 when there is no problem, 1 otherwise.
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
            _print(finding)
    count = Counter(finding.level for finding in findings)
    if as_json:
        rows = [asdict(finding) for finding in findings]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(f"{count['problem']} problems, {count['warning']} warnings, {count['ok']} ok")
    context.exit(1 if count["problem"] else 0)


def _print(finding: Finding) -> None:
    level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level])
    click.echo(f"{level} {finding.area:<9} {safe(finding.message, _LONGEST)}")
    if finding.advice:
        click.echo(f"{'':<18} {safe(finding.advice, _LONGEST)}")
