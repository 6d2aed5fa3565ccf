"""The ledger: which rules there are, what became of each, and by whose word.

It stands in the site's database. Every change is one transaction and one row of history.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from enricher.errors import InputError
from enricher.families.database import FILE, RULES_SINCE, has_tables, open_database
from enricher.rulegen.ledger.candidate import Candidate, Draft, Revision, Step
from enricher.rulegen.ledger.checks import check_family, check_lists, check_rule, check_words
from enricher.rulegen.ledger.moving import edit, find, move, no_rule
from enricher.rulegen.ledger.proposing import propose, renew
from enricher.rulegen.ledger.rows import candidates, revisions, steps
from enricher.rulegen.ledger.sids import LOCAL_SIDS
from enricher.rulegen.ledger.transitions import Action


class Ledger:
    """The rules in a state directory. Reading makes nothing where there is none.

    Args:
        state: The state directory.
        sids: The sids that are given out, the policy's range.
        used: Sids in that range that belong to other rules of the site.

    Raises:
        InputError: If the range has no sid that Suricata takes.
    """

    def __init__(
        self, state: Path, sids: range = LOCAL_SIDS, used: Collection[int] = frozenset()
    ) -> None:
        if not sids or sids.step != 1 or sids.start < 1 or sids.stop > 2**32:
            raise InputError("a range of sids begins at 1 or later and ends before 4294967296")
        self.state = state
        self._sids = (sids, frozenset(used))

    def all(self) -> list[Candidate]:
        """All rules, in the order of their sids.

        Raises:
            StateError: If they can not be read.
        """
        if not (self.state / FILE).is_file():
            return []
        with open_database(self.state, write=False) as database:
            return candidates(database) if has_tables(database, RULES_SINCE) else []

    def get(self, which: int | str) -> Candidate:
        """One rule.

        Args:
            which: Its sid or its id.

        Raises:
            InputError: If there is no such rule.
            StateError: If it can not be read.
        """
        if (self.state / FILE).is_file():
            with open_database(self.state, write=False) as database:
                if has_tables(database, RULES_SINCE):
                    return find(database, which)
        raise no_rule(which)

    def revisions(self, which: int | str) -> list[Revision]:
        """All texts that a rule had, with their proofs, the first one first.

        Raises:
            InputError: If there is no such rule.
            StateError: If they can not be read.
        """
        id_ = self.get(which).id
        with open_database(self.state, write=False) as database:
            return revisions(database, id_)

    def history(self, which: int | str) -> list[Step]:
        """All that was ever done to a rule, the first step first.

        Raises:
            InputError: If there is no such rule.
            StateError: If it can not be read.
        """
        id_ = self.get(which).id
        with open_database(self.state, write=False) as database:
            return steps(database, id_)

    def propose(
        self, family: str, drafts: Sequence[Draft], *, who: str, why: str
    ) -> list[Candidate]:
        """Keep the rules that were made for a family, in place of those made for it before.

        One that is there already (in nothing but sid, rev and days another) keeps all it has and
        gets the newer proof; one that was retired comes back as a new rule. Earlier ones that
        nobody has decided on or edited are retired.

        Args:
            family: The family.
            drafts: The rules; none retires the earlier ones.
            who: Name of the user.
            why: What brought it about.

        Returns:
            The rules of the drafts, in their order, each once.

        Raises:
            InputError: If a rule is none or too large, a word is missing, or no sid is left.
            StateError: If it could not be kept; nothing has changed then.
        """
        check_family(family)
        check_words(who, why)
        with open_database(self.state) as database:
            return propose(database, family, drafts, (who, why), self._sids)

    def approve(self, which: int | str, *, who: str, why: str) -> Candidate:
        """Say of the newest revision of a rule that it may be deployed.

        Raises:
            InputError: If there is no such rule, it is not its turn, or a word is missing.
            StateError: If it could not be kept.
        """
        return self._move("approve", which, who, why)

    def reject(self, which: int | str, *, who: str, why: str) -> Candidate:
        """Say of the newest revision of a rule that it must not be deployed.

        An earlier one that is deployed stays so; retire the rule to take that away too.

        Raises:
            InputError: If there is no such rule, it is not its turn, or a word is missing.
            StateError: If it could not be kept.
        """
        return self._move("reject", which, who, why)

    def retire(self, which: int | str, *, who: str, why: str) -> Candidate:
        """Say of a rule that it is over; the next deployment takes it from Suricata.

        Raises:
            InputError: If there is no such rule, it is retired already, or a word is missing.
            StateError: If it could not be kept.
        """
        return self._move("retire", which, who, why)

    def to_shadow(self, which: int | str, *, who: str, why: str) -> Candidate:
        """Note that an approved rule was deployed to be counted; or take a live one back to that.

        Raises:
            InputError: If there is no such rule, it is not its turn, or a word is missing.
            StateError: If it could not be kept.
        """
        return self._move("to_shadow", which, who, why)

    def to_live(self, which: int | str, *, who: str, why: str) -> Candidate:
        """Promote a rule in shadow; or note that an approved one was deployed as live.

        Raises:
            InputError: If there is no such rule, it is not its turn, or a word is missing.
            StateError: If it could not be kept.
        """
        return self._move("to_live", which, who, why)

    def edit(self, which: int | str, draft: Draft, *, who: str, why: str) -> Candidate:
        """Make a new revision of a rule; somebody has to approve it again.

        The revision that is deployed stays so until the new one is, or the rule is retired.

        Args:
            which: Sid or id of the rule.
            draft: The new text, with the proof that belongs to it.
            who: Name of the user.
            why: In the user's words.

        Raises:
            InputError: If there is no such rule, it is retired, the text is no rule or the one
                that it has, or a word is missing.
            StateError: If it could not be kept.
        """
        check_words(who, why)
        check_rule(draft.rule)
        check_lists(draft.lists)
        with open_database(self.state) as database:
            old = find(database, which)
            edit(database, old, draft, who, why)
            return find(database, old.id)

    def renew(self, which: int | str, draft: Draft) -> Candidate:
        """Keep a newer proof of a rule's newest revision; its text and status stay.

        Raises:
            InputError: If there is no such rule, or the proof is too large.
            StateError: If it could not be kept.
        """
        with open_database(self.state) as database:
            old = find(database, which)
            renew(database, old.id, old.rev, draft, time.time())
            return find(database, old.id)

    def _move(self, action: Action, which: int | str, who: str, why: str) -> Candidate:
        check_words(who, why)
        with open_database(self.state) as database:
            old = find(database, which)
            move(database, old, action, who, why)
            return find(database, old.id)
