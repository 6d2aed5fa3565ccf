"""``enricher rules``: Suricata rules of a family, from a proposal to what became of them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from enricher.cli import rules_deploy, rules_propose, rules_review
from enricher.cli import rules_options as shared
from enricher.cli.options import settings_of, settings_options


@click.group("rules", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Propose Suricata rules of a family, review, deploy and count them.

    Nothing is deployed that nobody has approved. A rule is named by its id or its sid.
    """


@command.command("list")
@shared.statuses("Only rules of this status.")
@click.option("--family", metavar="NAME", help="Only those of this family.")
@shared.state
@shared.as_json
@settings_options
def list_(
    *,
    statuses: tuple[str, ...],
    family: str | None,
    state: Path | None,
    as_json: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """List the rules that the site has."""
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rules import print_rules, rules_json  # noqa: PLC0415
    from enricher.rulegen.ledger.judging import observed  # noqa: PLC0415

    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    rules = [
        one
        for one in ledger.all()
        if (not statuses or one.status in statuses) and family in {None, one.family}
    ]
    seen = observed(ledger)
    if as_json:
        click.echo(rules_json(rules, seen), nl=False)
    else:
        print_rules(rules, seen, make_console(sys.stdout))


@command.command("show")
@shared.one
@shared.state
@shared.as_json
@settings_options
def show(
    *, which: str, state: Path | None, as_json: bool, file: Path | None, overrides: tuple[str, ...]
) -> None:
    """Show all that is known of the rule ID, to decide on it."""
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rule_page import RuleFile, print_rule, rule_json  # noqa: PLC0415
    from enricher.rulegen.ledger.judging import latest, observed  # noqa: PLC0415

    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    found = RuleFile(
        ledger.get(which),
        ledger.revisions(which),
        ledger.history(which),
        observed(ledger),
        latest(ledger, which),
    )
    if as_json:
        click.echo(rule_json(found), nl=False)
    else:
        print_rule(found, make_console(sys.stdout))


@command.command("history")
@shared.one
@shared.state
@shared.as_json
@settings_options
def history(
    *, which: str, state: Path | None, as_json: bool, file: Path | None, overrides: tuple[str, ...]
) -> None:
    """Show what was done to the rule ID, by whom, when and why."""
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rules import history_json, print_history  # noqa: PLC0415

    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    one, steps = ledger.get(which), ledger.history(which)
    if as_json:
        click.echo(history_json(one, steps), nl=False)
    else:
        print_history(one, steps, make_console(sys.stdout))


for _one in (
    rules_propose.propose,
    rules_propose.test,
    rules_propose.edit,
    rules_review.approve,
    rules_review.reject,
    rules_review.retire,
    rules_review.promote,
    rules_deploy.export,
    rules_deploy.deploy,
    rules_deploy.hits,
    rules_review.judge,
):
    command.add_command(_one)
