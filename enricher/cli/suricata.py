"""``enricher suricata``: look at a running Suricata, and give it what the enricher needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from enricher.integration.suricata.installing import Plan

_file = click.Path(path_type=Path, dir_okay=False)
_config = click.option(
    "--config", metavar="FILE", type=_file,
    help="The suricata.yaml that it runs with; else it is looked for.",
)  # fmt: skip
_program = click.option("--suricata", "program", metavar="PROGRAM", help="Another Suricata.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
_RULES = Path("/etc/suricata/rules/enricher.rules")


@click.group("suricata", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at a running Suricata's settings, and print what they lack."""


@command.command("check")
@_config
@_program
@click.option(
    "--rules", metavar="FILE", type=_file, default=_RULES, show_default=True,
    help="The rules file that 'enricher rules deploy' writes.",
)  # fmt: skip
@_as_json
@click.pass_context
def check(
    context: click.Context,
    *,
    config: Path | None,
    program: str | None,
    rules: Path,
    as_json: bool,
) -> None:
    """Tell what the enricher lacks in suricata.yaml.

    All that it includes is read, as Suricata reads it. Each thing that is missing comes with what
    to do. Nothing is changed.

    Exit status 0 when the enricher can stand beside it, be it with warnings, 1 when not.
    """
    from enricher.integration.suricata.checking import examine  # noqa: PLC0415  # polars

    report = examine(config, program, rules)
    if as_json:
        from enricher.report.rules import as_json as encode  # noqa: PLC0415

        place = None if report.config is None else str(report.config)
        inputs = [{"path": path} for path in report.inputs]
        plain = {"usable": report.usable, **asdict(report), "config": place, "inputs": inputs}
        click.echo(encode(plain), nl=False)
    else:
        from enricher.cli.findings import print_check  # noqa: PLC0415
        from enricher.integration.settings_text import Input  # noqa: PLC0415

        print_check(report.findings, [Input(path) for path in report.inputs])
    context.exit(0 if report.usable else 1)


@command.command("install")
@_config
@_program
@click.option(
    "--eve", metavar="FILE|unix:PATH",
    help="Where the events are to go; without it enricher-eve.json among Suricata's logs.",
)  # fmt: skip
@click.option(
    "--rules", metavar="FILE", type=_file, default=_RULES, show_default=True,
    help="The rules file that 'enricher rules deploy' writes.",
)  # fmt: skip
@click.option("--no-rules", is_flag=True, help="Load no rules of the enricher.")
@click.option("--no-fingerprints", is_flag=True, help="Leave JA3 and JA4 as they are.")
@click.option("--out", metavar="FILE", type=_file, help="Write the include file to FILE.")
@click.option("--force", is_flag=True, help="Replace FILE even where it is not of the enricher.")
@_as_json
def install(
    *,
    config: Path | None,
    program: str | None,
    eve: str | None,
    rules: Path,
    no_rules: bool,
    no_fingerprints: bool,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Print an include file for suricata.yaml.

    It adds an EVE output that has all that the enricher reads, JA3 and JA4, and the rules file of
    'enricher rules deploy'. Its first lines say what else there is to do. The site's own files are
    never written to, and its own outputs stay as they are.
    """
    if force and out is None:
        raise click.UsageError("--force is for --out")
    from enricher.integration.suricata.checking import find_configuration  # noqa: PLC0415  # polars
    from enricher.integration.suricata.include_file import write  # noqa: PLC0415
    from enricher.integration.suricata.installing import Wish, plan  # noqa: PLC0415
    from enricher.integration.suricata.loading import load  # noqa: PLC0415
    from enricher.rulegen.engine.suricata import find_engine, require_engine  # noqa: PLC0415

    engine = find_engine() if program is None else require_engine(program)
    place = config or find_configuration(engine)
    wish = Wish(eve, None if no_rules else rules, not no_fingerprints, out)
    found = plan(None if place is None else load(place), engine, wish)
    if out is not None:
        write(out, found.text, force=force)
    if as_json:
        from enricher.report.rules import as_json as encode  # noqa: PLC0415

        click.echo(encode(_plain(found)), nl=False)
    elif out is None:
        click.echo(found.text, nl=False)
    else:
        click.echo("\n".join(found.lines()))


def _plain(found: Plan) -> dict[str, object]:
    """A plan as plain values."""
    return {
        "include": {"path": str(found.include), "text": found.text},
        "inputs": [{"path": found.eve}],
        "classification": found.classes,
        "steps": [{"what": words, "lines": lines} for words, lines in found.steps],
        "notes": found.notes,
    }
