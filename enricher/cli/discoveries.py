"""``enricher families discover``, ``name`` and ``dismiss``: families that nobody has named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli.options import prepare_process, settings_of, settings_options

if TYPE_CHECKING:
    from enricher.config import Settings
    from enricher.pipeline.discovering import DiscoverOutcome

_MAX_WHY = 500

_state = click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
_device = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute."
)
_why = click.option("--why", metavar="TEXT", default="", help="Why, for those who come after.")


@click.command("discover")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@_state
@_device
@_json
@click.option("--quiet", is_flag=True, help="No progress bar.")
@settings_options
def discover(
    *,
    paths: tuple[Path, ...],
    state: Path | None,
    device: str | None,
    as_json: bool,
    quiet: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Find families that nobody has named in the logs at PATH.

    Records that are far from benign and from every family are clustered by their density. Each
    cluster is shown under an id that stays the same in later runs, with its size, time span, hosts,
    records, what sets it apart from benign records, and the nearest family. Without PATH what
    earlier runs have found is shown.
    """
    settings = settings_of(file, overrides, state=state, detector__device=device)
    if not paths:
        _show_kept(settings, as_json=as_json)
        return 0
    prepare_process(settings.detector.threads)
    from enricher.pipeline.discovering import discover as run  # noqa: PLC0415  # torch
    from enricher.report.progress import progress  # noqa: PLC0415

    outcome = run(
        paths,
        settings,
        lambda size, label: progress(size, label=label, quiet=quiet or as_json),
    )
    _tell(outcome, as_json=as_json)
    return 1 if outcome.failed else 0


def _show_kept(settings: Settings, *, as_json: bool) -> None:
    from enricher.families.discovery.store import DiscoveryStore  # noqa: PLC0415  # pydantic
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.discoveries import discoveries_json, print_discoveries  # noqa: PLC0415

    kept = DiscoveryStore(settings.state).all()
    if as_json:
        click.echo(discoveries_json(kept), nl=False)
    else:
        print_discoveries(kept, (), make_console(sys.stdout))


def _tell(outcome: DiscoverOutcome, *, as_json: bool) -> None:
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.discoveries import (  # noqa: PLC0415
        discoveries_json,
        print_counts,
        print_discoveries,
    )

    if as_json:
        plain = discoveries_json(
            outcome.found,
            new=sorted(outcome.new),
            settled=[one.to_plain() for one in outcome.settled],
            scored=outcome.scored,
            candidates=outcome.candidates,
            sampled=outcome.sampled,
            clustered=outcome.clustered,
            failed=outcome.failed,
            notes=outcome.notes,
        )
        click.echo(plain, nl=False)
        return
    console = make_console(sys.stdout)
    print_discoveries(outcome.found, outcome.new, console)
    print_counts(outcome.scored, outcome.candidates, outcome.sampled, outcome.clustered, console)
    for note in outcome.notes:
        console.out(f"Note: {note}", highlight=False)
    for path, why in outcome.failed:
        console.out(f"Not read to its end: {path!a}: {why!a}", highlight=False)


@click.command("name")
@click.argument("discovery", metavar="ID")
@click.argument("name")
@_why
@_state
@_device
@_json
@settings_options
def name_(
    *,
    discovery: str,
    name: str,
    why: str,
    state: Path | None,
    device: str | None,
    as_json: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Make the family NAME of the discovery ID; scans find it from then on.

    The records that were kept of the discovery are learned as 'enricher adapt' does; no log is read
    again. A family of this name that the site has learns them too.
    """
    _check(why)
    settings = settings_of(file, overrides, state=state, detector__device=device)
    prepare_process(settings.detector.threads)
    from enricher.pipeline.discovery_settling import name_discovery  # noqa: PLC0415  # torch
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.discoveries import discovery_json  # noqa: PLC0415
    from enricher.report.families import print_adapted  # noqa: PLC0415

    kept, outcome = name_discovery(discovery, name, settings, why)
    if as_json:
        click.echo(discovery_json(kept, family=outcome.family.to_plain()), nl=False)
    else:
        console = make_console(sys.stdout)
        print_adapted(outcome.family, outcome.milliseconds, console, replaced=outcome.replaced)


@click.command("dismiss")
@click.argument("discovery", metavar="ID")
@_why
@_state
@_device
@_json
@settings_options
def dismiss(
    *,
    discovery: str,
    why: str,
    state: Path | None,
    device: str | None,
    as_json: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Make the records of the discovery ID benign: they are not shown again.

    Some of its records, far from each other, are kept as false alarms: scans leave alone what is
    like them, and families are adapted against them.
    """
    _check(why)
    settings = settings_of(file, overrides, state=state, detector__device=device)
    prepare_process(settings.detector.threads)
    from enricher.pipeline.discovery_settling import dismiss_discovery  # noqa: PLC0415  # torch
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.discoveries import discovery_json, print_dismissed  # noqa: PLC0415

    done = dismiss_discovery(discovery, settings, why)
    if as_json:
        plain = discovery_json(
            done.discovery, records=done.records, covered=done.covered, notes=done.notes
        )
        click.echo(plain, nl=False)
        return
    console = make_console(sys.stdout)
    print_dismissed(done.discovery, done.records, done.covered, console)
    for note in done.notes:
        console.out(f"Note: {note}", highlight=False)


def _check(why: str) -> None:
    if len(why) > _MAX_WHY or not why.isprintable():
        raise click.UsageError(
            f"--why has at most {_MAX_WHY} characters, all of them such that print"
        )
