"""``enricher feedback``: an analyst's word on an alert."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from enricher.cli.options import prepare_process, settings_of, settings_options

if TYPE_CHECKING:
    from rich.console import Console

    from enricher.config import Settings
    from enricher.pipeline.feedback_teaching import FeedbackOutcome

_MAX_REASON = 500


@click.command("feedback")
@click.argument("alert_id", required=False)
@click.option("--false-positive", is_flag=True, help="The alert was a false alarm.")
@click.option("--true-positive", is_flag=True, help="The alert was right.")
@click.option(
    "--family", metavar="NAME",
    help="Of a true positive: the family of this site that learns the record; a new one begins "
    "with it. An alert of 'unknown' needs it.",
)  # fmt: skip
@click.option("--reason", metavar="TEXT", default="", help="Why, for those who come after.")
@click.option(
    "--list", "list_it", is_flag=True, help="List what was said, and how often by family."
)
@click.option("--state", type=click.Path(path_type=Path), help="The site's own state.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where to compute.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@settings_options
def command(
    *,
    alert_id: str | None,
    false_positive: bool,
    true_positive: bool,
    family: str | None,
    reason: str,
    list_it: bool,
    state: Path | None,
    device: str | None,
    as_json: bool,
    file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Say of an alert of 'enricher run' whether it was right: the detector learns from it.

    A false positive makes records like the alert's benign, for its family alone and never where
    an attack is known. A true positive of a family of this site becomes one of its support records;
    one of the model's own families is noted. ALERT_ID stands in alert.metadata.alert_id. What is
    said later takes the place of what was said before.
    """
    _check(alert_id, list_it, false_positive, true_positive, family, reason)
    settings = settings_of(file, overrides, state=state, detector__device=device)
    from enricher.report.console import make_console  # noqa: PLC0415

    console = make_console(sys.stdout)
    if alert_id is None:
        _list(settings, console, as_json)
        return
    prepare_process(settings.detector.threads)
    from enricher.pipeline.feedback import FeedbackRequest, give_feedback  # noqa: PLC0415  # torch

    verdict = FeedbackRequest(
        alert_id, "false-positive" if false_positive else "true-positive", family, reason
    )
    _tell(give_feedback(verdict, settings), console, as_json)


def _check(
    alert_id: str | None,
    list_it: bool,
    false_positive: bool,
    true_positive: bool,
    family: str | None,
    reason: str,
) -> None:
    if list_it:
        if alert_id is not None or false_positive or true_positive or family or reason:
            raise click.UsageError("--list stands alone: it lists what was said of every alert")
        return
    if alert_id is None:
        raise click.UsageError("name an alert by its id, or use --list")
    if false_positive == true_positive:
        raise click.UsageError("say one of --false-positive and --true-positive")
    if family is not None and false_positive:
        raise click.UsageError("--family is for --true-positive: a false alarm teaches no family")
    if len(reason) > _MAX_REASON or not reason.isprintable():
        raise click.UsageError(
            f"--reason has at most {_MAX_REASON} characters, all of them such that print"
        )


def _list(settings: Settings, console: Console, as_json: bool) -> None:
    from enricher.families.feedback import FeedbackStore  # noqa: PLC0415  # safetensors
    from enricher.report.feedback import feedback_json, print_feedback  # noqa: PLC0415

    given = FeedbackStore(settings.state).all()
    if as_json:
        click.echo(feedback_json(given), nl=False)
    else:
        print_feedback(given, console)


def _tell(outcome: FeedbackOutcome, console: Console, as_json: bool) -> None:
    from enricher.report.families import print_adapted  # noqa: PLC0415
    from enricher.report.feedback import given_json, print_given  # noqa: PLC0415

    if as_json:
        plain = given_json(
            outcome.feedback,
            changed=outcome.changed,
            replaced=outcome.replaced,
            adapted=[one.family.name for one in outcome.adapted],
            forgotten=outcome.forgotten,
            notes=outcome.notes,
        )
        click.echo(plain, nl=False)
        return
    print_given(outcome.feedback, console, changed=outcome.changed, replaced=outcome.replaced)
    for note in outcome.notes:
        console.out(f"Note: {note}", highlight=False)
    for one in outcome.adapted:
        print_adapted(one.family, one.milliseconds, console, replaced=one.replaced)
    for name in outcome.forgotten:
        console.out(f"Family {name!a} has no record any longer and is forgotten.", highlight=False)
