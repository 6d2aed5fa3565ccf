"""Deploying beside a real Suricata that checks, and one that is made up to answer as it is told."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.errors import EngineError, InputError, OutputError, StateError
from enricher.families.database import open_database
from enricher.rulegen.deploy.deploying import TELL, deploy
from enricher.rulegen.engine.outcome import FailedRule, ReloadOutcome, RulesetStats
from enricher.rulegen.engine.suricata import Engine, require_engine
from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.rule.identity import identity_of

pytestmark = pytest.mark.skipif(
    shutil.which("suricata") is None, reason="suricata is not installed (.ci/install-programs)"
)
Add = Callable[..., Candidate]
BY: Any = {"who": "ana", "why": "a test"}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return require_engine()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    return tmp_path / "rules" / "enricher.rules"


class Answers:
    """Answers to reloads, and what the file had at each."""

    def __init__(self, target: Path, answers: Sequence[ReloadOutcome | EngineError]) -> None:
        self.target = target
        self.answers = list(answers)
        self.seen: list[bytes] = []
        self.expected: list[int] = []
        self.had = 5

    def stats(self) -> RulesetStats:
        return RulesetStats(self.had, 0, 0)

    def reload(self, *, expected: int) -> ReloadOutcome:
        self.expected.append(expected)
        self.seen.append(self.target.read_bytes() if self.target.exists() else b"")
        found = self.answers.pop(0)
        if isinstance(found, EngineError):
            raise found
        return found


def answer(loaded: int = 9, failed: tuple[FailedRule, ...] = ()) -> ReloadOutcome:
    return ReloadOutcome(RulesetStats(loaded, len(failed), 0), 1, (), failed)


def sids(target: Path) -> list[int]:
    lines = target.read_text().splitlines()
    return [identity_of(line)[0] for line in lines if not line.startswith("#")]


def test_what_is_approved_is_deployed_and_nothing_else(
    ledger: Ledger, add: Add, target: Path, engine: Engine
) -> None:
    good, later, rejected = add("good"), add("later", approve=False), add("rejected")
    ledger.reject(rejected.id, **BY)
    done = deploy(ledger, target, engine, None, **BY)
    assert sids(target) == [good.sid]
    assert f"# shadow: {good.id} revision 1" in target.read_text()
    assert (done.reloaded, done.notes) == (False, (TELL,))
    assert [one.status for one in done.new] == ["shadow"]
    assert (ledger.get(good.id).deployed_rev, ledger.get(good.id).stage) == (1, "shadow")
    assert ledger.history(good.id)[-1].why == "a test"
    ledger.approve(later.id, **BY)
    deploy(ledger, target, engine, None, stage="live", **BY)
    assert [ledger.get(one.id).status for one in (good, later, rejected)] == [
        "shadow", "live", "rejected",
    ]  # fmt: skip
    ledger.to_live(good.id, **BY)
    done = deploy(ledger, target, engine, None, **BY)
    assert done.new == ()
    assert target.read_text().count("# live: ") == 2


def test_a_retired_rule_leaves_at_the_next_deployment_of_nothing(
    ledger: Ledger, add: Add, target: Path, engine: Engine
) -> None:
    rule = add()
    deploy(ledger, target, engine, None, **BY)
    ledger.retire(rule.id, **BY)
    assert ledger.get(rule.id).deployed_rev == 1
    done = deploy(ledger, target, engine, None, **BY)
    assert (done.gone, done.rules) == ((rule.sid,), ())
    assert sids(target) == []
    assert ledger.get(rule.id).deployed_rev is None


def test_the_revision_that_is_deployed_stays_until_the_next_one_is_approved(
    ledger: Ledger, add: Add, target: Path, engine: Engine
) -> None:
    rule = add("first")
    deploy(ledger, target, engine, None, stage="live", **BY)
    ledger.edit(rule.id, Draft(rule.rule.replace("first", "second"), {}), **BY)
    deploy(ledger, target, engine, None, **BY)
    assert rule.rule in target.read_text()
    assert "# live: " in target.read_text()
    edited = ledger.approve(rule.id, **BY)
    deploy(ledger, target, engine, None, **BY)
    assert edited.rule in target.read_text()
    assert rule.rule not in target.read_text()
    assert ledger.get(rule.id).deployed_rev == 2


@pytest.mark.parametrize(
    "options",
    ["nonsense;", 'http.host; content:"UPPER";', 'content:"x"; nocase; nocase;', 'pcre:"/(/";'],
)
def test_a_rule_that_suricata_refuses_changes_nothing(
    ledger: Ledger, add: Add, target: Path, engine: Engine, options: str
) -> None:
    add("good")
    deploy(ledger, target, engine, None, **BY)
    bad = add("bad", options)
    before, all_before = target.read_bytes(), ledger.all()
    control = Answers(target, [])
    with pytest.raises(EngineError, match=rf"nothing was deployed.*{bad.sid}"):
        deploy(ledger, target, engine, control, **BY)
    assert (target.read_bytes(), ledger.all()) == (before, all_before)
    assert control.seen == []


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("again", [True, False])
def test_a_reload_that_fails_is_rolled_back_byte_for_byte(
    ledger: Ledger, add: Add, target: Path, engine: Engine, existing: bool, again: bool
) -> None:
    if existing:
        add("good")
        deploy(ledger, target, engine, None, **BY)
    add("new")
    before = target.read_bytes() if existing else b""
    all_before = ledger.all()
    second = answer() if again else EngineError("it is gone")
    control = Answers(target, [EngineError("NOK"), second])
    words = "put back and loaded" if again else "has not read it"
    with pytest.raises(EngineError, match=rf"NOK.*{words}"):
        deploy(ledger, target, engine, control, **BY)
    assert (target.read_bytes() if target.exists() else b"") == before
    assert target.exists() == existing
    assert ledger.all() == all_before
    assert control.seen[0] != before
    assert control.seen[1] == before


def test_an_answer_of_done_is_not_believed_where_the_rules_are_not_loaded(
    ledger: Ledger, add: Add, target: Path, engine: Engine
) -> None:
    rule = add()
    others = FailedRule("alert ip any any -> any any (sid:7; rev:1;)", Path("/x"), 1, "bad")
    ours = FailedRule(rule.rule, Path("/inside/a/container/enricher.rules"), 3, "no such variable")
    for bad, words in (
        (answer(failed=(others, ours)), f"failed to load rule {rule.sid}"),
        (answer(loaded=0), "did not read the file: name it under rule-files"),
        (answer(loaded=5), "did not read the file"),  # as many as before, of other files
    ):
        with pytest.raises(EngineError, match=rf"{words}.*put back and loaded"):
            deploy(ledger, target, engine, Answers(target, [bad, answer()]), **BY)
        assert not target.exists()
        assert ledger.get(rule.id).status == "approved"
    control = Answers(target, [answer(failed=(others,))])
    assert deploy(ledger, target, engine, control, **BY).reloaded
    assert control.expected == [1]


def test_a_rule_that_is_withdrawn_during_the_reload_does_not_stay_loaded(
    ledger: Ledger, add: Add, target: Path, engine: Engine
) -> None:
    rule = add()

    class Withdraws(Answers):
        def reload(self, *, expected: int) -> ReloadOutcome:
            if not self.seen:
                ledger.reject(rule.id, **BY)
            return super().reload(expected=expected)

    control = Withdraws(target, [answer(), answer()])
    with pytest.raises(StateError, match="changed meanwhile"):
        deploy(ledger, target, engine, control, **BY)
    assert not target.exists()
    assert ledger.get(rule.id).deployed_rev is None


def test_words_files_of_others_and_tampering_are_refused_before_anything_is_done(
    ledger: Ledger, add: Add, target: Path, engine: Engine, tmp_path: Path
) -> None:
    add("good")
    rule = add("x", approve=False)
    with pytest.raises(InputError, match="history"):
        deploy(ledger, target, engine, None, who="", why="x")
    with pytest.raises(OutputError):
        deploy(ledger, tmp_path / "none" / "x.rules", engine, None, **BY)
    with open_database(ledger.state) as database:
        database.execute("UPDATE rule_candidates SET status = 'approved'")
    with pytest.raises(StateError, match=rf"{rule.sid}.*nobody approved"):
        deploy(ledger, target, engine, None, **BY)
    assert not target.exists()
    target.write_text("alert ip any any -> any any (sid:1;)\n")
    with pytest.raises(InputError, match="no rules file of the enricher"):
        deploy(ledger, target, engine, None, **BY)


KILLED = """
import os, signal, sys
from pathlib import Path
from enricher.rulegen.deploy import deploying, files
from enricher.rulegen.engine.outcome import RulesetStats
from enricher.rulegen.engine.suricata import require_engine
from enricher.rulegen.ledger.ledger import Ledger

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

