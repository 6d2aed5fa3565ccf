"""``enricher families``: the site's own families."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli import discoveries
from enricher.cli.options import settings_of, settings_options

if TYPE_CHECKING:
    from enricher.families.store import FamilyStore

_state = click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group("families", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Discover, list, show, rename, forget, export and import the site's own families."""


command.add_command(discoveries.discover)
command.add_command(discoveries.name_)
command.add_command(discoveries.dismiss)


@command.command("list")
@_state
@_json
@settings_options
def list_(
    *, state: Path | None, as_json: bool, file: Path | None, overrides: tuple[str, ...]
) -> None:
    """List the families that 'enricher adapt' made or that were imported."""
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.families import families_json, print_families  # noqa: PLC0415  # polars

    families = _store(state, file, overrides).families()
    if as_json:
        click.echo(families_json(families), nl=False)
    else:
        print_families(families, make_console(sys.stdout))


@command.command("show")
@click.argument("name")
@_state
@_json
@settings_options
def show(
    *, name: str, state: Path | None, as_json: bool, file: Path | None, overrides: tuple[str, ...]
) -> None:
    """Show what the family NAME can promise, and the records it was adapted from."""
    from enricher.families.kept import load_support  # noqa: PLC0415
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.families import family_json, print_family  # noqa: PLC0415

    store = _store(state, file, overrides)
    family, kept = store.get(name), load_support(store, name)
    support = {} if kept is None else kept.sets
    if as_json:
        click.echo(family_json(family, support), nl=False)
    else:
        print_family(family, support, make_console(sys.stdout))


@command.command("rename")
@click.argument("name")
@click.argument("new")
@_state
@settings_options
def rename(
    *, name: str, new: str, state: Path | None, file: Path | None, overrides: tuple[str, ...]
) -> None:
    """Call the family NAME NEW from now on."""
    _store(state, file, overrides).rename(name, new)
    click.echo(f"{name!a} is {new!a} now")


@command.command("forget")
@click.argument("name")
@_state
@settings_options
def forget(*, name: str, state: Path | None, file: Path | None, overrides: tuple[str, ...]) -> None:
    """Remove the family NAME and its support records from the state."""
    _store(state, file, overrides).forget(name)
    click.echo(f"{name!a} is forgotten")


@command.command("export")
@click.argument("name")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@_state
@settings_options
def export(
    *, name: str, path: Path, state: Path | None, file: Path | None, overrides: tuple[str, ...]
) -> None:
    """Write the family NAME to FILE, for another site with the same model.

    In it are numbers that were learned, the name and figures. No address, host name, uid, path or
    record is in it.
    """
    from enricher.families.sharing import export_family  # noqa: PLC0415
    from enricher.families.tensor_file import decode  # noqa: PLC0415

    store = _store(state, file, overrides)
    family = store.get(name)
    size = export_family(family, decode(store.heads(name))[0], path)
    click.echo(f"{name!a} is in {str(path)!a} ({size:,} bytes)")


@command.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--as", "name", metavar="NAME", help="What to call it here.")
@click.option("--replace", "replace_it", is_flag=True, help="Replace a family of the same name.")
@_state
@_json
@settings_options
def import_(
    *,
    path: Path,
    name: str | None,
    replace_it: bool,
    state: Path | None,
    as_json: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Take a family from FILE, which 'enricher families export' wrote on another site."""
    settings = settings_of(file, overrides, state=state)
    from enricher.pipeline.sharing import import_family  # noqa: PLC0415  # needs torch
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.families import family_json, print_imported  # noqa: PLC0415

    family = import_family(path, settings, name=name, replace_it=replace_it)
    if as_json:
        click.echo(family_json(family), nl=False)
    else:
        print_imported(family, make_console(sys.stdout))


def _store(state: Path | None, file: Path | None, overrides: tuple[str, ...]) -> FamilyStore:
    """The store of the state directory that the settings name."""
    from enricher.families.store import FamilyStore  # noqa: PLC0415  # keeps --help light

    return FamilyStore(settings_of(file, overrides, state=state).state)
