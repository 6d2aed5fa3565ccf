"""Proves rules again, or another text of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.config import Settings
from enricher.errors import InputError
from enricher.families.kept import load_records
from enricher.families.store import FamilyStore
from enricher.pipeline.rules.history import read_logs
from enricher.pipeline.rules.proving import Rules, Trial, prove, read_loaded
from enricher.report.progress import ProgressBar
from enricher.rulegen.engine.suricata import find_engine
from enricher.rulegen.ledger.candidate import Candidate, Draft
from enricher.rulegen.ledger.ledger import Ledger
from enricher.rulegen.proof.backtest import History
from enricher.rulegen.proof.captures import Wanted

_OVER = frozenset({"rejected", "retired"})


@dataclass(frozen=True, slots=True)
class ProveRequest:
    """Which rules to prove, and on what.

    Attributes:
        which: Ids or sids; none for all that are not over.
        benign: Benign logs.
        pcaps: Captures of the family's traffic.
        benign_pcaps: Captures of benign traffic.
        loaded: Files of rules that the site has.
    """

    which: Sequence[str] = ()
    benign: Sequence[Path] = ()
    pcaps: Sequence[Path] = ()
    benign_pcaps: Sequence[Path] = ()
    loaded: Sequence[Path] = ()


def prove_again(request: ProveRequest, settings: Settings, bar: ProgressBar) -> list[Candidate]:
    """Prove rules again; the ledger keeps the newer proof.

    Raises:
        InputError: If there is no such rule, or a log or capture can not be read.
        StateError: If the state is damaged or can not be written.
        EngineError: If Suricata fails at what it is asked.
    """
    ledger = Ledger(settings.state)
    chosen = [ledger.get(which) for which in request.which]
    if not chosen:
        chosen = [one for one in ledger.all() if one.status not in _OVER]
    for one in chosen:
        draft = prove_text(
            one.rule, one.family, settings, bar, benign=request.benign, pcaps=request.pcaps,
            benign_pcaps=request.benign_pcaps, loaded=request.loaded, before=one,
        )  # fmt: skip
        ledger.renew(one.id, draft)
    return [ledger.get(one.id) for one in chosen]


def prove_text(
    text: str,
    family: str,
    settings: Settings,
    bar: ProgressBar,
    *,
    benign: Sequence[Path] = (),
    pcaps: Sequence[Path] = (),
    benign_pcaps: Sequence[Path] = (),
    loaded: Sequence[Path] = (),
    before: Candidate | None = None,
) -> Draft:
    """Prove one text of a rule.

    Args:
        text: The rule.
        family: Its family, whose kept records it is tried on.
        settings: State and bounds.
        bar: Opens a progress bar.
        benign: Benign logs.
        pcaps: Captures of the family's traffic.
        benign_pcaps: Captures of benign traffic.
        loaded: Files of rules that the site has.
        before: The rule as it is kept, for the words that were said of it.

    Raises:
        InputError: If a log or capture can not be read.
        StateError: If the state is damaged.
        EngineError: If Suricata fails at what it is asked.
    """
    store = FamilyStore(settings.state)
    known = family in {one.name for one in store.families()}
    frames = load_records(store, family) if known else {}
    read = read_logs(benign, settings, bar, "benign")
    captures: list[tuple[Path, Wanted]] = [(path, "attack") for path in pcaps]
    captures += [(path, "benign") for path in benign_pcaps]
    kept = {} if before is None else before.proof
    notes = [*read.notes, *(f"not read to its end: {path}: {why}" for path, why in read.failed)]
    if not frames:
        notes.append("the family's records are not kept here: nothing is said of what it covers")
    rules = Rules([text], [kept.get("about", ())], [str(kept.get("basis", "content"))], notes)
    trial = Trial(
        frames, History.of(read.frames, read.logs), captures, read_loaded(loaded), find_engine()
    )
    proven = prove(rules, trial)
    if proven.failed:
        path, why = proven.failed[0]
        raise InputError(why, path)
    return proven.drafts[0]
