"""Rules of the ledger, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table

from enricher.report.plain import Plain
from enricher.report.text import count, safe, things, utc
from enricher.rulegen.ledger.candidate import Candidate, Step
from enricher.rulegen.ledger.observed import CONFIDENCE, Observed

NAME, WHY, RULE = 64, 500, 8192
"""Characters of a name, of what a user said, and of a rule that are shown."""

Seen: TypeAlias = Mapping[tuple[str, int], Observed]
"""What became of the hits, by id and revision."""

_COLUMNS = ("sid", "id", "family", "status", "covers", "benign a day", "hits", "precision")
_RIGHT = {"covers", "benign a day", "hits"}


def print_rules(rules: Sequence[Candidate], seen: Seen, console: Console) -> None:
    """One line for each rule."""
    if not rules:
        console.out("There are no such rules here; 'enricher rules propose FAMILY' makes some.")
        return
    table = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in _RIGHT else "left", overflow="fold")
    for one in rules:
        found = hits_of(one, seen)
        table.add_row(
            str(one.sid),
            safe(one.id, NAME),
            safe(one.family, NAME),
            _status(one),
            _covers(one),
            _a_day(one),
            count(found[1].hits) if found else "0",
            "-" if found is None else _short(found[1]),
        )
    console.print(table, markup=False)


def rules_json(rules: Sequence[Candidate], seen: Seen) -> bytes:
    """The same as JSON: a list."""
    return as_json([rule_plain(one, seen) for one in rules])


def print_moved(rules: Sequence[Candidate], console: Console) -> None:
    """What rules are now."""
    for one in rules:
        console.out(
            f"Rule {one.sid} ({safe(one.id, NAME)}) revision {one.rev} of family "
            f"{safe(one.family, NAME)} is {one.status}.",
            highlight=False,
        )


def print_benign(kept: Mapping[str, int], console: Console) -> None:
    """How many benign records were kept of rejected rules."""
    records = sum(kept.values())
    if records:
        console.out(
            f"{things(records, 'benign record')} that they hit "
            f"{'is' if records == 1 else 'are'} benign to the detector from now on; "
            "'enricher feedback --list' shows them.",
            highlight=False,
        )


def print_history(one: Candidate, steps: Sequence[Step], console: Console) -> None:
    """All that was done to a rule."""
    console.out(f"Rule {one.sid} ({safe(one.id, NAME)}) of family {safe(one.family, NAME)}")
    for line in history_lines(steps):
        console.out(f"  {line}", highlight=False)


def history_lines(steps: Sequence[Step]) -> list[str]:
    """A line for each step."""
    return [
        f"{utc(step.when)} revision {step.rev} {_step(step)} by {safe(step.who, NAME)}: "
        f"{safe(step.why, WHY)}"
        for step in steps
    ]


def history_json(one: Candidate, steps: Sequence[Step]) -> bytes:
    """The same as JSON."""
    plain = {"id": one.id, "sid": one.sid, "family": one.family, "status": one.status}
    return as_json({**plain, "history": [asdict(step) for step in steps]})


def rule_plain(one: Candidate, seen: Seen, **more: Any) -> dict[str, Any]:
    """A rule as plain values, with what is known of the hits of its newest revision that has any.

    Args:
        one: The rule.
        seen: What became of the hits.
        more: What else is to be said of it.
    """
    found = hits_of(one, seen)
    return {**asdict(one), "observed": observed_plain(*found) if found else _NONE, **more}


def observed_plain(rev: int, of: Observed) -> dict[str, Any]:
    """What became of the hits of a revision as plain values, with the precision."""
    return {
        "rev": rev,
        **asdict(of),
        "precision": of.precision,
        "precision_lower": of.lower_bound(),
        "confidence": CONFIDENCE,
    }


_NONE = {"rev": None, "hits": 0, "confirmed": 0, "false": 0, "precision": None}


def hits_of(one: Candidate, seen: Seen) -> tuple[int, Observed] | None:
    """The newest revision of a rule that has hits, and what became of them."""
    revs = [rev for id_, rev in seen if id_ == one.id]
    return (max(revs), seen[one.id, max(revs)]) if revs else None


def precision_words(of: Observed) -> str:
    """How often a rule was right, by an analyst's word."""
    if of.precision is None:
        return "no hit was judged"
    return (
        f"{of.precision:.0%} of {things(of.confirmed + of.false, 'judged hit')} right, at least "
        f"{of.lower_bound():.0%} at {CONFIDENCE:.0%} confidence if they were drawn without choosing"
    )


def as_json(plain: object) -> bytes:
    """Plain values as JSON in ASCII, for programs: a terminal shows what a log holds harmlessly."""
    # DEL is the one control character of ASCII that JSON leaves as it is.
    return (json.dumps(plain, indent=2).replace("\x7f", "\\u007f") + "\n").encode()


def _status(one: Candidate) -> str:
    if one.deployed_rev is None or one.status in ("shadow", "live"):
        return one.status
    return f"{one.status} (revision {one.deployed_rev} is {one.stage})"


def _covers(one: Candidate) -> str:
    family = Plain(one.proof).part("family")
    covered, records = family.count("covered"), family.count("records")
    return "-" if covered is None or records is None else f"{count(covered)}/{count(records)}"


def _a_day(one: Candidate) -> str:
    benign = Plain(one.proof).part("benign")
    rate, upper = benign.number("alerts_a_day"), benign.number("alerts_a_day_upper")
    if rate is None:
        return "-"
    return f"{rate:.2g}" if upper is None else f"{rate:.2g} (<{upper:.2g})"


def _short(of: Observed) -> str:
    return "-" if of.precision is None else f"{of.precision:.0%} (>{of.lower_bound():.0%})"


def _step(step: Step) -> str:
    return f"{step.after}" if step.before is None else f"{step.before} -> {step.after}"
