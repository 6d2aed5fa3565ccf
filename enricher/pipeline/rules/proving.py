"""Proves rules: engine, linter, history, captures, rules that are loaded already."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from enricher.logs import Kind
from enricher.rulegen.engine.checking import check_rules
from enricher.rulegen.engine.linting import lint_rule
from enricher.rulegen.engine.suricata import Engine
from enricher.rulegen.ledger.candidate import Draft
from enricher.rulegen.matching.reading import read_rule
from enricher.rulegen.proof.backtest import (
    Backtest,
    History,
    backtest,
    benign_figures,
    exemplars,
    false_hits,
    family_figures,
)
from enricher.rulegen.proof.captures import Wanted, rebuild_and_replay, replay_captures
from enricher.rulegen.rule.identity import with_identity
from enricher.rulegen.rule.rule import Rule
from enricher.rulegen.small_file import read_small

_MAX_LOADED = 64 * 1024 * 1024
_MOST_OVERLAPS = 20
_LOCAL = 1_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules are tried on.

    Attributes:
        family: The family's records by kind.
        benign: Benign records.
        captures: Captures, and what is in them.
        loaded: Texts of rules that the site has.
        engine: Suricata; None where there is none, which the proof then says.
    """

    family: Mapping[Kind, pl.DataFrame]
    benign: History
    captures: Sequence[tuple[Path, Wanted]] = ()
    loaded: Sequence[str] = ()
    engine: Engine | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules that are proven together.

    Attributes:
        texts: Their texts.
        about: Of each, what it says.
        basis: Of each, what it rests on.
        notes: Sentences for all.
    """

    texts: Sequence[str]
    about: Sequence[Sequence[str]] = ()
    basis: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Proven:
    """What came of proving.

    Attributes:
        drafts: Of each rule its text and proof.
        failed: Captures that could not be replayed: path and why.
    """

    drafts: list[Draft]
    failed: list[tuple[str, str]] = field(default_factory=list)


def prove(rules: Rules, trial: Trial) -> Proven:
    """Prove the rules of one family together.

    Raises:
        EngineError: If the engine fails at what it is asked.
    """
    texts = list(rules.texts)
    family = History.of(trial.family)
    proofs: list[dict[str, Any]] = [
        {"made": time.time(), "engine": None, "accepted": None, "errors": [], "warnings": [],
         "lint": [], "about": [], "notes": list(rules.notes), "captures": [], "rebuilt": None}
        for _ in texts
    ]  # fmt: skip
    for place, proof in enumerate(proofs):
        proof["about"] = list(rules.about[place]) if rules.about else []
        if rules.basis:
            proof["basis"] = rules.basis[place]
    tests = [
        _backtest(text, family, trial.benign, proof)
        for text, proof in zip(texts, proofs, strict=True)
    ]
    _figures(tests, proofs, family, trial)
    failed = _ask_engine(texts, proofs, tests, trial)
    drafts = [
        Draft(text, proof, [] if test is None else false_hits(test, trial.benign))
        for text, proof, test in zip(texts, proofs, tests, strict=True)
    ]
    return Proven(drafts, failed)


def _backtest(
    text: str, family: History, benign: History, proof: dict[str, Any]
) -> Backtest | None:
    try:
        return backtest(Rule.parse(text), family, benign)
    except (ValueError, TimeoutError) as error:
        proof["notes"].append(f"it can not be tried on logs: {error}")
        return None


def _figures(
    tests: Sequence[Backtest | None],
    proofs: Sequence[dict[str, Any]],
    family: History,
    trial: Trial,
) -> None:
    """Add what the histories say."""
    overlapping = _overlaps(trial.loaded, family)
    for place, (test, proof) in enumerate(zip(tests, proofs, strict=True)):
        if test is None:
            continue
        kind = test.readable.kind
        others = [
            other.covered
            for number, other in enumerate(tests)
            if number != place and other is not None and other.readable.kind == kind
        ]
        masks = [mask for mask in others if mask is not None]
        proof["kind"] = kind
        proof["unread"] = list(test.readable.unread)
        proof["family"] = family_figures(test, np.logical_or.reduce(masks) if masks else None)
        proof["benign"] = benign_figures(test, trial.benign)
        proof["exemplars"] = exemplars(test, family, trial.benign)
        proof["overlap"] = _overlap(test, overlapping)


def _ask_engine(
    texts: Sequence[str],
    proofs: Sequence[dict[str, Any]],
    tests: Sequence[Backtest | None],
    trial: Trial,
) -> list[tuple[str, str]]:
    engine = trial.engine
    if engine is None or not texts:
        for proof in proofs:
            proof["notes"].append("no Suricata was at hand: nothing was asked of the engine")
        return []
    # Numbers of the local range, as they will have: a linter minds others.
    numbered = [with_identity(text, _LOCAL + place, 1) for place, text in enumerate(texts)]
    for proof, check in zip(proofs, check_rules(engine, numbered), strict=True):
        proof["engine"], proof["accepted"] = engine.version, check.accepted
        proof["errors"], proof["warnings"] = list(check.errors), list(check.warnings)
    good = [place for place, proof in enumerate(proofs) if proof["accepted"]]
    for place in good:
        proofs[place]["lint"] = list(lint_rule(numbered[place]))
    own = [texts[place] for place in good]
    replayed = replay_captures(engine, own, trial.captures)
    readable = [place for place in good if tests[place] is not None]
    benign = {kind: one.frame for kind, one in trial.benign.buffers.items()}
    asked = [texts[place] for place in readable]
    rebuilt = rebuild_and_replay(engine, asked, trial.family, benign) if asked else []
    for place, captures in zip(good, replayed.captures, strict=True):
        proofs[place]["captures"] = captures
    for place, figures in zip(readable, rebuilt, strict=True):
        proofs[place]["rebuilt"] = figures
    return replayed.failed


def _overlaps(loaded: Sequence[str], family: History) -> list[tuple[str, str, Backtest]]:
    """What rules of the site match of the family: sid, message, matches."""
    found: list[tuple[str, str, Backtest]] = []
    nothing = History({})
    for text in loaded:
        try:
            rule = Rule.parse(text)
            if read_rule(rule).unread:
                continue  # most of a large set of rules: nothing of it needs to be tried
            test = backtest(rule, family, nothing)
        except (ValueError, TimeoutError):
            continue  # not for us to judge; the engine has taken it
        if test.covered is not None and test.covered.any():
            sid, words = (rule.values("sid") or [""])[0], (rule.values("msg") or [""])[0]
            found.append((sid, words.strip('"'), test))
    return found


def _overlap(test: Backtest, loaded: Sequence[tuple[str, str, Backtest]]) -> list[dict[str, Any]]:
    own = test.covered
    if own is None or not own.any():
        return []
    rows: list[tuple[int, dict[str, Any]]] = []
    for sid, words, other in loaded:
        if other.readable.kind == test.readable.kind and other.covered is not None:
            both = int((own & other.covered).sum())
            share = both / int(own.sum())
            rows.append((both, {"sid": sid, "msg": words, "records": both, "share": share}))
    rows.sort(key=lambda row: -row[0])
    return [row for both, row in rows if both][:_MOST_OVERLAPS]


def read_loaded(paths: Sequence[Path]) -> list[str]:
    """The rules of some files; comments are left out.

    Raises:
        InputError: If a file can not be read.
    """
    texts: list[str] = []
    for path in paths:
        data = read_small(path, _MAX_LOADED)
        lines = (line.strip() for line in data.decode("utf-8", "replace").split("\n"))
        texts += [line for line in lines if line and not line.startswith("#")]
    return texts
