"""``enricher zeek install``: the lines that a site's Zeek and the settings need."""

from __future__ import annotations

from pathlib import Path

import click

from enricher.report.text import safe

_LONGEST = 4096
_folder = click.Path(path_type=Path, file_okay=False)


@click.command("install")
@click.option(
    "--zeek", "named", metavar="PREFIX", type=click.Path(path_type=Path, exists=True),
    help="Where Zeek is installed, or its program; without it, it is looked for.",
)  # fmt: skip
@click.option(
    "--logs", metavar="DIR", type=_folder,
    help="Where Zeek writes logs for the enricher; /var/log/enricher/zeek without it.",
)  # fmt: skip
@click.option(
    "--verdicts", metavar="DIR", type=_folder,
    help="Where the enricher leaves verdicts for Zeek; /run/enricher/zeek without it.",
)  # fmt: skip
@click.option("--no-verdicts", is_flag=True, help="Zeek takes no verdicts back.")
@click.option(
    "--out", metavar="DIR", type=_folder,
    help="Copy the package there, as to PREFIX/share/zeek/site/enricher, and load the copy.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="With --out: move away what is there and is not ours.")
@click.option(
    "--write", "script", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Add the lines to FILE, Zeek's local.zeek, once; a copy of it is kept.",
)  # fmt: skip
def command(
    *,
    named: Path | None,
    logs: Path | None,
    verdicts: Path | None,
    no_verdicts: bool,
    out: Path | None,
    force: bool,
    script: Path | None,
) -> None:
    """Show the lines that a site's Zeek needs.

    They let it write logs for the enricher and take its verdicts back. Nothing
    is written without --out or --write, and Zeek is not started anew.
    """
    if verdicts is not None and no_verdicts:
        raise click.UsageError("--verdicts and --no-verdicts exclude each other")
    if force and out is None:
        raise click.UsageError("--force is for --out")
    from enricher.integration.settings_text import Input, settings_text  # noqa: PLC0415
    from enricher.integration.zeek.installation import find_installation  # noqa: PLC0415
    from enricher.integration.zeek.processes import running  # noqa: PLC0415
    from enricher.integration.zeek.setting_up import LOGS, VERDICTS, Setup  # noqa: PLC0415
    from enricher.resources import resource_dir  # noqa: PLC0415

    installation = find_installation(named, running())
    if named is not None and (installation is None or installation.program is None):
        raise click.UsageError(f"--zeek: {safe(named)} has no bin/zeek, and is none")
    source = resource_dir("zeek_scripts").resolve()
    setup = Setup(
        package=source if out is None else out.absolute(),
        logs=(logs or LOGS).absolute(),
        verdicts=None if no_verdicts else (verdicts or VERDICTS).absolute(),
        installation=installation,
    )
    lines = setup.lines()
    if out is not None:
        _copy(source, setup.package, force=force)
    if script is not None:
        _write(script, lines)
    else:
        click.echo(f"# {safe(setup.script() or 'local.zeek', _LONGEST)}:")
        click.echo("\n".join(lines))
    click.echo("\n# enricher.yaml:")
    click.echo(settings_text([Input(setup.logs)], setup.verdicts), nl=False)
    click.echo(f"\n# Then:\n{safe(setup.command(script), _LONGEST)}")
    for caution in setup.cautions():
        click.echo(f"# {safe(caution, _LONGEST)}")


def _copy(source: Path, target: Path, *, force: bool) -> None:
    from enricher.integration.zeek.copying import copy_package  # noqa: PLC0415

    done, old = copy_package(source, target, force=force)
    words = {
        "copied": f"the package was copied to {target}",
        "replaced": f"the package in {target} was replaced by this version's",
        "unchanged": f"the package in {target} is this version's already",
        "moved": f"the package was copied to {target}; what was there is now {old}",
    }
    click.echo(f"# {safe(words[done], _LONGEST)}.")


def _write(script: Path, lines: list[str]) -> None:
    from enricher.integration.zeek.local_script import BACKUP, write_block  # noqa: PLC0415

    done = write_block(script, lines)
    kept = f"{script}{BACKUP} is as it was before"
    words = {
        "added": f"{script}: the lines were added; {kept}",
        "replaced": f"{script}: its lines were brought up to date; {kept}",
        "unchanged": f"{script}: the lines are in it already",
    }
    click.echo(f"# {safe(words[done], _LONGEST)}.")
