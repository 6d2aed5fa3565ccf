"""What the commands of ``enricher rules`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli.options import F, prepare_process
from enricher.rulegen.ledger.candidate import STATUSES

if TYPE_CHECKING:
    from enricher.config import Settings
    from enricher.report.progress import ProgressBar
    from enricher.rulegen.ledger.ledger import Ledger

state = click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
quiet = click.option("--quiet", is_flag=True, help="No progress bar.")
why = click.option(
    "--why", metavar="TEXT", required=True, help="Why: it stands in the rule's history."
)
which = click.argument("which", metavar="ID...", nargs=-1, required=True)
one = click.argument("which", metavar="ID")


def statuses(words: str) -> Callable[[F], F]:
    """An option that names statuses, several times if need be.

    Args:
        words: What ``--help`` says.
    """
    return click.option(
        "--status", "statuses", multiple=True, type=click.Choice(STATUSES), help=words
    )


def _paths(name: str, metavar: str, words: str) -> Callable[[F], F]:
    return click.option(
        name, metavar=metavar, multiple=True, type=click.Path(path_type=Path), help=words
    )


def traffic(command: F) -> F:
    """Add the options that name what rules are tried on."""
    for option in (
        _paths("--loaded", "RULES", "Rules that the site has; what they find too is said."),
        _paths("--benign-pcap", "FILE", "A capture of benign traffic."),
        _paths("--pcap", "FILE", "A capture of the family's traffic."),
        _paths("--benign", "LOG", "Benign logs to try the rules on."),
    ):
        command = option(command)
    return command


def ledger_in(settings: Settings) -> Ledger:
    """The ledger of the state directory that the settings name."""
    from enricher.rulegen.ledger.ledger import Ledger  # noqa: PLC0415  # keeps --help light

    return Ledger(settings.state)


def bars(settings: Settings, *, silent: bool) -> ProgressBar:
    """Set the process up for long work; what opens its progress bars."""
    prepare_process(settings.detector.threads)
    from enricher.report.progress import progress  # noqa: PLC0415

    return lambda size, label: progress(size, label=label, quiet=silent)
