"""``enricher rules propose``, ``test`` and ``edit``: rules, and what is known of each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli import rules_options as shared
from enricher.cli.options import settings_of, settings_options
from enricher.errors import InputError
from enricher.rulegen.small_file import read_small

if TYPE_CHECKING:
    from enricher.pipeline.rules.proposing import ProposeOutcome
    from enricher.rulegen.ledger.candidate import Candidate

_file = click.Path(path_type=Path, dir_okay=False)
_MAX_FILE = 64 * 1024


@click.command("propose")
@click.argument("family", required=False)
@click.option(
    "--support", metavar="LOG", multiple=True, type=click.Path(path_type=Path),
    help="Logs of the family's records; without them those that the site has kept.",
)  # fmt: skip
@shared.traffic
@click.option("--policy", metavar="FILE", type=_file, help="The site's own policy of rules.")
@click.option(
    "--ordinary", metavar="FILE", type=_file, help="The site's own list of ordinary values."
)
@shared.state
@shared.as_json
@shared.quiet
@settings_options
def propose(
    *,
    family: str | None,
    support: tuple[Path, ...],
    benign: tuple[Path, ...],
    pcap: tuple[Path, ...],
    benign_pcap: tuple[Path, ...],
    loaded: tuple[Path, ...],
    policy: Path | None,
    ordinary: Path | None,
    state: Path | None,
    as_json: bool,
    quiet: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Propose rules of FAMILY, each with its proof; without it, of every family of the site.

    A rule is tried on the family's records, on benign ones, by Suricata on traffic rebuilt from
    them, and on captures where some are named. Where no rule holds it is said why.
    """
    settings = settings_of(file, overrides, state=state)
    bar = shared.bars(settings, silent=quiet or as_json)
    from enricher.pipeline.rules.proposing import ProposeRequest  # noqa: PLC0415  # polars
    from enricher.pipeline.rules.proposing import propose as run  # noqa: PLC0415

    request = ProposeRequest(
        family=family,
        support=support,
        benign=benign,
        pcaps=pcap,
        benign_pcaps=benign_pcap,
        policy=policy,
        ordinary=ordinary,
        loaded=loaded,
    )
    outcome = run(request, settings, bar)
    _tell(outcome, as_json=as_json)
    return 1 if outcome.failed or not (outcome.candidates or outcome.refusals) else 0


def _tell(outcome: ProposeOutcome, *, as_json: bool) -> None:
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rule_outcomes import print_proposed, proposed_json  # noqa: PLC0415

    what = (outcome.candidates, outcome.refusals, outcome.dropped)
    notes, failed, seconds = outcome.notes, outcome.failed, outcome.seconds
    if as_json:
        click.echo(proposed_json(*what, notes=notes, failed=failed, seconds=seconds), nl=False)
    else:
        console = make_console(sys.stdout)
        print_proposed(*what, console, notes=notes, failed=failed, seconds=seconds)


@click.command("test")
@click.argument("which", metavar="[ID]...", nargs=-1)
@shared.traffic
@shared.state
@shared.as_json
@shared.quiet
@settings_options
def test(
    *,
    which: tuple[str, ...],
    benign: tuple[Path, ...],
    pcap: tuple[Path, ...],
    benign_pcap: tuple[Path, ...],
    loaded: tuple[Path, ...],
    state: Path | None,
    as_json: bool,
    quiet: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Prove the rules ID again, on other logs or captures; without ID all that are not over."""
    settings = settings_of(file, overrides, state=state)
    bar = shared.bars(settings, silent=quiet or as_json)
    from enricher.pipeline.rules.testing import ProveRequest, prove_again  # noqa: PLC0415  # polars

    request = ProveRequest(
        which=which, benign=benign, pcaps=pcap, benign_pcaps=benign_pcap, loaded=loaded
    )
    _show(prove_again(request, settings, bar), as_json=as_json)


@click.command("edit")
@shared.one
@click.option("--rule", "text", metavar="TEXT", help="The new text; its sid and rev do not count.")
@click.option("--file", "rule_file", metavar="FILE", type=_file, help="A file with the new text.")
@shared.why
@shared.traffic
@shared.state
@shared.as_json
@shared.quiet
@settings_options
def edit(
    *,
    which: str,
    text: str | None,
    rule_file: Path | None,
    why: str,
    benign: tuple[Path, ...],
    pcap: tuple[Path, ...],
    benign_pcap: tuple[Path, ...],
    loaded: tuple[Path, ...],
    state: Path | None,
    as_json: bool,
    quiet: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Give the rule ID another text, with a proof of its own; somebody has to approve it again."""
    if (text is None) == (rule_file is None):
        raise click.UsageError("give the new text with --rule, or a file that has it with --file")
    settings = settings_of(file, overrides, state=state)
    from enricher.pipeline.user import user_name  # noqa: PLC0415
    from enricher.rulegen.ledger.checks import check_rule, check_words  # noqa: PLC0415
    from enricher.rulegen.ledger.transitions import after  # noqa: PLC0415

    ledger = shared.ledger_in(settings)
    one = ledger.get(which)
    text = _only_rule(rule_file) if rule_file is not None else str(text).strip()
    check_words(user_name(), why)
    check_rule(text)
    after("edit", one.status, one.sid)
    bar = shared.bars(settings, silent=quiet or as_json)
    from enricher.pipeline.rules.testing import prove_text  # noqa: PLC0415  # polars

    draft = prove_text(
        text,
        one.family,
        settings,
        bar,
        benign=benign,
        pcaps=pcap,
        benign_pcaps=benign_pcap,
        loaded=loaded,
    )
    _show([ledger.edit(one.id, draft, who=user_name(), why=why)], as_json=as_json)


def _show(rules: list[Candidate], *, as_json: bool) -> None:
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rule_outcomes import print_candidates  # noqa: PLC0415
    from enricher.report.rules import rules_json  # noqa: PLC0415

    if as_json:
        click.echo(rules_json(rules, {}), nl=False)
    else:
        print_candidates(rules, make_console(sys.stdout))


def _only_rule(path: Path) -> str:
    """The one rule of a file; empty lines and comments are left out.

    Raises:
        InputError: If it can not be read, or has not one rule.
    """
    data = read_small(path, _MAX_FILE)
    try:
        lines = [line.strip() for line in data.decode().split("\n")]
    except UnicodeDecodeError as error:
        raise InputError("is no text in UTF-8", path) from error
    rules = [line for line in lines if line and not line.startswith("#")]
    if len(rules) != 1:
        raise InputError(f"has {len(rules)} rules; one is wanted, on one line", path)
    return rules[0]
