"""The ledger: what it keeps, what it refuses, and that no sid is ever given out twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from enricher.errors import InputError, StateError
from enricher.families.database import open_database
from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.ledger import Ledger

MakeDraft = Callable[..., Draft]
BY = {"who": "ana", "why": "a test"}


def one(ledger: Ledger, made: Draft, family: str = "fam") -> Candidate:
    (found,) = ledger.propose(family, [made], **BY)
    return found


def test_reading_makes_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "none")
    assert ledger.all() == []
    with pytest.raises(InputError, match="no rule"):
        ledger.get(1_000_000)
    assert not (tmp_path / "none").exists()


def test_a_proposed_rule_has_its_sid_and_rev_in_its_text(ledger: Ledger, draft: MakeDraft) -> None:
    first, second = ledger.propose("fam", [draft("a"), draft("b")], **BY)
    assert (first.sid, second.sid) == (1_000_000, 1_000_001)
    assert "sid:1000001; rev:1;" in second.rule
    assert ledger.get(second.sid) == ledger.get(second.id) == ledger.get(str(second.sid)) == second
    assert ledger.all() == [first, second]
    (step,) = ledger.history(first.id)
    assert (step.who, step.before, step.after, step.rev, step.why) == (
        "ana", None, "candidate", 1, "a test",
    )  # fmt: skip


@pytest.mark.parametrize("decide", [None, "approve", "reject"])
def test_a_rule_proposed_again_another_day_gets_only_the_newer_proof(
    ledger: Ledger, draft: MakeDraft, decide: str | None
) -> None:
    old = one(ledger, draft())
    if decide:
        old = getattr(ledger, decide)(old.id, **BY)
    new = one(ledger, draft(day="2026_02_02", proof=9))
    assert replace(new, proof=old.proof, updated=old.updated) == old
    assert new.proof == {"covered": 9}


def test_what_was_approved_keeps_the_proof_that_it_was_approved_on(
    ledger: Ledger, draft: MakeDraft
) -> None:
    rule = one(ledger, draft(proof=1))
    ledger.approve(rule.id, **BY)
    one(ledger, draft(proof=2))
    (revision,) = ledger.revisions(rule.id)
    assert (revision.approved_on, revision.proof) == ({"covered": 1}, {"covered": 2})


def test_what_is_not_proposed_again_is_superseded_unless_somebody_decided_on_it_or_edited_it(
    ledger: Ledger, draft: MakeDraft
) -> None:
    names = ("left", "approved", "edited", "rejected", "again")
    rules = dict(zip(names, ledger.propose("fam", [draft(n) for n in names], **BY), strict=True))
    other = one(ledger, draft("left"), "other")
    ledger.approve(rules["approved"].id, **BY)
    ledger.reject(rules["rejected"].id, **BY)
    ledger.edit(rules["edited"].id, draft("better"), **BY)
    ledger.propose("fam", [draft("again")], **BY)
    statuses = {name: ledger.get(rule.id).status for name, rule in rules.items()}
    assert statuses == {
        "left": "retired", "approved": "approved", "edited": "candidate", "rejected": "rejected",
        "again": "candidate",
    }  # fmt: skip
    assert ledger.history(rules["left"].id)[-1].why == "superseded"
    assert ledger.get(other.id).status == "candidate"


def test_a_superseded_rule_that_is_proposed_again_is_a_new_one(
    ledger: Ledger, draft: MakeDraft
) -> None:
    old = one(ledger, draft())
    ledger.propose("fam", [], **BY)
    new = one(ledger, draft())
    assert new.status == "candidate"
    assert new.sid == old.sid + 1
    assert new.id != old.id


def test_an_edit_is_a_new_revision_that_has_to_be_approved_while_the_old_one_stays_deployed(
    ledger: Ledger, draft: MakeDraft
) -> None:
    rule = one(ledger, draft("a", proof=1))
    ledger.approve(rule.id, **BY)
    ledger.to_shadow(rule.id, **BY)
    edited = ledger.edit(rule.id, draft("b", proof=2), **BY)
    assert (edited.status, edited.rev, edited.sid) == ("candidate", 2, rule.sid)
    assert (edited.deployed_rev, edited.stage) == (1, "shadow")
    assert f"sid:{rule.sid}; rev:2;" in edited.rule
    before, after = ledger.revisions(rule.id)
    assert (before.rule, before.proof) == (rule.rule, {"covered": 1})
    assert (after.rule, after.proof, after.approved_on) == (edited.rule, {"covered": 2}, None)
    ledger.approve(rule.id, **BY)
    assert ledger.to_live(rule.id, **BY).deployed_rev == 2


@pytest.mark.parametrize(
    ("moves", "refused", "words"),
    [
        ([], "to_shadow", "is candidate and cannot be deployed as shadow; it can be approved or"),
        ([], "to_live", "is candidate and cannot be deployed as live"),
        (["approve"], "approve", "is approved and cannot be approved"),
        (["reject"], "approve", "is rejected and cannot be approved; it can be edited or retired"),
        (["approve", "to_shadow"], "reject", "is shadow and cannot be rejected"),
        (["retire"], "approve", "is retired and cannot be approved; propose a new one"),
    ],
)
def test_a_step_out_of_turn_is_refused_with_what_can_be_done(
    ledger: Ledger, draft: MakeDraft, moves: list[str], refused: str, words: str
) -> None:
    rule = one(ledger, draft())
    for move in moves:
        getattr(ledger, move)(rule.id, **BY)
    before = (ledger.get(rule.id), ledger.history(rule.id))
    with pytest.raises(InputError, match=words):
        getattr(ledger, refused)(rule.id, **BY)
    assert (ledger.get(rule.id), ledger.history(rule.id)) == before


def test_nobody_does_anything_without_a_name_and_a_reason(ledger: Ledger, draft: MakeDraft) -> None:
    rule = one(ledger, draft())
    for who, why in (("", "why"), ("ana", " "), ("ana", "x" * 501), ("ana\x1b[2J", "why")):
        with pytest.raises(InputError, match="rule's history"):
            ledger.approve(rule.id, who=who, why=why)
    assert ledger.get(rule.id) == rule


@pytest.mark.parametrize(
    "text",
    [
        "drop dns any any -> any any (sid:1; rev:1;)",
        "pass dns any any -> any any (sid:1; rev:1;)",
        "alert dns any any -> any any (sid:1; rev:1;)\nalert ip any any -> any any (sid:2; rev:1;)",
        "alert dns any any -> any any (gid:7; sid:1; rev:1;)",
        "alert dns any any -> any any (rev:1;)",
        'alert dns any any -> any any (msg:"x"; sid:1; rev:1; sid:2;)',
        "# alert dns any any -> any any (sid:1; rev:1;)",
        "alert dns any any -> any any (msg:" + "x" * 9000 + "; sid:1; rev:1;)",
    ],
)
def test_what_is_no_rule_or_does_more_than_alert_is_refused_whole(
    ledger: Ledger, draft: MakeDraft, text: str
) -> None:
    good = one(ledger, draft("good"))
    with pytest.raises(InputError):
        ledger.propose("fam", [draft("fine"), Draft(text, {})], **BY)
    with pytest.raises(InputError):
        ledger.edit(good.id, Draft(text, {}), **BY)
    assert ledger.all() == [good]


def test_too_large_a_proof_and_odd_lists_are_refused(ledger: Ledger, draft: MakeDraft) -> None:
    rule = draft().rule
    for bad in (
        Draft(rule, {"x": "x" * 600_000}),
        Draft(rule, {}, lists={"../x.lst": ""}),
        Draft(rule, {}, lists={"x.lst": "x" * 5_000_000}),
    ):
        with pytest.raises(InputError):
            ledger.propose("fam", [bad], **BY)
    assert ledger.all() == []


def test_sids_come_from_the_policys_range_and_leave_out_what_others_use(
    tmp_path: Path, draft: MakeDraft
) -> None:
    ledger = Ledger(tmp_path, range(1_500_000, 1_500_004), {1_500_000, 1_500_002})
    rules = ledger.propose("fam", [draft("a"), draft("b")], **BY)
    assert [rule.sid for rule in rules] == [1_500_001, 1_500_003]
    with pytest.raises(InputError, match="used up"):
        one(ledger, draft("c"), "other")
    assert ledger.all() == rules
    for wrong in (range(0), range(5), range(1, 2**32 + 1), range(1, 9, 2)):
        with pytest.raises(InputError):
            Ledger(tmp_path, wrong)


def test_a_sid_is_not_given_out_again_when_its_rule_was_taken_from_the_database(
    tmp_path: Path, draft: MakeDraft
) -> None:
    ledger = Ledger(tmp_path)
    first = one(ledger, draft("a"))
    with open_database(tmp_path) as database:
        for table in ("rule_steps", "rule_revisions", "rule_candidates"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608
    assert one(ledger, draft("b")).sid == first.sid + 1


PROPOSE = """
import sys
from pathlib import Path
from enricher.rulegen.ledger.candidate import Draft
from enricher.rulegen.ledger.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
sys.stdin.readline()
for n in range(20):
    text = f'alert dns any any -> any any (msg:"{sys.argv[2]}{n}"; sid:1; rev:1;)'
    ledger.propose(f"{sys.argv[2]}{n}", [Draft(text, {})], who="x", why="y")
