"""What became of proposing, testing, deploying and counting rules, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from enricher.report.rule_proof import brief
from enricher.report.rules import (
    NAME,
    RULE,
    Seen,
    as_json,
    hits_of,
    observed_plain,
    precision_words,
    rule_plain,
)
from enricher.report.text import count, duration, safe, things
from enricher.rulegen.deploy.deploying import Deployed
from enricher.rulegen.ledger.candidate import Candidate
from enricher.rulegen.ledger.hits import HitCounts

_LINE, _DROPPED = 400, 5

Refusals = Sequence[tuple[str, int, str]]
Pairs = Sequence[tuple[str, str]]


def print_candidates(rules: Sequence[Candidate], console: Console) -> None:
    """Rules with what an analyst looks at first."""
    for one in rules:
        console.out(
            f"Rule {one.sid} ({safe(one.id, NAME)}) revision {one.rev} of family "
            f"{safe(one.family, NAME)}: {one.status}",
            highlight=False,
        )
        for line in brief(one.proof):
            console.out(f"  {line}", highlight=False)
        console.out(f"  {safe(one.rule, RULE)}", highlight=False)


def print_proposed(
    rules: Sequence[Candidate],
    refusals: Refusals,
    dropped: Pairs,
    console: Console,
    *,
    notes: Sequence[str],
    failed: Pairs,
    seconds: float,
) -> None:
    """What was proposed, what was not, and why.

    Args:
        rules: The rules.
        refusals: Kind of record, how many of them no rule covers, and why.
        dropped: Rules that were made and are not proposed, and why.
        console: Where to.
        notes: Sentences for the user.
        failed: Logs and captures that could not be read to their end, and why.
        seconds: How long it took.
    """

    def say(text: str) -> None:
        console.out(text, highlight=False)

    print_candidates(rules, console)
    for kind, records, reason in refusals:
        say(f"No rule for {things(records, f'{safe(kind, NAME)} record')}: {safe(reason, _LINE)}")
    if dropped:
        say(f"{things(len(dropped), 'rule')} made and not proposed:")
        for reason, number in Counter(reason for _, reason in dropped).most_common(_DROPPED):
            say(f"  {count(number)}: {safe(reason, _LINE)}")
    for note in notes:
        say(f"Note: {safe(note, _LINE)}")
    for path, why in failed:
        say(f"Not read to its end: {safe(path, _LINE)}: {safe(why, _LINE)}")
    say(f"{things(len(rules), 'rule')} proposed in {duration(seconds)}.")
    if rules:
        say(
            "'enricher rules show ID' says all of one; 'enricher rules approve ID --why TEXT' lets "
            "it be deployed."
        )


def proposed_json(
    rules: Sequence[Candidate],
    refusals: Refusals,
    dropped: Pairs,
    *,
    notes: Sequence[str],
    failed: Pairs,
    seconds: float,
) -> bytes:
    """The same as JSON."""
    return as_json(
        {
            "candidates": [rule_plain(one, {}) for one in rules],
            "refusals": [
                {"kind": kind, "records": records, "reason": reason}
                for kind, records, reason in refusals
            ],
            "dropped": [{"rule": rule, "reason": reason} for rule, reason in dropped],
            "notes": list(notes),
            "failed": [{"path": path, "reason": why} for path, why in failed],
            "seconds": seconds,
        }
    )


def print_deployed(done: Deployed, target: str, console: Console) -> None:
    """What Suricata has now."""

    def say(text: str) -> None:
        console.out(text, highlight=False)

    loaded = "Suricata has loaded it" if done.reloaded else "Suricata has not loaded it yet"
    say(f"{safe(target, _LINE)} has {things(len(done.rules), 'rule')}; {loaded}.")
    for one in done.new:
        say(f"  new: {one.sid} of family {safe(one.family, NAME)}, {one.status}")
    for sid in done.gone:
        say(f"  taken away: {sid}")
    if not done.rules:
        say("No rule is approved; 'enricher rules approve ID --why TEXT' approves one.")
    for note in done.notes:
        say(f"Note: {safe(note, _LINE)}")


def print_hits(counts: HitCounts, rules: Sequence[Candidate], seen: Seen, console: Console) -> None:
    """What was counted, and what is known of each rule that has hits."""

    def say(text: str) -> None:
        console.out(text, highlight=False)

    say(f"{things(counts.counted, 'new hit')}, {count(counts.again)} counted before.")
    if counts.older:
        say(f"{count(counts.older)} are older than what is remembered and were not counted.")
    if counts.foreign:
        say(
            f"{count(counts.foreign)} have a sid of ours and a revision that was never made: "
            "another rule has the same sid."
        )
    if counts.bad:
        say(f"{things(counts.bad, 'line')} could not be read:")
        for bad in counts.explained:
            say(f"  {safe(f'{bad.file}:{bad.line}: {bad.reason}', _LINE)}")
    for one in rules:
        found = hits_of(one, seen)
        if found is None:
            continue
        rev, of = found
        say(
            f"Rule {one.sid} ({safe(one.id, NAME)}) revision {rev} of family "
            f"{safe(one.family, NAME)}, {one.status}: {things(of.hits, 'hit')} on "
            f"{things(of.days, 'day')} from {things(of.sources, 'address', 'addresses')}; "
            f"the detector agreed in {count(of.agreed)}, saw nothing but benign traffic in "
            f"{count(of.disagreed)}; {precision_words(of)}"
        )


def hits_json(counts: HitCounts, rules: Sequence[Candidate], seen: Seen) -> bytes:
    """The same as JSON, with every rule."""
    known = {one.id: hits_of(one, seen) for one in rules}
    return as_json(
        {
            "counted": counts.counted,
            "again": counts.again,
            "older": counts.older,
            "foreign": counts.foreign,
            "bad": counts.bad,
            "explained": [{**asdict(bad), "file": str(bad.file)} for bad in counts.explained],
            "rules": [
                {
                    "id": one.id,
                    "sid": one.sid,
                    "family": one.family,
                    "status": one.status,
                    "observed": None if found is None else observed_plain(*found),
                }
                for one in rules
                for found in [known[one.id]]
            ],
        }
    )
