"""Whatever is kept of a rule, its page says what is known, and does nothing to the terminal."""

from __future__ import annotations

import io
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.report.console import make_console
from enricher.report.rule_outcomes import print_candidates, print_proposed
from enricher.report.rule_page import RuleFile, print_rule, rule_json
from enricher.report.rules import as_json, print_history, print_rules, rules_json
from enricher.rulegen.ledger.candidate import STATUSES, Candidate, Revision, Step
from enricher.rulegen.ledger.judging import CountedHit
from enricher.rulegen.ledger.observed import Observed

RULE = (
    'alert http any any -> any any (msg:"LOCAL x"; http.uri; content:"/gate\\;"; '
    "classtype:trojan-activity; sid:1000000; rev:1;)"
)
SHAPE: dict[str, Any] = {
    "made": 1.7e9, "engine": "7.0.10", "accepted": True, "errors": [], "warnings": ["slow"],
    "lint": ["no fast pattern"], "kind": "http", "about": ["the URI has /gate"],
    "basis": "domain",
    "family": {"records": 1200, "covered": 1080, "only_here": 12, "alerts": 40},
    "benign": {"records": 5_000_000, "hits": 3, "alerts": 2, "days": 4.0, "alerts_a_day": 0.5,
               "alerts_a_day_upper": 1.57, "hit_rate_upper": 1.5e-6, "confidence": 0.95,
               "sources": 2, "logs": ["/var/log/http.log"]},
    "unread": ["http.header"],
    "rebuilt": {"records": 50, "expected": 45, "fired": 44, "benign_records": 20,
                "benign_fired": 0, "left_out": {"too_large": 3}, "agreement": 0.98},
    "captures": [{"path": "a.pcap", "wanted": "attack", "packets": 900, "hits": 0},
                 {"path": "b.pcap", "wanted": "benign", "packets": 1000, "hits": 2}],
    "overlap": [{"sid": 2019401, "msg": "ET X", "records": 30, "share": 0.25}],
    "exemplars": {"matched": [{"_place": "http.log:3", "_kind": "http", "ts": 1.7e9, "uri": "/a"}],
                  "missed": [{"_place": "http.log:4", "uri": "/missed", "host": None}],
                  "benign": [{"_place": "ok.log:5", "uri": "/ok"}]},
    "notes": ["made from few records"],
}  # fmt: skip

texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


@st.composite
def proofs(draw: st.DrawFn, shape: Any = None) -> Any:
    """A proof with any of its values gone, or another."""
    found = {}
    for name, value in (SHAPE if shape is None else shape).items():
        whole = draw(st.integers(0, 3))
        if whole == 0:
            found[name] = draw(values)
        elif whole == 1 and isinstance(value, dict):
            found[name] = draw(proofs(value))
        elif whole == 1 and isinstance(value, list):
            found[name] = draw(st.lists(values, max_size=5))
        elif whole > 1:
            found[name] = value
    return found


def rule(proof: dict[str, Any], **more: Any) -> Candidate:
    known = {
        "id": "0a1b2c3d", "sid": 1_000_000, "rev": 1, "family": "gate", "status": "candidate",
        "rule": RULE, "proof": proof, "created": 1.7e9, "updated": 1.7e9, "deployed_rev": None,
        "stage": None,
    }  # fmt: skip
    return Candidate(**{**known, **more})


def file_of(one: Candidate, words: str = "because", **more: Any) -> RuleFile:
    known = {
        "revisions": [Revision(1, one.rule, one.proof, None, (), {}, 1.7e9)],
        "steps": [Step(1.7e9, words, None, "candidate", 1, words)],
        "seen": {},
        "latest": [CountedHit("k", 1, 1.7e9, words, words, None, None)],
    }
    return RuleFile(one, **{**known, **more})


def page(of: RuleFile) -> str:
    out = io.StringIO()
    print_rule(of, make_console(out, width=100))
    return out.getvalue()


def printable(text: str) -> bool:
    return all(
        letter == "\n" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        for letter in text
    )


@settings(max_examples=100, deadline=None)
@given(proofs(), texts, texts)
def test_any_proof_is_shown_and_nothing_of_it_reaches_the_terminal(
    proof: dict[str, Any], words: str, family: str
) -> None:
    one = rule(proof, family=family)
    out = io.StringIO()
    console = make_console(out, width=100)
    print_rule(file_of(one, words), console)
    print_rules([one], {}, console)
    print_candidates([one], console)
    print_history(one, file_of(one, words).steps, console)
    pairs = [(words, family)]
    print_proposed(
        [one], [(words, 1, family)], pairs, console, notes=[words], failed=pairs, seconds=1.0
    )
    assert printable(out.getvalue())


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(texts, values.filter(lambda value: value == value), max_size=4))  # noqa: PLR0124 - no NaN
def test_json_is_ascii_without_controls_and_says_the_same(plain: dict[str, Any]) -> None:
    data = as_json(plain)
    assert data.isascii()
    assert all(byte == ord("\n") or 32 <= byte < 127 for byte in data)
    assert repr(json.loads(data)) == repr(plain)