"""


def test_two_processes_at_once_get_different_sids(tmp_path: Path) -> None:
    Ledger(tmp_path).propose("fam", [], **BY)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROPOSE, tmp_path, name], stdin=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0]
    rules = Ledger(tmp_path).all()
    assert [rule.sid for rule in rules] == list(range(1_000_000, 1_000_040))
    assert {rule.family for rule in rules} == {f"{n}{i}" for n in "ab" for i in range(20)}


def test_a_damaged_row_is_a_clear_error(tmp_path: Path, draft: MakeDraft) -> None:
    ledger = Ledger(tmp_path)
    rule = one(ledger, draft())
    for damage in (
        "UPDATE rule_candidates SET status = 'fine'",
        "UPDATE rule_candidates SET sid = 1000000; UPDATE rule_revisions SET rule = 'alert'",
    ):
        connection = sqlite3.connect(tmp_path / "enricher.db")
        connection.executescript(damage)
        connection.close()
        with pytest.raises(StateError, match=rf"{rule.id}.*damaged"):
            ledger.all()


def test_an_older_database_is_read_as_it_is_and_brought_up_to_date_by_the_first_proposal(
    tmp_path: Path, draft: MakeDraft
) -> None:
    with open_database(tmp_path) as database:
        names = database.execute(
            "SELECT type, name FROM sqlite_master WHERE name LIKE '%rule%' AND type <> 'index' "
            "AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name LIKE 'rule_candidates', "
            "name LIKE 'rule_sids'"
        ).fetchall()
        database.execute("PRAGMA defer_foreign_keys = ON")
        for kind, name in names:
            database.execute(f"DROP {kind} {name}")
        database.execute("PRAGMA user_version = 2")
    ledger = Ledger(tmp_path)
    assert ledger.all() == []
    with pytest.raises(InputError, match="no rule"):
        ledger.history(1)
    assert one(ledger, draft()).sid == 1_000_000


def test_a_rule_follows_its_family_to_its_new_name(tmp_path: Path, draft: MakeDraft) -> None:
    rule = one(Ledger(tmp_path), draft(), "old")
    with open_database(tmp_path) as database:
        database.execute(
            "INSERT INTO families VALUES ('old', 'f', 'adapted', 0, 0, 'b', 'n', 'v', '[]')"
        )
        database.execute("UPDATE families SET name = 'new' WHERE name = 'old'")
    assert Ledger(tmp_path).get(rule.id).family == "new"
    with open_database(tmp_path) as database:
        database.execute("DELETE FROM families")
    assert Ledger(tmp_path).get(rule.id).family == "new"
