"""The tables of the few-shot protocol, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from enricher.learn.card import table
from enricher.learn.protocol.metrics import BASE_RATE, PREVALENCE, RECALL, RECORDS_A_DAY
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.summary import Duel, Line
from enricher.learn.protocol.tasks import Skipped

EASY = 0.95
"""A family that one threshold finds so often is flagged."""


@dataclass(frozen=True, slots=True)
class Account:
    """How it was measured, in words.

    Attributes:
        title: Heading of the report.
        views: How records were represented.
        drawn: Where support and query sets come from, in whole sentences.
    """

    title: str
    views: str
    drawn: str


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that was measured.

    Attributes:
        settings: How much was run.
        account: How it was measured, in words.
        lines: A line for each table, number of shots and method.
        fixed: The same for the families of the one fixed split alone.
        duels: The gate.
        doubts: What looks like a mistake of the harness.
        easy: (kind, family) -> (feature, TPR) of the best single threshold, in hindsight.
        skipped: Families without a task, by stage.
        trained: Labels that the models were trained with, by stage, part and kind.
    """

    settings: Settings
    account: Account
    lines: Sequence[Line]
    fixed: Sequence[Line]
    duels: Sequence[Duel]
    doubts: Sequence[str]
    easy: Mapping[tuple[str, str], tuple[str, float]]
    skipped: Mapping[str, Sequence[Skipped]]
    trained: Mapping[str, Sequence[Mapping[str, int]]]

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "settings": self.settings.to_dict(),
            "views": self.account.views,
            "lines": [line.to_dict() for line in self.lines],
            "fixed_split": [line.to_dict() for line in self.fixed],
            "gate": [asdict(duel) | {"passed": duel.passed} for duel in self.duels],
            "doubts": list(self.doubts),
            "one_threshold": [
                {"kind": kind, "family": name, "feature": feature, "tpr": rate}
                for (kind, name), (feature, rate) in self.easy.items()
            ],
            "skipped": {
                stage: [asdict(entry) for entry in own] for stage, own in self.skipped.items()
            },
            "training_labels": {stage: list(own) for stage, own in self.trained.items()},
        }


def markdown(result: Result, plots: Sequence[str] = (), sections: Sequence[str] = ()) -> str:
    """The tables for people.

    Args:
        result: What was measured.
        plots: File names of plots beside the report.
        sections: What is told before the gate.
    """
    parts = [f"# {result.account.title}", _method(result), *sections]
    parts += ["## Gate: half the misses", _GATE, _gate(result.duels)]
    parts += [f"![TPR against K]({name})" for name in plots]
    for (stage, name, origin), lines in _grouped(result.lines).items():
        parts += [f"## {stage}: {name} ({origin})", _lines(lines), _families(lines)]
    if result.fixed:
        parts += ["## Fixed split", _FIXED, _fixed(result.fixed)]
    parts += ["## Families that one threshold finds", _EASY, _easy(result.easy)]
    parts += ["## Labels of training", _labels(result.trained)]
    parts += ["## What looks wrong", _bullets(result.doubts)]
    parts += ["## Not evaluated", _skipped(result.skipped)]
    return "\n\n".join(parts) + "\n"


_GATE = """\
Misses are 1 - TPR at FPR 1e-3, mean over families. The best baseline is the one with the highest
mean TPR of the table; ours is compared on the support sets that it had."""
_FIXED = """\
Mean TPR at FPR 1e-3 of the families of the first fold alone."""
_EASY = f"""\
TPR at FPR 1e-3 of the best threshold on one feature, chosen in hindsight among all records. Such
families (from {EASY:g}; * in the tables) say nothing about a learner."""


def _method(result: Result) -> str:
    chosen = result.settings
    return (
        f"{chosen.draws} support draws, {chosen.seeds} seeds where a method has one, "
        f"{chosen.models} trained model(s) for each of {chosen.folds} folds of families; trees run "
        f"on {min(chosen.costly_draws, chosen.draws)} of the draws. Intervals are 95 %, "
        f"bootstrapped over families. Views: {result.account.views}. {result.account.drawn} "
        "Thresholds are those that the benign records of the query set give. "
        f"AUPRC is stated for a prevalence of {PREVALENCE:g}; precision and alerts a day "
        f"(of {RECORDS_A_DAY:,} records) for a base rate of {BASE_RATE:g} at a TPR of {RECALL:g}."
    )


