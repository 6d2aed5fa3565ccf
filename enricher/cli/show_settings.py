"""``enricher show-settings``: every setting, its value and where it came from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import orjson

from enricher.config import Resolved, Setting, load_settings


@click.command("show-settings")
@click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML).",
)
@click.option(
    "--set", "overrides", multiple=True, metavar="NAME=VALUE", help="Override one setting."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(file: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Show every setting, its value, where it came from and what it does."""
    resolved = load_settings(file, os.environ, overrides)
    if as_json:
        rows = [_row(setting) for setting in resolved]
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2, default=str).decode())
    elif sys.stdout.isatty():
        _print_table(resolved)
    else:
        for setting in resolved:
            click.echo(f"{setting.name} = {_shown(setting)}  # {setting.origin.text}")


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [entry.model_dump(mode="json", exclude_none=True) for entry in value]
    return str(value) if isinstance(value, Path) else value


def _row(setting: Setting) -> dict[str, object]:
    return {
        "name": setting.name,
        "value": _plain(setting.value),
        "layer": setting.origin.layer,
        "origin": setting.origin.text,
        "help": setting.help,
    }


def _shown(setting: Setting) -> str:
    """A value on one line; JSON quotes whatever a terminal would obey."""
    return orjson.dumps(_plain(setting.value)).decode()


def _print_table(resolved: Resolved) -> None:
    from rich.console import Console  # noqa: PLC0415  # keeps the start of other commands light
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title="Settings", title_justify="left")
    for heading in ("setting", "value", "from", "what it does"):
        table.add_column(heading, overflow="fold")
    for setting in resolved:
        style = "dim" if setting.origin.layer == "default" else "bold"
        cells = (setting.name, _shown(setting), setting.origin.text, setting.help)
        table.add_row(*(Text(cell) for cell in cells), style=style)
    Console().print(table)
