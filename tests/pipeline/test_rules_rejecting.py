"""What a rejected rule wrongly hit is benign to the detector from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from enricher.config import Settings, load_settings
from enricher.detector.detector import Detector
from enricher.errors import StateError
from enricher.families.feedback import FeedbackStore
from enricher.families.feedback_use import Given, corrections_of
from enricher.pipeline.adapting import names_digest
from enricher.pipeline.rules.rejecting import MOST, Record, keep_false_hits
from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.ledger import Ledger

RULE = (
    'alert http any any -> any any (msg:"x"; http.uri; content:"{}"; '
    "classtype:trojan-activity; sid:1; rev:1;)"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(None, {}, [f"state={tmp_path / 'state'}"]).settings


@pytest.fixture(scope="module")
def plain() -> Detector:
    chosen = load_settings(None, {}, []).settings.detector
    return Detector.load(chosen.bundle, "cpu")


def rule_of(settings: Settings, text: str = "/health") -> Candidate:
    (rule,) = Ledger(settings.state).propose(
        f"beacon{text[1:]}", [Draft(RULE.format(text), {})], who="ana", why="a test"
    )
    return rule


def request(number: int, **more: Any) -> Record:
    return {
        "_kind": "http", "_place": f"http.log:{number + 1}", "ts": 1_767_600_000.0 + number,
        "uid": f"C{number:03}", "id.orig_h": "10.0.0.7", "id.orig_p": 1024 + number,
        "id.resp_h": "10.0.1.1", "id.resp_p": 8080, "method": "GET", "host": "intra",
        "uri": f"/health?{number}", "user_agent": "checker", "status_code": 200, **more,
    }  # fmt: skip


def test_false_hits_are_false_alarms_of_the_rules_family(settings: Settings) -> None:
    rule = rule_of(settings)
    hits = [request(1), request(0), request(2)]
    assert keep_false_hits([(rule, hits)], settings, "our own checks") == {rule.id: 3}
    kept = FeedbackStore(settings.state).all()
    assert {one.alert_id for one in kept} == {f"rule:{rule.id}:{n}" for n in range(3)}
    assert {(one.verdict, one.kind, one.family) for one in kept} == {
        ("false-positive", "http", rule.family)
    }
    assert {one.reason for one in kept} == {f"rule {rule.sid} revision 1 rejected: our own checks"}


def test_the_record_is_kept_with_its_place_and_its_time(
    settings: Settings, plain: Detector
) -> None:
    rule = rule_of(settings)
    keep_false_hits([(rule, [request(4), {"_kind": "http"}])], settings, "x")
    kept = {one.alert_id: one for one in FeedbackStore(settings.state).all()}
    record = kept[f"rule:{rule.id}:0"].record(names_digest(plain.bundle))
    assert record is not None
    assert (record.origins, record.uids) == (("http.log:5",), ("C004",))
    assert record.times.tolist() == [1_767_600_004.0]
    empty = kept[f"rule:{rule.id}:1"].record(names_digest(plain.bundle))
    assert empty is not None
    assert empty.origins == ("",)


def test_the_detector_is_corrected_by_them_for_that_family_alone(
    settings: Settings, plain: Detector
) -> None:
    rule = rule_of(settings)
    keep_false_hits([(rule, [request(n) for n in range(5)])], settings, "ours")
    names = names_digest(plain.bundle)
    given = Given(plain, names, FeedbackStore(settings.state).all())
    benign = given.benign("http")
    assert benign is not None
    assert len(benign) == 5
    found = corrections_of(given, settings.state)
    assert found.notes == ()
    assert found.by_kind["http"].covers(rule.family, benign.embedding).all()
    assert not found.by_kind["http"].covers("dns-tunnel", benign.embedding).any()


def test_of_many_so_many_are_kept_from_first_to_last(settings: Settings) -> None:
    rule = rule_of(settings)
    hits = [request(n) for n in range(3 * MOST)]
    assert keep_false_hits([(rule, hits)], settings, "x") == {rule.id: MOST}
    names = names_digest(Detector.load(settings.detector.bundle, "cpu").bundle)
    records = [one.record(names) for one in FeedbackStore(settings.state).all()]
    origins = {one.origins[0] for one in records if one is not None}
    assert len(origins) == MOST
    assert {"http.log:1", f"http.log:{3 * MOST}"} <= origins


def test_doing_it_again_replaces_what_was_kept_of_the_rule(settings: Settings) -> None:
    rules = [rule_of(settings), rule_of(settings, "/other")]
    for why in ("first", "second"):
        keep_false_hits([(rule, [request(0)]) for rule in rules], settings, why)
    kept = FeedbackStore(settings.state).all()
    assert sorted(one.alert_id for one in kept) == sorted(f"rule:{one.id}:0" for one in rules)
    assert all("second" in one.reason for one in kept)


def test_records_of_a_kind_that_is_none_are_left_out(settings: Settings) -> None:
    rule = rule_of(settings)
    assert keep_false_hits([(rule, [request(0, _kind="smtp"), {}])], settings, "x") == {rule.id: 0}
    assert FeedbackStore(settings.state).all() == []


@pytest.mark.parametrize("change", [{"ts": "\x1b[31m"}, {"id.orig_p": 2**70}, {"uri": ["x"]}])
def test_a_damaged_record_is_said_so_and_nothing_is_kept(
    settings: Settings, change: dict[str, Any]
) -> None:
    rule = rule_of(settings)
    with pytest.raises(StateError, match=f"false hits of rule {rule.sid} are damaged"):
        keep_false_hits([(rule, [request(0), request(1, **change)])], settings, "x")
    assert FeedbackStore(settings.state).all() == []
