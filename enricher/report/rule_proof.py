"""What is known of a rule before it is deployed, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from enricher.report.plain import LINE, Plain
from enricher.report.text import count, safe, things, utc

_VALUE, _FIELDS, _SHOWN = 100, 14, 5
_BASES = {
    "content": "what the traffic carries",
    "domain": "names of domains; it is over when the attacker takes others",
    "rate": "how often something happens; a busy benign host may do that too",
    "host": "addresses; it is over when the attacker moves",
    "form": "the form of the records, not what they carry",
}


def brief(proof: Mapping[str, Any]) -> list[str]:
    """What an analyst looks at first: what it matches, finds and costs, and whether it loads."""
    plain = Plain(proof)
    lines = [f"matches: {one}" for one in plain.texts("about")]
    lines += [*finds(plain)[:1], *costs(plain)[:1], *engine(plain)[:1]]
    return [*lines, *(f"note: {one}" for one in plain.texts("notes"))]


def matches(proof: Plain) -> list[str]:
    """What it matches, in words, and what it rests on."""
    basis = proof.text("basis")
    rests = [f"It rests on {_BASES.get(basis, basis)}."] if basis else []
    return [*proof.texts("about"), *rests]


def finds(proof: Plain) -> list[str]:
    """How much of the family it finds."""
    family = proof.part("family")
    records, covered = family.count("records"), family.count("covered")
    lines = []
    if records is not None and covered is not None:
        only, alerts = family.count("only_here"), family.count("alerts")
        more = "" if only is None else f", {count(only)} of them no other rule"
        made = "" if alerts is None else f"; {things(alerts, 'alert')}"
        lines.append(f"covers {count(covered)} of {things(records, 'record')} of the family"
                     f"{_share(covered, records)}{more}{made}")  # fmt: skip
    return lines


def misses(proof: Plain) -> list[str]:
    """What of the family it does not find, and what logs cannot tell."""
    family = proof.part("family")
    records, covered = family.count("records"), family.count("covered")
    lines = []
    if records is not None and covered is not None:
        left = max(0, records - covered)
        lines.append(
            f"{things(left, 'record')} of the family that it was made from"
            if left
            else "no record of the family that it was made from"
        )
    unread = proof.texts("unread", _VALUE)
    if unread:
        lines.append(
            f"not known from logs, so it may match less than is said here: {', '.join(unread)}"
        )
    return lines


def costs(proof: Plain) -> list[str]:
    """How often it alerts on what is benign, as far as is known."""
    benign = proof.part("benign")
    records, hits = benign.count("records"), benign.count("hits")
    if records is None or hits is None:
        return ["benign traffic: not tried on any"]
    alerts, days = benign.number("alerts_a_day"), benign.number("days")
    upper, confidence = benign.number("alerts_a_day_upper"), benign.number("confidence")
    at = "" if confidence is None else f" at {confidence:.0%} confidence"
    line = f"benign traffic: hits {count(hits)} of {things(records, 'record')}"
    if days is not None:
        line += f" in {days:.3g} days"
    if alerts is not None:
        line += f"; {alerts:.3g} alerts a day"
    if upper is not None:
        line += f", at most {upper:.3g}{at}"
    lines = [line]
    rate = benign.number("hit_rate_upper")
    if rate is not None:
        lines.append(f"at most {rate:.2e} of benign records are hit{at}")
    sources = benign.count("sources")
    if sources is not None and hits:
        lines.append(f"the hits come from {things(sources, 'address', 'addresses')}")
    logs = benign.texts("logs", LINE)
    return [*lines, *(f"tried on {one}" for one in logs)]


def engine(proof: Plain) -> list[str]:
    """What Suricata and the linter say of the rule, the verdict first."""
    version, accepted = proof.text("engine", _VALUE), proof.flag("accepted")
    name = f"Suricata {version}" if version else "Suricata"
    if accepted is None:
        lines = ["Suricata was not asked: it may not load"]
    else:
        lines = [f"{name} takes it" if accepted else f"{name} does not take it"]
    for words in ("errors", "warnings", "lint"):
        lines += [f"{words.rstrip('s')}: {one}" for one in proof.texts(words)]
    return lines


def traffic(proof: Plain) -> list[str]:
    """What the engine made of traffic: rebuilt from records, and captured."""
    lines = []
    rebuilt = proof.part("rebuilt")
    if rebuilt:
        records, expected, fired = (rebuilt.count(n) for n in ("records", "expected", "fired"))
        lines.append(
            f"traffic rebuilt from {_known(records)} records: it fired in {_known(fired)} of "
            f"{_known(expected)} that it should fire in{_agreement(rebuilt)}"
        )
        benign, wrong = rebuilt.count("benign_records"), rebuilt.count("benign_fired")
        if benign is not None:
            lines.append(f"rebuilt from {count(benign)} benign ones: it fired in {_known(wrong)}")
        left = [
            f"{things(int(n), 'record')} ({reason.replace('_', ' ')})"
            for reason, n in rebuilt.part("left_out").items()
            if isinstance(n, int) and n >= 0
        ]
        if left:
            lines.append(f"could not be rebuilt: {', '.join(left)}")
    return lines + [_capture(one) for one in proof.parts("captures")]


def _capture(one: Plain) -> str:
    wanted, hits = one.text("wanted"), one.count("hits")
    kind = {"attack": "of the attack, ", "benign": "benign, "}.get(wanted, "")
    verdict = ""
    if wanted == "benign" and hits:
        verdict = "; it should have none"
    elif wanted == "attack" and hits == 0:
        verdict = "; it should have some"
    packets = _known(one.count("packets"))
    return f"capture {one.text('path')} ({kind}{packets} packets): {_known(hits)} hits{verdict}"


def overlap(proof: Plain) -> list[str]:
    """Other rules that find the same records."""
    lines = []
    for one in proof.parts("overlap"):
        share = one.number("share")
        part = "" if share is None else f" ({share:.0%})"
        lines.append(
            f"{_known(one.count('sid'), plain=True)} {one.text('msg')}: "
            f"{_known(one.count('records'))} of the same records{part}"
        )
    return lines


def records(proof: Plain, group: str) -> list[str]:
    """Some records, one a line.

    Args:
        proof: The proof.
        group: ``matched``, ``missed`` or ``benign``.
    """
    found = proof.part("exemplars").parts(group)
    lines = [_record(one) for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN:,} more; --json has them")
    return lines


def _record(one: Plain) -> str:
    place, when = one.text("_place", _VALUE), one.number("ts")
    fields = [
        f"{name}={safe(value, _VALUE)}"
        for name, value in one.items()
        if name not in {"_place", "_kind", "ts"} and value not in (None, "", [])
    ]
    more = ["…"] if len(fields) > _FIELDS else []
    begin = [part for part in (place, one.text("_kind", _VALUE)) if part]
    if when is not None:
        begin.append(utc(when))
    return " ".join([*begin, *fields[:_FIELDS], *more])


def _agreement(rebuilt: Plain) -> str:
    share = rebuilt.number("agreement")
    return "" if share is None else f"; logs and engine agree on {share:.1%} of the records"


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.0%})" if whole else ""


def _known(number: int | None, *, plain: bool = False) -> str:
    if number is None:
        return "?"
    return str(number) if plain else count(number)
