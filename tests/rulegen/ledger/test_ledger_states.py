"""Whatever is done to the ledger, in whatever order, its promises hold."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from enricher.errors import InputError
from enricher.rulegen.ledger.candidate import Candidate, Draft, Step
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.ledger.transitions import TRANSITIONS, Action
from enricher.rulegen.rule.identity import identity_of

NAMES = st.sampled_from("abcdef")
BY = {"who": "ana", "why": "a test"}


def text(name: str) -> str:
    return f'alert dns any any -> any any (msg:"{name}"; content:"{name}"; sid:7; rev:7;)'


class LedgerStates(RuleBasedStateMachine):
    """Does to a ledger what may be done, and what may not."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = Ledger(self.folder)
        self.seen: dict[str, Candidate] = {}
        self.steps: dict[str, list[Step]] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(family=st.sampled_from(["one", "two"]), names=st.lists(NAMES, max_size=3, unique=True))
    def propose(self, family: str, names: list[str]) -> None:
        before = {one.id for one in self.ledger.all()}
        made = self.ledger.propose(family, [Draft(text(name), {}) for name in names], **BY)
        assert {one.status for one in made} <= {
            "candidate", "approved", "shadow", "live", "rejected"
        }  # fmt: skip
        highest = max((one.sid for one in self.seen.values()), default=0)
        assert all(one.sid > highest for one in made if one.id not in before)

    @precondition(lambda self: self.ledger.all())
    @rule(
        data=st.data(),
        action=st.sampled_from(["approve", "reject", "retire", "to_shadow", "to_live", "edit"]),
        name=NAMES,
    )
    def act(self, data: st.DataObject, action: Action, name: str) -> None:
        old = data.draw(st.sampled_from(self.ledger.all()))
        allowed, result = TRANSITIONS[action]
        try:
            if action == "edit":
                new = self.ledger.edit(old.id, Draft(text(name), {}), **BY)
            else:
                new = getattr(self.ledger, action)(old.sid, **BY)
        except InputError:
            same_text = action == "edit" and f'msg:"{name}"' in old.rule
            assert old.status not in allowed or same_text
            assert self.ledger.get(old.id) == old
        else:
            assert old.status in allowed
            assert new.status == result
            assert new.rev == old.rev + (action == "edit")

    @invariant()
    def the_promises_hold(self) -> None:
        now = {one.id: one for one in self.ledger.all()}
        assert set(self.seen) <= set(now)
        assert len({one.sid for one in now.values()}) == len(now)
        for id_, one in now.items():
            old = self.seen.get(id_)
            assert identity_of(one.rule) == (one.sid, one.rev)
            if old is not None:
                assert (one.sid, one.family) == (old.sid, old.family)
                assert one.rev >= old.rev
            history = self.ledger.history(id_)
            earlier = self.steps.get(id_, [])
            assert history[: len(earlier)] == earlier
            chain = [None, *(step.after for step in history)]
            assert [step.before for step in history] == chain[:-1]
            assert history[-1].after == one.status
            self.each_revision_is_kept(one)
            self.steps[id_] = history
        self.seen = now

    def each_revision_is_kept(self, one: Candidate) -> None:
        kept = self.ledger.revisions(one.id)
        assert [revision.rev for revision in kept] == list(range(1, one.rev + 1))
        assert kept[-1].rule == one.rule
        approved = {step.rev for step in self.ledger.history(one.id) if step.after == "approved"}
        assert {revision.rev for revision in kept if revision.approved_on is not None} == approved
        if one.deployed_rev is not None:
            assert one.deployed_rev in approved


TestLedgerStates = LedgerStates.TestCase
TestLedgerStates.settings = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
