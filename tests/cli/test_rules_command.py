"""``enricher rules`` as its user meets it: from a candidate to its hits, and no escape gets out."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from enricher.cli.rules import command
from enricher.errors import EngineError, EnricherError, InputError
from enricher.families.feedback import FeedbackStore
from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
ESCAPES = ("\x1b", "\x07", "\u202e")
HOSTILE = "\x1b]0;owned\x07[bold red]\u202e"
PROOF: dict[str, Any] = {
    "engine": "7.0.10",
    "accepted": True,
    "about": [f"HTTP requests whose URI has /gate{HOSTILE}"],
    "basis": "content",
    "family": {"records": 120, "covered": 118, "only_here": 7},
    "benign": {"records": 5000, "hits": 2, "alerts_a_day": 0.5, "alerts_a_day_upper": 1.5},
    "exemplars": {"matched": [{"_place": "http.log:3", "uri": f"/gate{HOSTILE}", "_kind": "http"}]},
}
HIT = {
    "_kind": "http", "_place": "http.log:9", "ts": 1_767_600_000.0, "uid": "C1",
    "id.orig_h": "10.0.0.7", "id.orig_p": 1024, "id.resp_h": "10.0.1.1", "id.resp_p": 80,
    "method": "GET", "host": "intra", "uri": "/gate", "status_code": 200,
}  # fmt: skip
needs_suricata = pytest.mark.skipif(
    shutil.which("suricata") is None, reason="Suricata is not on the PATH"
)

Add = Callable[..., Candidate]


def rule_text(name: str) -> str:
    return (
        f'alert http any any -> any any (msg:"LOCAL {name}"; http.uri; content:"/{name}"; '
        "classtype:trojan-activity; sid:1; rev:1;)"
    )


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def add(state: Path) -> Add:
    """Adds a candidate to the ledger."""

    def make(name: str = "gate", *, false_hits: Sequence[Any] = (), family: str = "") -> Candidate:
        draft = Draft(rule_text(name), PROOF, false_hits=false_hits)
        family = family or f"family-{name}"
        (one,) = Ledger(state).propose(family, [draft], who="ana", why="a test")
        return one

    return make


@pytest.fixture
def run(state: Path) -> Callable[..., Result]:
    """Runs a command of the group; what it prints never has an escape in it."""

    def invoke(*words: str | Path, status: int = 0) -> Result:
        result = CliRunner().invoke(
            command, [*map(str, words), "--state", str(state)], standalone_mode=False
        )
        if status == 0 and result.exception is not None:
            raise result.exception
        assert [escape for escape in ESCAPES if escape in result.output] == []
        return result

    return invoke


Run = Callable[..., Result]


def refused(run: Run, *words: str | Path) -> str:
    """The message of an error that leaves everything as it is."""
    result = run(*words, status=1)
    assert isinstance(result.exception, EnricherError), result.output
    assert str(result.exception).isprintable()
    return str(result.exception)


def status_of(state: Path, one: Candidate) -> str:
    return Ledger(state).get(one.id).status


def test_a_site_without_rules_has_none_and_gets_no_state(run: Run, state: Path) -> None:
    assert "enricher rules propose" in run("list").output
    assert json.loads(run("list", "--json").output) == []
    assert "0 new hits" in run("hits").output
    assert "there is no rule 'nope'" in refused(run, "show", "nope")
    assert not state.exists()


def test_a_list_has_all_a_program_needs(run: Run, add: Add) -> None:
    one = add()
    (plain,) = json.loads(run("list", "--json").output)
    assert (plain["id"], plain["sid"], plain["rev"]) == (one.id, 1_000_000, 1)
    assert (plain["family"], plain["status"]) == ("family-gate", "candidate")
    assert (plain["rule"], plain["proof"]) == (one.rule, PROOF)
    assert (plain["deployed_rev"], plain["stage"]) == (None, None)
    assert (plain["observed"]["hits"], plain["observed"]["precision"]) == (0, None)
    assert plain["created"] == plain["updated"]


def test_a_list_is_of_the_statuses_and_the_family_that_are_asked_for(run: Run, add: Add) -> None:
    add("a")
    b = add("b")
    run("approve", b.sid, "--why", "seen")
    sids = [one["sid"] for one in json.loads(run("list", "--status", "approved", "--json").output)]
    assert sids == [b.sid]
    assert "family-b" not in run("list", "--family", "family-a").output
    assert json.loads(run("list", "--json", "--family", "x").output) == []
    assert "'no' is not one of 'candidate'" in str(
        run("list", "--status", "no", status=2).exception
    )


def test_a_page_has_the_rule_to_read_and_to_copy_and_what_to_do(run: Run, add: Add) -> None:
    one = add()
    lines = run("show", one.id).output.splitlines()
    assert lines[-1] == one.rule
    assert '      content:"/gate";' in lines
    text = "\n".join(lines)
    for promise in (
        "118 of 120 records", "2 records of the family", "hits 2 of 5,000 records",
        "http.log:3", "[bold red]", "Suricata 7.0.10 takes it", "candidate by ana: a test",
        f"enricher rules approve {one.sid}",
    ):  # fmt: skip
        assert promise in text


def test_a_page_for_programs_has_revisions_history_and_hits(run: Run, add: Add) -> None:
    one = add(false_hits=[HIT])
    plain = json.loads(run("show", one.sid, "--json").output)
    assert [step["after"] for step in plain["history"]] == ["candidate"]
    assert [(r["rev"], r["false_hits"], r["approved"]) for r in plain["revisions"]] == [
        (1, 1, False)
    ]
    assert plain["latest"] == []


def test_every_step_has_who_and_why_in_the_history(run: Run, add: Add, state: Path) -> None:
    one = add()
    assert "is approved" in run("approve", one.id, "--why", "looks right").output
    run("retire", one.sid, "--why", "over")
    user = pwd.getpwuid(os.getuid()).pw_name
    steps = json.loads(run("history", one.id, "--json").output)["history"]
    assert [(s["after"], s["why"]) for s in steps] == [
        ("candidate", "a test"), ("approved", "looks right"), ("retired", "over"),
    ]  # fmt: skip
    assert [s["who"] for s in steps[1:]] == [user, user]
    assert f"approved -> retired by {user}: over" in run("history", one.id).output
    assert status_of(state, one) == "retired"


def test_several_are_taken_together_or_none(run: Run, add: Add, state: Path) -> None:
    a, b = add("a"), add("b")
    assert "no rule '77'" in refused(run, "approve", a.id, "77", "--why", "x")
    run("retire", b.id, "--why", "x")
    assert "is retired" in refused(run, "approve", a.id, b.id, "--why", "x")
    assert "say why" in refused(run, "approve", a.id, "--why", HOSTILE)
    assert status_of(state, a) == "candidate"
    run("approve", a.id, a.sid, "--why", "the same twice")
    assert status_of(state, a) == "approved"


@pytest.mark.parametrize("step", ["approve", "reject", "retire", "promote"])
def test_no_step_is_taken_without_a_reason(run: Run, add: Add, state: Path, step: str) -> None:
    one = add()
    result = run(step, one.id, status=2)
    assert "--why" in str(getattr(result.exception, "format_message", lambda: "")())
    assert status_of(state, one) == "candidate"


def test_only_what_is_deployed_is_promoted(run: Run, add: Add, state: Path) -> None:
    one = add()
    run("approve", one.id, "--why", "x")
    assert "enricher rules deploy" in refused(run, "promote", one.id, "--why", "x")
    Ledger(state).to_shadow(one.id, who="ana", why="x")
    run("promote", one.id, "--why", "right so far")
    assert status_of(state, one) == "live"


def test_rejecting_makes_what_a_rule_hit_benign_and_says_so(
    run: Run, add: Add, state: Path
) -> None:
    one = add(false_hits=[HIT, {**HIT, "uri": "/gate?2"}])
    output = run("reject", one.id, "--why", "our own checks").output
    assert "is rejected" in output
    assert "2 benign records that they hit are benign to the detector" in output
    kept = FeedbackStore(state).all()
    assert {said.alert_id for said in kept} == {f"rule:{one.id}:{n}" for n in range(2)}
    refused(run, "reject", one.id, "--why", "again")


def test_rejecting_what_hit_nothing_says_nothing_of_it_and_needs_no_model(
    add: Add, state: Path
) -> None:
    one = add()
    code = (
        "import sys; from enricher.cli.rules import command; "
        "command(sys.argv[1:], standalone_mode=False); "
        "assert not {'torch', 'polars', 'numba'} & set(sys.modules)"
    )
    words = ["reject", one.id, "--why", "x", "--state", str(state)]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "benign" not in done.stdout
    assert status_of(state, one) == "rejected"


def test_what_nobody_approved_is_exported_to_be_tried(run: Run, add: Add, tmp_path: Path) -> None:
    one, other = add("a"), add("b")
    run("approve", other.id, "--why", "x")
    path = tmp_path / "out.rules"
    assert "1 rules" in run("export", path).output
    assert [line for line in path.read_text().splitlines() if line[0] != "#"] == [other.rule]
    run("export", "--status", "candidate", path)
    head, rule = path.read_text().splitlines()
    assert "not approved" in head
    assert rule == one.rule
    assert "--local" in str(run("export", status=2).exception)
    assert "--status" in str(
        run("export", "--local", tmp_path, "--status", "live", status=2).exception
    )


@needs_suricata
def test_an_exported_candidate_loads_as_it_is(run: Run, add: Add, tmp_path: Path) -> None:
    add("a")
    add("b")
    path = tmp_path / "out.rules"
    run("export", "--status", "candidate", path)
    done = subprocess.run(
        ["suricata", "-T", "-v", "-S", str(path), "-l", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rules successfully loaded" in done.stdout + done.stderr


def test_the_layout_for_suricata_update_has_warnings(run: Run, add: Add, tmp_path: Path) -> None:
    run("approve", add().id, "--why", "x")
    modify = tmp_path / "modify.conf"
    modify.write_text('re:. "^alert" "drop"\n')
    output = run("export", "--local", tmp_path / "local", "--modify", modify).output
    assert "Warning: " in output
    assert "modify.conf:1" in output
    assert "/gate" in (tmp_path / "local" / "enricher.rules").read_text()


@needs_suricata
def test_only_what_is_approved_is_deployed(run: Run, add: Add, tmp_path: Path) -> None:
    one, other = add("a"), add("b")
    target = tmp_path / "enricher.rules"
    assert "No rule is approved" in run("deploy", "--to", target).output
    run("approve", one.id, "--why", "x")
    output = run("deploy", "--to", target, "--why", "first").output
    assert f"new: {one.sid} of family family-a, shadow" in output
    assert "suricatasc" in output
    assert one.rule in target.read_text()
    assert other.rule not in target.read_text()
    assert "enricher rules hits" in run("show", one.id).output
    run("retire", one.id, "--why", "over")
    assert "the next 'enricher rules deploy' takes it away" in run("show", one.id).output
    assert f"taken away: {one.sid}" in run("deploy", "--to", target).output


def test_without_suricata_nothing_is_deployed(
    run: Run, add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("approve", add().id, "--why", "x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="install it"):
        run("deploy", "--to", tmp_path / "enricher.rules")
    assert not (tmp_path / "enricher.rules").exists()


def eve(path: Path, one: Candidate, number: int) -> Path:
    events = [
        {
            "timestamp": f"2026-03-0{1 + n}T00:00:00.000000+0000", "event_type": "alert",
            "flow_id": n, "src_ip": "10.0.0.1", "src_port": 1, "dest_ip": "10.0.0.2",
            "dest_port": 80, "alert": {"gid": 1, "signature_id": one.sid, "rev": 1},
        }
        for n in range(number)
    ]  # fmt: skip
    lines = "".join(json.dumps(event) + "\n" for event in events)
    path.write_text(lines + f'{{"event_type":"alert","alert":{HOSTILE}\n')
    return path


def test_hits_are_counted_once_and_judged(run: Run, add: Add, tmp_path: Path) -> None:
    one = add()
    log = eve(tmp_path / "eve.json", one, 4)
    output = run("hits", log).output
    assert "4 new hits, 0 counted before." in output
    assert f"Rule {one.sid} ({one.id}) revision 1" in output
    assert "eve.json:5: " in output
    assert "0 new hits, 4 counted before." in run("hits", log).output
    assert "3 judged right; 100% of 3 judged hits right, at least 53%" in (
        run("judge", one.id, "right", "--hits", "3").output
    )
    plain = json.loads(run("show", one.id, "--json").output)
    key = plain["latest"][0]["key"]
    run("judge", one.sid, "wrong", "--hit", key, "--why", "a scanner of ours")
    counted = json.loads(run("hits", "--json").output)
    seen = counted["rules"][0]["observed"]
    assert (seen["hits"], seen["confirmed"], seen["false"], seen["precision"]) == (4, 3, 1, 0.75)
    assert 0 < seen["precision_lower"] < 0.75
    assert "75%" in run("list").output
    assert ", wrong" in run("show", one.id).output
    assert "has 0 hits" in refused(run, "judge", one.id, "right")


def test_an_eve_file_that_is_not_there_is_said(run: Run, add: Add, tmp_path: Path) -> None:
    add()
    assert "eve.json" in refused(run, "hits", tmp_path / "none")


@dataclass
class Recorded:
    """A stand-in for what proves rules: it says what it was asked."""

    asked: list[Any] = field(default_factory=list)

    def __call__(self, *words: Any, **more: Any) -> Any:
        self.asked.append((words, more))
        return self.answer(*words)

    def answer(self, *words: Any) -> Any:
        return Draft(words[0], {"accepted": False, "errors": [f"bad{HOSTILE}"]})


@pytest.fixture
def proving(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    module = types.ModuleType("enricher.pipeline.rules.testing")
    recorded = Recorded()
    vars(module)["prove_text"] = recorded
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return recorded


def test_an_edited_rule_is_proven_and_a_candidate_again(
    run: Run, add: Add, state: Path, proving: Recorded
) -> None:
    one = add()
    run("approve", one.id, "--why", "x")
    text = rule_text("other")
    output = run("edit", one.id, "--rule", text, "--why", "better", "--benign", "x.log").output
    (words, more) = proving.asked[0]
    assert words[:2] == (text, "family-gate")
    assert more["benign"] == (Path("x.log"),)
    assert "revision 2 of family family-gate: candidate" in output
    assert "does not take it" in output
    assert "Suricata does not take it: edit it first" in run("show", one.id).output
    assert status_of(state, one) == "candidate"


def test_an_edited_rule_may_come_out_of_a_file(
    run: Run, add: Add, state: Path, tmp_path: Path, proving: Recorded
) -> None:
    one, path = add(), tmp_path / "new.rules"
    path.write_text(f"# mine\n\n{rule_text('other')}\n")
    run("edit", one.id, "--file", path, "--why", "better")
    assert "/other" in Ledger(state).get(one.id).rule
    path.write_text(2 * f"{rule_text('x')}\n")
    assert "has 2 rules" in refused(run, "edit", one.id, "--file", path, "--why", "x")
    path.write_bytes(b"\xff")
    assert "UTF-8" in refused(run, "edit", one.id, "--file", path, "--why", "x")
    assert "cannot be read" in refused(
        run, "edit", one.id, "--file", tmp_path / "gone", "--why", "x"
    )
    assert len(proving.asked) == 1


@pytest.mark.parametrize(
    "text", ["drop" + rule_text("x")[5:], "nonsense", rule_text("x\x1b[31m"), ""]
)
def test_what_is_no_rule_that_alerts_is_not_even_proven(
    run: Run, add: Add, proving: Recorded, text: str
) -> None:
    one = add()
    message = refused(run, "edit", one.id, "--rule", text, "--why", "x")
    assert "rule" in message
    assert proving.asked == []


@dataclass
class Outcome:
    """What a proposal says."""

    candidates: list[Candidate] = field(default_factory=list)
    refusals: list[tuple[str, int, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 1.5
    failed: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def proposing(monkeypatch: pytest.MonkeyPatch) -> Outcome:
    module = types.ModuleType("enricher.pipeline.rules.proposing")
    outcome = Outcome()
    vars(module).update(ProposeRequest=lambda **words: words, propose=lambda *_: outcome)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return outcome


def test_a_proposal_says_what_it_made_and_what_not(run: Run, add: Add, proposing: Outcome) -> None:
    one = add()
    proposing.candidates.append(one)
    proposing.refusals.append(("conn", 12, f"they look like backups{HOSTILE}"))
    proposing.dropped += [("alert …", "hits benign traffic"), ("alert …", "hits benign traffic")]
    proposing.notes.append(f"note{HOSTILE}")
    result = run("propose", "gate")
    assert result.return_value == 0
    for promise in (
        one.rule, "matches: HTTP requests", "No rule for 12 conn records: they look like backups",
        "2: hits benign traffic", "Note: note", "1 rule proposed in 1.5 s",
    ):  # fmt: skip
        assert promise in result.output
    plain = json.loads(run("propose", "gate", "--json").output)
    assert [rule["sid"] for rule in plain["candidates"]] == [one.sid]
    assert plain["refusals"][0]["records"] == 12


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 1),
        ({"refusals": [("dns", 3, "too few")]}, 0),
        ({"refusals": [("dns", 3, "too few")], "failed": [("x.log", "cut off")]}, 1),
    ],
)
def test_an_honest_refusal_is_a_success_and_a_log_that_was_not_read_is_none(
    run: Run, proposing: Outcome, more: dict[str, Any], status: int
) -> None:
    vars(proposing).update(more)
    assert run("propose").return_value == status


def test_an_error_of_a_rule_that_is_not_there_does_nothing(run: Run, add: Add) -> None:
    add()
    for words in (("approve", HOSTILE, "--why", "x"), ("judge", "9", "right"), ("history", "0")):
        result = run(*words, status=1)
        assert isinstance(result.exception, InputError)


def test_the_list_does_not_wait_for_heavy_libraries() -> None:
    code = (
        "import sys; from enricher.cli.rules import command; "
        "command(['list', '--state', '/nonexistent'], standalone_mode=False); "
        "heavy = ('torch', 'numba', 'polars', 'numpy', 'matplotlib', 'yaml'); "
        "print([x for x in heavy if x in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines()[-1] == "[]"
