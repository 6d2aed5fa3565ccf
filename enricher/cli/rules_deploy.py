"""``enricher rules export``, ``deploy`` and ``hits``: to Suricata, and what comes back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from enricher.cli import rules_options as shared
from enricher.cli.options import settings_of, settings_options
from enricher.errors import EngineError

if TYPE_CHECKING:
    from enricher.rulegen.ledger.candidate import Status

_file = click.Path(path_type=Path, dir_okay=False)


@click.command("export")
@click.argument("path", metavar="[FILE]", required=False, type=_file)
@shared.statuses("Rules of this status; without it those that are approved, shadow or live.")
@click.option(
    "--local", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
    help="Write the approved rules for 'suricata-update --local DIR' instead.",
)  # fmt: skip
@click.option("--modify", metavar="FILE", type=_file, help="The site's modify.conf, to look at.")
@click.option("--drop", metavar="FILE", type=_file, help="The site's drop.conf, to look at.")
@shared.state
@settings_options
def export(
    *,
    path: Path | None,
    statuses: tuple[str, ...],
    local: Path | None,
    modify: Path | None,
    drop: Path | None,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Write rules to FILE, one a line, as Suricata loads them.

    With --status also such as nobody has approved are written, to be tried elsewhere.
    """
    if (path is None) == (local is None):
        raise click.UsageError("name a FILE, or a folder with --local")
    if local is None and (modify or drop):
        raise click.UsageError("--modify and --drop are for --local")
    if local is not None and statuses:
        raise click.UsageError("--local takes what is approved: leave --status out")
    from enricher.rulegen.deploy.layout import APPROVED, export_local  # noqa: PLC0415
    from enricher.rulegen.deploy.layout import export as write  # noqa: PLC0415

    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    if local is not None:
        for warning in export_local(ledger, local, modify, drop):
            click.echo(f"Warning: {warning!a}")
        click.echo(f"The approved rules are in {str(local)!a}")
    elif path is not None:
        chosen = cast("tuple[Status, ...]", statuses) or APPROVED
        number = write(ledger, path, chosen)
        click.echo(f"{number:,} rules are in {str(path)!a}")


@click.command("deploy")
@click.option(
    "--to", "target", metavar="FILE", type=_file, required=True,
    help="The rules file that Suricata loads; it is the enricher's alone.",
)  # fmt: skip
@click.option(
    "--socket", metavar="PATH", type=click.Path(path_type=Path),
    help="Suricata's control socket: it loads the file and is asked what became of it.",
)  # fmt: skip
@click.option(
    "--live", is_flag=True,
    help="Rules that are new there are live; without it they are shadow, to be counted first.",
)  # fmt: skip
@click.option("--why", metavar="TEXT", help="Why, for those who come after.")
@shared.state
@settings_options
def deploy(
    *,
    target: Path,
    socket: Path | None,
    live: bool,
    why: str | None,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Bring the approved rules into Suricata; where anything fails all is as before.

    Rules that were retired are taken away. Suricata checks every rule before the file is written.
    """
    from enricher.pipeline.user import user_name  # noqa: PLC0415
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rule_outcomes import print_deployed  # noqa: PLC0415
    from enricher.rulegen.deploy.deploying import deploy as bring  # noqa: PLC0415
    from enricher.rulegen.engine.control import Control  # noqa: PLC0415
    from enricher.rulegen.engine.suricata import find_engine  # noqa: PLC0415

    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    engine = find_engine()
    if engine is None:
        raise EngineError("suricata is not on the PATH: install it, it checks the rules first")
    done = bring(
        ledger,
        target,
        engine,
        None if socket is None else Control(socket),
        who=user_name(),
        why=why or "deployed",
        stage="live" if live else "shadow",
    )
    print_deployed(done, str(target), make_console(sys.stdout))


@click.command("hits")
@click.argument("paths", metavar="[EVE]...", nargs=-1, type=click.Path(path_type=Path))
@shared.state
@shared.as_json
@settings_options
def hits(
    *,
    paths: tuple[Path, ...],
    state: Path | None,
    as_json: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Count the alerts of the rules in eve.json files, each once however often it is met.

    Without EVE what was counted before is shown.
    """
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rule_outcomes import hits_json, print_hits  # noqa: PLC0415
    from enricher.rulegen.ledger.hits import HitCounts, count_hits  # noqa: PLC0415
    from enricher.rulegen.ledger.judging import observed  # noqa: PLC0415

    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    counts = count_hits(ledger, paths) if paths else HitCounts()
    rules, seen = ledger.all(), observed(ledger)
    if as_json:
        click.echo(hits_json(counts, rules, seen), nl=False)
    else:
        print_hits(counts, rules, seen, make_console(sys.stdout))