def _grouped(lines: Iterable[Line]) -> dict[tuple[str, str, str], list[Line]]:
    found: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.stage, line.table, line.origin), []).append(line)
    return found


def _gate(duels: Sequence[Duel]) -> str:
    head = (
        "stage", "table", "origin", "K", "ours", "best baseline", "our misses", "its misses",
        "our worst family", "its worst family", "halved", "worst held", "gate",
    )  # fmt: skip
    rows = [
        (
            duel.stage,
            duel.table,
            duel.origin,
            str(duel.shots),
            duel.ours,
            duel.rival,
            f"{duel.miss:.3f}",
            f"{duel.rival_miss:.3f}",
            _worst(duel.worst),
            _worst(duel.rival_worst),
            _yes(duel.halved),
            _yes(duel.worst_held),
            "pass" if duel.passed else "fail",
        )
        for duel in duels
    ]
    passed = sum(duel.passed for duel in duels)
    return f"{table(head, rows)}\n\n{passed} of {len(duels)} comparisons pass."


def _lines(lines: Sequence[Line]) -> str:
    head = (
        "K", "method", "TPR@1e-3", "95 %", "worst family", "spread of draws", "TPR@1e-4", "AUROC",
        "AUPRC", "precision", "alerts a day", "macro-F1", "ECE", "labels", "draws",
    )  # fmt: skip
    rows = [
        (
            str(line.shots),
            f"**{line.method}**" if line.role == "ours" else line.method,
            "-" if line.tpr is None else f"{line.tpr.mean:.3f}",
            "-" if line.tpr is None else f"{line.tpr.low:.2f}-{line.tpr.high:.2f}",
            _worst(line.worst),
            f"{line.spread:.3f}",
            _number(line.figures["tpr_fine"]),
            _number(line.figures["auroc"]),
            _number(line.figures["auprc"]),
            _number(line.figures["precision"]),
            "-" if line.figures["alerts"] is None else f"{line.figures['alerts']:,.0f}",
            _number(line.figures["macro_f1"]),
            _number(line.figures["ece"]),
            f"{line.labels:,}",
            str(line.draws),
        )
        for line in lines
    ]
    return table(head, rows)


def _families(lines: Sequence[Line]) -> str:
    """TPR of each family: the best baseline and the best of ours at each number of shots."""
    chosen: list[Line] = []
    for shots in sorted({line.shots for line in lines}):
        for role in ("ours", "baseline"):
            own = [line for line in lines if line.shots == shots and line.role == role]
            chosen += own[:1]
    names = sorted({name for line in chosen for name in line.families})
    head = ("family", *(f"K={line.shots}: {line.method}" for line in chosen))
    rows = [
        (
            name,
            *(f"{line.families[name]:.2f}" if name in line.families else "-" for line in chosen),
        )
        for name in names
    ]
    return table(head, rows)


def _fixed(lines: Sequence[Line]) -> str:
    rows = [
        (
            line.stage,
            line.table,
            line.origin,
            str(line.shots),
            line.method,
            "-" if line.tpr is None else f"{line.tpr.mean:.3f}",
            _worst(line.worst),
        )
        for line in lines
    ]
    return table(("stage", "table", "origin", "K", "method", "TPR@1e-3", "worst family"), rows)


def _easy(easy: Mapping[tuple[str, str], tuple[str, float]]) -> str:
    rows = [
        (kind, f"{name}*" if rate >= EASY else name, feature, f"{rate:.2f}")
        for (kind, name), (feature, rate) in sorted(easy.items())
    ]
    return table(("kind", "family", "feature", "TPR@1e-3"), rows)


def _labels(trained: Mapping[str, Sequence[Mapping[str, int]]]) -> str:
    rows = [
        (stage, str(number), ", ".join(f"{kind} {count:,}" for kind, count in counts.items()))
        for stage, parts in trained.items()
        for number, counts in enumerate(parts)
    ]
    return table(("stage", "part", "labelled records that its model may learn from"), rows)


def _skipped(skipped: Mapping[str, Sequence[Skipped]]) -> str:
    rows = [
        (stage, entry.kind, entry.name, entry.origin, entry.why)
        for stage, own in skipped.items()
        for entry in own
    ]
    return table(("stage", "kind", "family", "origin", "why"), rows) if rows else "Nothing."


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts) or "Nothing."


def _worst(worst: tuple[str, float] | None) -> str:
    return "-" if worst is None else f"{worst[0]} {worst[1]:.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
