"""All that is known of one rule, on a page that an analyst can decide from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console

from enricher.report import rule_proof as say
from enricher.report.plain import Plain
from enricher.report.rules import (
    NAME,
    RULE,
    Seen,
    as_json,
    history_lines,
    observed_plain,
    precision_words,
    rule_plain,
)
from enricher.report.text import count, safe, things, utc
from enricher.rulegen.ledger.candidate import Candidate, Revision, Status, Step
from enricher.rulegen.ledger.judging import CountedHit
from enricher.rulegen.ledger.observed import Observed
from enricher.rulegen.rule.rule import Rule

_NEXT: Mapping[Status, str] = {
    "candidate": "'enricher rules approve {sid} --why TEXT' lets it be deployed, 'reject' says "
    "that it must not be, 'edit' gives it another text.",
    "approved": "'enricher rules deploy --to FILE' brings it into Suricata, to be counted.",
    "shadow": "'enricher rules hits EVE' counts its alerts, 'enricher rules judge {sid} right' or "
    "'wrong' says of them what they were; then 'promote' it or 'retire' it.",
    "live": "'enricher rules hits EVE' counts its alerts; 'retire' it when it is wrong too often.",
    "rejected": "'enricher rules edit {sid}' gives it a text that is better; it is a candidate "
    "again then.",
    "retired": "It is over; 'enricher rules propose' makes new ones.",
}


@dataclass(frozen=True, slots=True)
class RuleFile:
    """All that the ledger says of a rule.

    Attributes:
        rule: The rule in its newest revision.
        revisions: All its revisions, the first one first.
        steps: All that was done to it.
        seen: What became of hits, of all rules.
        latest: Its latest hits.
    """

    rule: Candidate
    revisions: Sequence[Revision]
    steps: Sequence[Step]
    seen: Seen
    latest: Sequence[CountedHit]


def print_rule(of: RuleFile, console: Console) -> None:
    """The page."""
    one, proof = of.rule, Plain(of.rule.proof)
    since = f" since {utc(of.steps[-1].when)}" if of.steps else ""
    console.out(
        f"Rule {one.sid} ({safe(one.id, NAME)}) revision {one.rev} of family "
        f"{safe(one.family, NAME)}: {one.status}{since}",
        highlight=False,
    )
    parts = {
        "The rule": _wrapped(one.rule),
        "What it matches": say.matches(proof),
        "What it finds": say.finds(proof),
        "Records that it matches": say.records(proof, "matched"),
        "What it misses": say.misses(proof),
        "Records that it misses": say.records(proof, "missed"),
        "What it costs": say.costs(proof),
        "Benign records that it hits": say.records(proof, "benign"),
        "What the engine says": say.engine(proof),
        "Tried on traffic": say.traffic(proof),
        "Other rules that find the same": say.overlap(proof),
        "Notes": proof.texts("notes"),
        "Hits": _hits(of),
        "History": history_lines(of.steps),
        "What to do next": _next(one, proof),
    }
    for heading, lines in parts.items():
        if lines:
            console.out(f"\n{heading}", highlight=False)
            for line in lines:
                console.out(f"  {line}", highlight=False)
    console.out("\nThe rule as one line", highlight=False)
    console.out(safe(one.rule, RULE), highlight=False)


def rule_json(of: RuleFile) -> bytes:
    """The same as JSON."""
    own = {rev: found for (id_, rev), found in of.seen.items() if id_ == of.rule.id}
    return as_json(
        rule_plain(
            of.rule,
            of.seen,
            revisions=[
                {
                    "rev": one.rev,
                    "rule": one.rule,
                    "made": one.made,
                    "proof": one.proof,
                    "approved": one.approved_on is not None,
                    "false_hits": len(one.false_hits),
                    "lists": sorted(one.lists),
                    "observed": observed_plain(one.rev, own[one.rev]) if one.rev in own else None,
                }
                for one in of.revisions
            ],
            history=[asdict(step) for step in of.steps],
            latest=[asdict(hit) for hit in of.latest],
        )
    )


def _wrapped(text: str) -> list[str]:
    """A rule with one option a line."""
    try:
        rule = Rule.parse(text)
    except ValueError:
        return [safe(text, RULE)]
    options = [f"    {safe(option, RULE)}" for option in rule.options]
    return [f"{safe(rule.header, RULE)} (", *options, ")"]


def _hits(of: RuleFile) -> list[str]:
    revs = sorted((rev, one) for (id_, rev), one in of.seen.items() if id_ == of.rule.id)
    lines = [f"revision {rev}: {_counts(one)}; {precision_words(one)}" for rev, one in revs]
    for hit in of.latest:
        judged = {True: ", right", False: ", wrong", None: ""}[hit.right]
        view = {True: ", the detector agrees", False: ", benign to the detector", None: ""}
        lines.append(
            f"{utc(hit.at)} {safe(hit.source, NAME)} -> {safe(hit.destination, NAME)} "
            f"({safe(hit.key, NAME)}){view[hit.agreed]}{judged}"
        )
    return lines


def _counts(one: Observed) -> str:
    return (
        f"{things(one.hits, 'hit')} on {things(one.days, 'day')} from "
        f"{things(one.sources, 'address', 'addresses')}, {utc(one.first)} to {utc(one.last)}; "
        f"the detector agreed in {count(one.agreed)} and saw nothing but benign traffic in "
        f"{count(one.disagreed)}"
    )


def _next(one: Candidate, proof: Plain) -> list[str]:
    lines = [_NEXT[one.status].format(sid=one.sid)]
    if one.status == "candidate" and proof.flag("accepted") is False:
        lines.insert(0, "Suricata does not take it: edit it first, or reject it.")
    if one.status == "retired" and one.deployed_rev is not None:
        lines.append("Suricata has it still: the next 'enricher rules deploy' takes it away.")
    elif one.deployed_rev is not None and one.deployed_rev != one.rev:
        lines.append(
            f"Suricata has revision {one.deployed_rev} as {one.stage} until another is approved "
            "and deployed; 'retire' the rule to take it away."
        )
    return lines
