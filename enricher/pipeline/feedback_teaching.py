"""Does what follows from an analyst's word: families are fitted anew, and the word is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.errors import InputError
from enricher.families.feedback import Feedback, FeedbackStore
from enricher.families.feedback_support import with_record, without_record
from enricher.families.feedback_use import Given, corrections_of
from enricher.families.kept import load_support
from enricher.families.loading import heads_of_family
from enricher.families.store import FamilyStore
from enricher.families.support import SupportSet
from enricher.logs import Kind
from enricher.pipeline.adapting import AdaptOutcome, adapt_and_keep, names_digest, site_banks

Sets = Mapping[Kind, SupportSet]


@dataclass(slots=True)
class FeedbackOutcome:
    """What came of it.

    Attributes:
        feedback: What is kept.
        changed: Whether anything is another than before.
        replaced: Whether it took the place of other feedback on the alert.
        adapted: Families that were fitted anew.
        forgotten: Families that have no record any longer.
        notes: Sentences for the user.
    """

    feedback: Feedback
    changed: bool = True
    replaced: bool = False
    adapted: list[AdaptOutcome] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Teaching:
    """Works out and does what follows from one word.

    Args:
        plain: The bundle on its device.
        settings: State and rates.
        earlier: What was said of the alert before.
        said: What is said now.

    Raises:
        InputError: If the record of the alert can not be used with this bundle.
        StateError: If the state is damaged.
    """

    def __init__(
        self, plain: Detector, settings: Settings, earlier: Feedback | None, said: Feedback
    ) -> None:
        self._plain, self._settings = plain, settings
        self._earlier, self._said = earlier, said
        self._names = names_digest(plain.bundle)
        self._store, self._feedback = FamilyStore(settings.state), FeedbackStore(settings.state)
        self._others = self._feedback.all(besides=said.alert_id)
        self._known = {family.name: family for family in self._store.families()}
        self._notes: list[str] = []
        record = said.record(self._names)
        if record is None or said.kind not in plain.kinds:
            raise InputError(
                f"the record of alert {said.alert_id} was kept for another model or version: "
                "teach this one with 'enricher adapt' and logs"
            )
        self._record: SupportSet = record

    def teach(self, family: str | None) -> FeedbackOutcome:
        """Fit the families anew that are concerned, then keep what was said.

        Args:
            family: That learns a true positive; None for the alert's own.
        """
        supports: dict[str, Sets] = {}
        earlier, kind = self._earlier, self._said.kind
        if earlier is not None and earlier.taught in self._known:
            kept = self._kept(earlier.taught)
            if kept is not None:
                supports[earlier.taught] = without_record(kept, kind, self._record)
        taught = None
        if self._said.verdict == "true-positive":
            taught = self._learn(family, supports)
        for name in self._disturbed():
            kept = self._kept(name)
            if name not in supports and kept is not None:
                supports[name] = kept
        said = replace(self._said, taught=taught)
        outcome = FeedbackOutcome(said, replaced=earlier is not None, notes=self._notes)
        for name, sets in supports.items():
            self._fit(name, sets, [*self._others, said], outcome)
        self._feedback.put(said)
        if said.verdict == "false-positive":
            self._check(Given(self._plain, self._names, [*self._others, said]))
        return outcome

    def _learn(self, family: str | None, supports: dict[str, Sets]) -> str | None:
        """Add the record to a family; gives its name, None where the word is only noted."""
        name = family or self._said.family
        if name not in self._known:
            if family is None:
                self._notes.append(f"{name!a} is a family of the model: it is noted as confirmed.")
                return None
            if name in self._plain.bundle.model.heads.families:
                self._notes.append(
                    f"The site's own {name!a} stands in the place of the model's from now on; "
                    "'enricher families forget' brings that back."
                )
            supports[name] = {self._said.kind: self._record}
            return name
        kept = supports[name] if name in supports else self._kept(name)
        if kept is None:
            self._notes.append(
                f"{name!a} came without its records, or has records of another model: "
                "the alert is noted as confirmed and teaches nothing."
            )
            return None
        more = with_record(kept, self._said.kind, self._record)
        if more is None:
            self._notes.append(f"{name!a} has as many records as it can: it learns no more.")
            return None
        supports[name] = more
        return name

    def _kept(self, name: str) -> Sets | None:
        """Support records of a family that can be fitted anew."""
        kept = load_support(self._store, name)
        fits = kept is not None and kept.names == self._names
        return kept.sets if kept is not None and fits else None

    def _disturbed(self) -> list[str]:
        """Families whose head another benign record may change."""
        kind, verdicts = self._said.kind, {self._said.verdict}
        if self._earlier is not None:
            verdicts.add(self._earlier.verdict)
        if "false-positive" not in verdicts or not site_banks(
            self._settings.state, self._plain, [kind], self._others
        ):
            return []
        own = [
            family
            for family in self._known.values()
            if kind in family.kinds and family.bundle == self._plain.bundle.digest
        ]
        if self._said.verdict == "false-positive":
            points = self._plain.represent(self._record.features)
            heads = {one.name: heads_of_family(self._store, one)[kind] for one in own}
            own = [
                one for one in own if heads[one.name].scores(points)[0] >= heads[one.name].threshold
            ]
        return [family.name for family in own]

    def _fit(
        self, name: str, sets: Sets, feedback: list[Feedback], outcome: FeedbackOutcome
    ) -> None:
        if not sets:
            self._store.forget(name)
            outcome.forgotten.append(name)
            return
        family = self._known.get(name)
        # A record of the service has the context that it had on the network.
        context = True if family is None else any(k.context for k in family.kinds.values())
        banks = site_banks(self._settings.state, self._plain, sets, feedback)
        outcome.adapted.append(
            adapt_and_keep(name, sets, banks, self._plain, self._settings, context=context)
        )

    def _check(self, given: Given) -> None:
        """Say so where a correction changes nothing."""
        said = self._said
        found = corrections_of(given, self._settings.state).by_kind.get(said.kind)
        embedding = self._plain.represent(self._record.features).embedding
        if found is None or not found.covers(said.family, embedding).any():
            self._notes.append(
                "The record is the same as one that is known to be of an attack: what is like it "
                "is flagged as before. Look which of the two is right with 'enricher feedback "
                "--list' and 'enricher families show'."
            )
