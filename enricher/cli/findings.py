"""Findings of a check on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from enricher.integration.finding import Finding
from enricher.report.text import safe

if TYPE_CHECKING:
    from enricher.integration.settings_text import Input

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
_LONGEST = 400


def print_finding(finding: Finding) -> None:
    """Print a finding and what to do about it."""
    level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level])
    click.echo(f"{level} {finding.area:<9} {safe(finding.message, _LONGEST)}")
    if finding.advice:
        click.echo(f"{'':<18} {safe(finding.advice, _LONGEST)}")


def print_count(findings: Iterable[Finding]) -> None:
    """Print how many findings there are of each level."""
    count = Counter(finding.level for finding in findings)
    click.echo(f"{count['problem']} problems, {count['warning']} warnings, {count['ok']} ok")


def print_check(findings: Iterable[Finding], inputs: Sequence[Input]) -> None:
    """Print what a check of a running Zeek or Suricata found, and the settings that fit it."""
    from enricher.integration.settings_text import settings_text  # noqa: PLC0415  # loads yaml

    for finding in (findings := list(findings)):
        print_finding(finding)
    print_count(findings)
    if inputs:
        click.echo("\n# For enricher.yaml:")
        click.echo(settings_text(inputs), nl=False)