class Control:
    reload = killed

    def stats(self):
        return RulesetStats(0, 0, 0)

state, target, where = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
control = None
if where == "settle":
    files.RulesFile.settle = killed
elif where == "record":
    deploying.record_deployment = killed
else:
    control = Control()
deploying.deploy(Ledger(state), target, require_engine(), control, who="ana", why="killed")
"""


@pytest.mark.parametrize("where", ["reload", "record", "settle"])
@pytest.mark.parametrize("existing", [True, False])
def test_a_deployment_that_is_killed_leaves_file_and_ledger_in_agreement_after_the_next_one(
    ledger: Ledger, add: Add, target: Path, engine: Engine, where: str, existing: bool
) -> None:
    if existing:
        add("old")
        deploy(ledger, target, engine, None, **BY)
    rule, waiting = add("new"), add("waiting", approve=False)
    before = ledger.all()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, ledger.state, target, where], check=False, timeout=60
    )
    assert done.returncode == -9
    if where != "settle":
        assert ledger.all() == before
    assert waiting.sid not in sids(target)
    add("broken", "nonsense;")
    with pytest.raises(EngineError):  # the next one fails: what is left is what the ledger says
        deploy(ledger, target, engine, None, **BY)
    loaded = [one.sid for one in ledger.all() if one.deployed_rev is not None]
    assert sids(target) == loaded
    ledger.retire(ledger.all()[-1].id, **BY)
    deploy(ledger, target, engine, None, **BY)
    loaded = [one.sid for one in ledger.all() if one.deployed_rev is not None]
    assert rule.sid in sids(target) == loaded


@given(
    decisions=st.lists(
        st.sampled_from(["none", "approve", "reject", "retire", "edit", "deploy"]),
        min_size=1,
        max_size=8,
    )
)
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_is_decided_every_rule_in_the_file_was_approved_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, decisions: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("deploy")
    ledger, target = Ledger(folder), folder / "enricher.rules"
    approved: set[str] = set()
    for number, decision in enumerate(decisions):
        body = f'alert dns any any -> any any (msg:"n{number}"; dns.query; content:"n{number}"; '
        (rule,) = ledger.propose(f"f{number}", [Draft(f"{body}sid:1; rev:1;)", {})], **BY)
        if decision in ("approve", "edit", "deploy", "retire"):
            approved.add(ledger.approve(rule.id, **BY).rule)
        if decision == "edit":
            ledger.edit(rule.id, Draft(rule.rule.replace(f"n{number}", f"m{number}"), {}), **BY)
        if decision in ("reject", "retire"):
            getattr(ledger, decision)(rule.id, **BY)
        if decision == "deploy":
            deploy(ledger, target, engine, None, **BY)
    deploy(ledger, target, engine, None, **BY)
    lines = target.read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} <= approved
