"""``enricher rules approve``, ``reject``, ``retire``, ``promote``, ``judge``: an analyst's word."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli import rules_options as shared
from enricher.cli.options import prepare_process, settings_of, settings_options
from enricher.errors import InputError

if TYPE_CHECKING:
    from enricher.rulegen.ledger.candidate import Candidate
    from enricher.rulegen.ledger.ledger import Ledger
    from enricher.rulegen.ledger.transitions import Action


@click.command("approve")
@shared.which
@shared.why
@shared.state
@settings_options
def approve(
    *,
    which: tuple[str, ...],
    why: str,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Say of the rules ID that they may be deployed, as they are now."""
    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    _move("approve", _able("approve", ledger, which, why), why, ledger)


@click.command("retire")
@shared.which
@shared.why
@shared.state
@settings_options
def retire(
    *,
    which: tuple[str, ...],
    why: str,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Say of the rules ID that they are over; the next deployment takes them from Suricata."""
    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    _move("retire", _able("retire", ledger, which, why), why, ledger)


@click.command("promote")
@shared.which
@shared.why
@shared.state
@settings_options
def promote(
    *,
    which: tuple[str, ...],
    why: str,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Say of the rules ID, which are deployed as shadow, that their alerts count from now on."""
    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    rules = _able("to_live", ledger, which, why)
    for one in rules:
        if one.status != "shadow":
            raise InputError(
                f"rule {one.sid} is {one.status}: 'enricher rules deploy' brings it into Suricata "
                "first"
            )
    _move("to_live", rules, why, ledger)


@click.command("reject")
@shared.which
@shared.why
@shared.state
@settings_options
def reject(
    *,
    which: tuple[str, ...],
    why: str,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Say of the rules ID that they must not be deployed.

    The benign records that they hit are benign to the detector from then on.
    """
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rules import print_benign  # noqa: PLC0415

    settings = settings_of(file, overrides, state=state)
    ledger = shared.ledger_in(settings)
    rules = _able("reject", ledger, which, why)
    hits = [(one, ledger.revisions(one.id)[-1].false_hits) for one in rules]
    hits = [(one, records) for one, records in hits if records]
    kept: dict[str, int] = {}
    if hits:
        prepare_process(settings.detector.threads)
        from enricher.pipeline.rules.rejecting import keep_false_hits  # noqa: PLC0415  # torch

        # The word on the rule is kept last: who is interrupted says it again.
        kept = keep_false_hits(hits, settings, why)
    _move("reject", rules, why, ledger)
    print_benign(kept, make_console(sys.stdout))


@click.command("judge")
@shared.one
@click.argument("verdict", type=click.Choice(["right", "wrong"]))
@click.option(
    "--hits", "number", type=click.IntRange(min=1), default=1, show_default=True,
    help="Of how many hits it is said.",
)  # fmt: skip
@click.option("--hit", "key", metavar="KEY", help="The one hit; 'enricher rules show' names it.")
@click.option("--why", metavar="TEXT", help="Why, for those who come after.")
@shared.state
@settings_options
def judge(
    *,
    which: str,
    verdict: str,
    number: int,
    key: str | None,
    why: str | None,
    state: Path | None,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Say of hits of the rule ID whether they were right: its precision is made of that."""
    from enricher.pipeline.user import user_name  # noqa: PLC0415
    from enricher.report.rules import hits_of, precision_words  # noqa: PLC0415
    from enricher.rulegen.ledger.judging import judge as keep  # noqa: PLC0415
    from enricher.rulegen.ledger.judging import observed  # noqa: PLC0415

    if key is not None and number != 1:
        raise click.UsageError("--hit names one hit: leave --hits out")
    ledger = shared.ledger_in(settings_of(file, overrides, state=state))
    one = ledger.get(which)
    keep(
        ledger, one.id, verdict == "right",
        who=user_name(), why=why or f"judged {verdict}", hits=number, key=key,
    )  # fmt: skip
    found = hits_of(one, observed(ledger))
    words = "" if found is None else f"; {precision_words(found[1])}"
    click.echo(f"Rule {one.sid}: {number:,} judged {verdict}{words}.")


def _able(action: Action, ledger: Ledger, which: Sequence[str], why: str) -> list[Candidate]:
    """The rules that something is to be done to, each once; all can have it done.

    Raises:
        InputError: If there is no such rule, it is not its turn, or the reason can not be shown.
    """
    from enricher.pipeline.user import user_name  # noqa: PLC0415
    from enricher.rulegen.ledger.checks import check_words  # noqa: PLC0415
    from enricher.rulegen.ledger.transitions import after  # noqa: PLC0415

    check_words(user_name(), why)
    rules = list({one.id: one for one in map(ledger.get, which)}.values())
    for one in rules:
        after(action, one.status, one.sid)
    return rules


def _move(action: Action, rules: Sequence[Candidate], why: str, ledger: Ledger) -> None:
    from enricher.pipeline.user import user_name  # noqa: PLC0415
    from enricher.report.console import make_console  # noqa: PLC0415
    from enricher.report.rules import print_moved  # noqa: PLC0415

    do = {
        "approve": ledger.approve,
        "reject": ledger.reject,
        "retire": ledger.retire,
        "to_live": ledger.to_live,
    }[action]
    moved = [do(one.id, who=user_name(), why=why) for one in rules]
    print_moved(moved, make_console(sys.stdout))
