"""From a family to candidate rules in the ledger, each with its proof."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from enricher.config import Settings
from enricher.errors import InputError
from enricher.families.kept import load_records
from enricher.families.store import FamilyStore
from enricher.logs import KINDS, Kind, empty
from enricher.pipeline.rules.history import read_logs, without
from enricher.pipeline.rules.proving import Rules, Trial, prove, read_loaded
from enricher.pipeline.user import user_name
from enricher.report.progress import ProgressBar
from enricher.rulegen.compose import Author
from enricher.rulegen.engine.suricata import find_engine
from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.mining.cover import Bounds
from enricher.rulegen.mining.evidence import Evidence
from enricher.rulegen.mining.mine import mine
from enricher.rulegen.mining.mined import Finding, Mined
from enricher.rulegen.policy import Policy, load_ordinary, load_policy
from enricher.rulegen.proof.backtest import History, backtest
from enricher.rulegen.proof.captures import Wanted
from enricher.rulegen.rule.identity import identity_of

_ENOUGH_TO_HOLD_OUT, _EARLIER = 20, 0.7
_FEW_BENIGN = 1000
Frames = Mapping[Kind, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class ProposeRequest:
    """What to propose rules for.

    Attributes:
        family: The family; None for every family of the site.
        support: Logs with its records; none: those that the site has kept of it.
        benign: Benign logs.
        pcaps: Captures of the family's traffic.
        benign_pcaps: Captures of benign traffic.
        policy: The site's own policy.
        ordinary: The site's own list of ordinary values.
        loaded: Files of rules that the site has.
    """

    family: str | None
    support: Sequence[Path] = ()
    benign: Sequence[Path] = ()
    pcaps: Sequence[Path] = ()
    benign_pcaps: Sequence[Path] = ()
    policy: Path | None = None
    ordinary: Path | None = None
    loaded: Sequence[Path] = ()


@dataclass(slots=True)
class ProposeOutcome:
    """What came of it.

    Attributes:
        candidates: As the ledger keeps them.
        refusals: Kind, number of records and why no rule covers them.
        dropped: Rules that were mined and not proposed, and why.
        notes: Sentences for the user.
        seconds: What it took.
        failed: Files that could not be read to their end: path and why.
    """

    candidates: list[Candidate] = field(default_factory=list)
    refusals: list[tuple[str, int, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failed: list[tuple[str, str]] = field(default_factory=list)


def propose(request: ProposeRequest, settings: Settings, bar: ProgressBar) -> ProposeOutcome:
    """Mine, compose and prove rules, and keep those that stand as candidates.

    Raises:
        InputError: If there is no such family, or none of its records are at hand.
        ConfigError: If the policy can not be used.
        StateError: If the state is damaged or can not be written.
        EngineError: If Suricata fails at what it is asked.
    """
    if request.support and request.family is None:
        raise InputError("records of --support belong to one family: name it")
    begin = time.monotonic()
    outcome = ProposeOutcome()
    proposing = _Proposing(request, settings, bar, outcome)
    store = FamilyStore(settings.state)
    names = [one.name for one in store.families()] if request.family is None else [request.family]
    if not names:
        raise InputError("the site has no family: make one with 'enricher adapt', or name logs")
    for name in names:
        try:
            frames = proposing.records(name, store)
        except InputError as error:
            if request.family is not None:
                raise
            outcome.notes.append(str(error))
            continue
        proposing.family(name, frames)
    outcome.seconds = time.monotonic() - begin
    return outcome


class _Proposing:
    """Proposes for one family after the other, against the same benign history."""

    def __init__(
        self, request: ProposeRequest, settings: Settings, bar: ProgressBar, outcome: ProposeOutcome
    ) -> None:
        self._request, self._settings, self._bar = request, settings, bar
        self._outcome = outcome
        self._policy = load_policy(request.policy)
        self._ordinary = load_ordinary(request.ordinary)
        self._author = Author(self._policy, dt.datetime.now(dt.UTC).date())
        self._benign = read_logs(request.benign, settings, bar, "benign")
        self._loaded = read_loaded(request.loaded)
        self._engine = find_engine()
        outcome.failed += self._benign.failed
        outcome.notes += self._benign.notes
        captures: list[tuple[Path, Wanted]] = [(path, "attack") for path in request.pcaps]
        self._captures = captures + [(path, "benign") for path in request.benign_pcaps]
        policy, used = self._policy, frozenset(_sids(self._loaded))
        sids = range(policy.sids.first, policy.sids.last + 1)
        self._ledger = Ledger(settings.state, sids, used)

    def records(self, name: str, store: FamilyStore) -> Frames:
        """The family's records."""
        if self._request.support:
            read = read_logs(self._request.support, self._settings, self._bar, "support")
            self._outcome.failed += read.failed
            self._outcome.notes += read.notes
            return read.frames
        frames = load_records(store, name)
        if not frames:
            raise InputError(
                f"the values of family {name!a} are not kept here, only what the detector needs of "
                "them: name logs with its records with --support"
            )
        return frames

    def family(self, name: str, frames: Frames) -> None:
        """Mine, prove and keep the rules of one family."""
        benign = {
            kind: without(self._benign.frames[kind], frame)
            if kind in self._benign.frames
            else empty(kind)
            for kind, frame in frames.items()
        }
        self._warn_of_few(benign)
        mined, notes = self._mine(frames, benign)
        texts = [str(self._author.write(name, one, number + 1)) for number, one in enumerate(mined)]
        history = History.of({k: f for k, f in benign.items() if len(f)}, self._benign.logs)
        trial = Trial(frames, history, self._captures, self._loaded, self._engine)
        rules = Rules(texts, [one.about for one in mined], [_basis(one) for one in mined], notes)
        proven = prove(rules, trial)
        self._outcome.failed += proven.failed
        kept = [draft for draft in proven.drafts if self._stands(draft)]
        kept = self._firing(kept)
        self._outcome.candidates += self._ledger.propose(
            name, kept, who=user_name(), why="enricher rules propose"
        )

    def _mine(self, frames: Frames, benign: Frames) -> tuple[list[Mined], list[str]]:
        """The rules of all kinds, as many as the policy allows, and what holding out showed."""
        found: list[tuple[float, Mined]] = []
        notes: list[str] = []
        for kind in KINDS:
            if kind not in frames or not len(frames[kind]):
                continue
            finding = self._mine_kind(kind, frames[kind], benign[kind])
            self._outcome.refusals += [(r.kind, r.records, r.reason) for r in finding.refusals]
            left = np.ones(len(frames[kind]), dtype=bool)
            for one, covered in zip(finding.rules, finding.covered, strict=True):
                found.append((float((covered & left).mean()), one))
                left &= ~covered
            notes += self._held_out(kind, frames[kind], benign[kind])
        found.sort(key=lambda pair: -pair[0])
        self._outcome.notes += notes
        return [one for _, one in found[: self._policy.rules_per_family]], notes

    def _mine_kind(self, kind: Kind, family: pl.DataFrame, benign: pl.DataFrame) -> Finding:
        return mine(Evidence(kind, family, benign, self._ordinary), bounds_of(self._policy))

    def _held_out(self, kind: Kind, family: pl.DataFrame, benign: pl.DataFrame) -> list[str]:
        """What rules of the earlier records find of the later ones."""
        if len(family) < _ENOUGH_TO_HOLD_OUT:
            return []
        ordered = family.sort("ts")
        cut = int(len(ordered) * _EARLIER)
        earlier, later = ordered.head(cut), ordered.slice(cut)
        finding = self._mine_kind(kind, earlier, benign)
        history, nothing = History.of({kind: later}), History({})
        covered = np.zeros(len(later), dtype=bool)
        for one in finding.rules:
            mask = backtest(self._author.write("held-out", one, 1), history, nothing).covered
            covered |= mask if mask is not None else False
        words = f"{kind}: rules made of the earlier {len(earlier):,} records alone find "
        return [f"{words}{covered.mean():.0%} of the later {len(later):,}"]

    def _warn_of_few(self, benign: Frames) -> None:
        for kind, frame in benign.items():
            if len(frame) < _FEW_BENIGN:
                self._outcome.notes.append(
                    f"{kind}: only {len(frame):,} benign records were there to try the rules on: "
                    "name more of this site's ordinary logs with --benign"
                )

    def _stands(self, draft: Draft) -> bool:
        """Whether a rule may be proposed; says why where it may not."""
        proof = draft.proof
        benign = proof.get("benign") or {}
        on_benign = [one for one in proof["captures"] if one["wanted"] == "benign" and one["hits"]]
        rebuilt = proof["rebuilt"] or {}
        upper, most = benign.get("alerts_a_day_upper"), self._policy.most_alerts_a_day
        why = None
        if proof["accepted"] is False:
            why = f"the engine refuses it: {'; '.join(proof['errors'])}"
        elif benign.get("hits"):
            why = f"it alerts on {benign['hits']:,} benign records"
        elif on_benign:
            why = f"it alerts on the benign capture {on_benign[0]['path']}"
        elif not (proof.get("family") or {}).get("covered"):
            why = "it covers no record of the family"
        elif most and upper is not None and upper > most:
            why = (
                f"it may alert up to {upper:.2f} times a day, which is more than the policy allows"
            )
        elif rebuilt.get("expected") and not rebuilt.get("fired"):
            why = "the engine finds it in none of the records that were sent to it"
        if why is not None:
            self._outcome.dropped.append((draft.rule, why))
        return why is None

    def _firing(self, drafts: list[Draft]) -> list[Draft]:
        """Where captures of the attack are at hand, the rules that fire on one of them.

        Where none does, all are kept, and it is said: the captures may be of other records.
        """
        asked = [one for one in self._captures if one[1] == "attack"]
        fires = [
            any(one["hits"] and one["wanted"] == "attack" for one in draft.proof["captures"])
            for draft in drafts
        ]
        if not asked or not drafts:
            return drafts
        if not any(fires):
            self._outcome.notes.append("no rule fires on any of the captures of the attack")
            return drafts
        for draft, fired in zip(drafts, fires, strict=True):
            if not fired:
                self._outcome.dropped.append((draft.rule, "it fires on no capture of the attack"))
        return [draft for draft, fired in zip(drafts, fires, strict=True) if fired]


def bounds_of(policy: Policy) -> Bounds:
    """What mining must keep to, by the policy."""
    return Bounds(
        policy.rules_per_family, policy.conditions_per_rule, policy.least_bits, policy.least_gain
    )


def _sids(texts: Sequence[str]) -> list[int]:
    found = []
    for text in texts:
        try:
            found.append(identity_of(text)[0])
        except ValueError:
            continue  # no rule that we can read has no number that we could take
    return found


def _basis(one: Mined) -> str:
    names = {option.name for option in one.options}
    if one.rate is not None:
        return "rate"
    if one.kind == "conn":
        return "host"
    if "dotprefix" in names:
        return "domain"
    return "form" if "pcre" in names and one.kind == "dns" else "content"