def test_a_page_says_all_that_is_known() -> None:
    text = page(file_of(rule(SHAPE)))
    for promise in (
        "the URI has /gate", "names of domains",
        "covers 1,080 of 1,200 records of the family (90%)",
        "12 of them no other rule",
        "120 records of the family", "not known from logs", "http.header",
        "hits 3 of 5,000,000 records in 4 days; 0.5 alerts a day, at most 1.57 at 95% confidence",
        "at most 1.50e-06 of benign records", "/var/log/http.log", "Suricata 7.0.10 takes it",
        "warning: slow", "lint: no fast pattern", "it fired in 44 of 45", "agree on 98.0%",
        "3 records (too large)",
        "a.pcap (of the attack, 900 packets): 0 hits; it should have some",
        "b.pcap (benign, 1,000 packets): 2 hits; it should have none",
        "2019401 ET X: 30 of the same",
        "http.log:3 http", "uri=/missed", "ok.log:5", "made from few records",
    ):  # fmt: skip
        assert promise in text, promise
    assert "host=None" not in text


def test_the_rule_is_there_one_option_a_line_and_as_one_line_however_narrow() -> None:
    out = io.StringIO()
    print_rule(file_of(rule(SHAPE)), make_console(out, width=20))
    lines = out.getvalue().splitlines()
    assert RULE in lines
    options = [line.strip() for line in lines if line.startswith("      ")]
    assert " ".join(options) == RULE.partition("(")[2].removesuffix(")")


def test_what_is_not_known_is_not_claimed() -> None:
    text = page(file_of(rule({}), latest=[]))
    for claim in ("covers", "takes it", "fired", "Hits"):
        assert claim not in text
    assert "not tried on any" in text
    assert "Suricata was not asked" in text


def test_a_rule_that_suricata_does_not_take_is_to_be_edited_first() -> None:
    text = page(file_of(rule({"accepted": False, "errors": ["no such keyword"]})))
    assert "does not take it" in text
    assert "error: no such keyword" in text
    assert "edit it first" in text


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_says_what_can_be_done(status: str) -> None:
    text = page(file_of(rule({}, status=status)))
    assert "enricher rules" in text.partition("What to do next")[2]


def test_a_page_says_which_revision_suricata_has() -> None:
    text = page(file_of(rule({}, rev=3, deployed_rev=2, stage="live")))
    assert "Suricata has revision 2 as live" in text
    out = io.StringIO()
    print_rules([rule({}, rev=3, deployed_rev=2, stage="live")], {}, make_console(out, width=200))
    assert "candidate (revision 2 is live)" in out.getvalue()


def test_precision_has_its_lower_bound_and_is_of_the_newest_revision_with_hits() -> None:
    old = Observed(9, 0, 9, 0, 0, 1e9, 1e9, 1, 1)
    new = Observed(40, 19, 1, 12, 3, 1.7e9, 1.7e9 + 86400, 2, 5)
    one = rule({}, rev=3)
    seen = {(one.id, 1): old, (one.id, 2): new, ("other", 3): old}
    text = page(file_of(one, seen=seen))
    assert "revision 2: 40 hits on 2 days from 5 addresses" in text
    assert "95% of 20 judged hits right, at least 80% at 95% confidence" in text
    (plain,) = json.loads(rules_json([one], seen))
    assert (plain["observed"]["rev"], plain["observed"]["precision"]) == (2, 0.95)
    assert plain["observed"]["precision_lower"] == pytest.approx(0.80, abs=0.01)


def test_a_page_for_programs_has_every_revision() -> None:
    one = rule(SHAPE)
    revisions = [
        Revision(rev, one.rule, SHAPE, SHAPE if rev == 1 else None, [{"uri": "/x"}], {}, 1.7e9)
        for rev in (1, 2)
    ]
    plain = json.loads(rule_json(file_of(one, revisions=revisions)))
    assert plain["proof"] == SHAPE
    assert [(r["rev"], r["approved"], r["false_hits"]) for r in plain["revisions"]] == [
        (1, True, 1), (2, False, 1),
    ]  # fmt: skip


def test_of_many_records_a_few_are_shown_and_a_long_value_is_cut() -> None:
    records = [{"_place": f"x.log:{n}", "uri": "/" + "a" * 5000} for n in range(50)]
    text = page(file_of(rule({"exemplars": {"missed": records}})))
    assert text.count("x.log:") == 5
    assert "and 45 more" in text
    assert len(text) < 5000
