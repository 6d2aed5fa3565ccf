"""Leave-capture-out: what would have been found at a site that training has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from enricher.errors import InputError
from enricher.learn.baseline import available, forest_baseline
from enricher.learn.card import table
from enricher.learn.dataset import NOT_REAL, WRAPPED_CAPTURE, Dataset
from enricher.learn.folds import units
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.measuring import Baseline, CaptureResult, measure
from enricher.learn.run import Datasets, Run
from enricher.learn.training import train, without_captures
from enricher.logs import Kind

ADDED = (*NOT_REAL, WRAPPED_CAPTURE)
"""Beginnings of the names of captures that are no recordings."""


_ALARMS = """\
Benign records that were flagged: as a family, or as unknown. 'Alarms a day' are groups of
(source, family, hour). 'Doubtful': records labelled benign that are not believed (the recipe says
which and why), and how many of them are flagged; they count nowhere else."""
_ALARM_HEAD = (
    "kind",
    "capture",
    "benign",
    "as a family",
    "unknown",
    "share",
    "alarms a day",
    "forest",
    "taken for",
    "doubtful",
)
_FAMILIES = """\
'Own': found under its name or that of a family of its group. 'Any': found at all, as any family
or as unknown. A family marked * occurs in no other capture of that kind: it can only be found
under another name. TPR at 1e-3 uses the benign records of the same capture, where there are 200
or more."""
_FAMILY_HEAD = (
    "kind",
    "capture",
    "family",
    "records",
    "own",
    "other",
    "unknown",
    "any",
    "forest",
    "groups found",
    "TPR@1e-3",
    "forest TPR@1e-3",
)


@dataclass(slots=True)
class Evaluation:
    """Results of all captures that were left out.

    Attributes:
        results: One a capture and kind.
        note: How it was done, for the reader of the tables.
        failures: Captures that could not be left out, and why.
    """

    results: list[CaptureResult] = field(default_factory=list)
    note: str = ""
    failures: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)


def evaluate(
    datasets: Datasets, run: Run, *, leave_out: Sequence[str] = (), epochs: int | None = None
) -> Evaluation:
    """Train once for each capture (with its twins) left out, and measure on it.

    Args:
        datasets: Every labelled log.
        run: The label space, the recipe, the device.
        leave_out: Only these captures; all recorded ones where empty.
        epochs: A shorter schedule for all models.

    Raises:
        InputError: If a capture is unknown.
    """
    captures = list(dict.fromkeys(name for data in datasets.values() for name in data.captures))
    unknown = sorted(set(leave_out) - set(captures))
    if unknown:
        raise InputError(f"there is no capture {unknown[0]!r}; known: {', '.join(captures)}")
    recipe = run.recipe if epochs is None else run.recipe.shortened(epochs)
    inner = Run(run.space, recipe, run.device, run.progress)
    evaluation = Evaluation(note=_note(inner, epochs))
    chosen = [
        unit
        for unit in units(captures, recipe.data.same_source)
        if (set(unit) & set(leave_out) if leave_out else not unit[0].startswith(NOT_REAL))
    ]
    for number, unit in enumerate(chosen):
        run.progress(f"leaving out {', '.join(unit)}", number, len(chosen))
        try:
            evaluation.results += _left_out(datasets, inner, frozenset(unit), set(leave_out))
        except InputError as error:
            evaluation.failures[", ".join(unit)] = error.message
    run.progress("leaving out", len(chosen), len(chosen))
    return evaluation


def _note(run: Run, epochs: int | None) -> str:
    shorter = "" if epochs is None else f" (at most {epochs} epochs instead of the recipe's)"
    forest = (
        "The forest is scikit-learn's random forest, 100 trees, attack against benign, on the "
        "same numbers and categories of the same training records, its threshold at 1e-3 on the "
        "ends of the benign logs it knows."
        if available()
        else "scikit-learn is not installed: no forest to compare with."
    )
    return (
        f"Recipe {run.recipe.name} {run.recipe.version}, seed {run.recipe.seed}{shorter}. Every "
        "capture was scored by a model whose training, calibration and thresholds had not seen "
        "it, at the default thresholds, without calibration to the site. Only the kinds that a "
        f"capture has were trained for it, each as long as among all. {forest}"
    )


def _left_out(
    datasets: Datasets, run: Run, unit: frozenset[str], wanted: set[str]
) -> list[CaptureResult]:
    own = {kind: data for kind, data in datasets.items() if len(data.rows_of(unit))}
    known = without_captures(own, unit)
    trained = train(known, _narrowed(run, tuple(own)))
    results = []
    for kind in trained.model.kinds:
        dataset = datasets[kind]
        for capture in dataset.captures:
            if capture not in unit or (wanted and capture not in wanted):
                continue
            asked = dataset.take(dataset.rows_of([capture]))
            if (asked.labels >= BENIGN_LABEL).any():
                baseline = _forest(known, asked, run)
                results.append(measure(trained, asked, run.device, baseline))
    return results


def _narrowed(run: Run, kinds: tuple[Kind, ...]) -> Run:
    """The same run for some kinds only, each with the steps that it has among all."""
    schedule = run.recipe.schedule
    share = sum(schedule.shares.get(kind, 0.0) for kind in kinds) / sum(schedule.shares.values())
    fewer = replace(schedule, steps=max(1, round(schedule.steps * share)))
    return replace(run, recipe=replace(run.recipe, schedule=fewer))


def _forest(known: Mapping[Kind, Dataset], asked: Dataset, run: Run) -> Baseline | None:
    if not available() or asked.kind not in known:
        return None
    return forest_baseline(
        known[asked.kind],
        asked,
        largest_cell=run.recipe.data.largest_cell,
        tail=run.recipe.calibration.tail,
        seed=run.recipe.seed,
    )


def markdown(evaluation: Evaluation) -> str:
    """The tables for people."""
    parts = [
        "# Captures left out of training",
        evaluation.note,
        "## False alarms",
        _ALARMS,
        table(
            _ALARM_HEAD,
            [
                _alarm_row(result)
                for result in evaluation.results
                if result.benign + result.doubtful
            ],
        ),
        _summary(evaluation.results),
        "## Families",
        _FAMILIES,
        table(_FAMILY_HEAD, _family_rows(evaluation.results)),
    ]
    if evaluation.failures:
        parts += ["## Not evaluated", table(("captures", "why"), [*evaluation.failures.items()])]
    return "\n\n".join(parts) + "\n"


def _alarm_row(result: CaptureResult) -> tuple[str, ...]:
    wrong = result.false_family + result.false_unknown
    names = sorted(result.false_names.items(), key=lambda item: -item[1])[:3]
    return (
        result.kind,
        result.capture,
        f"{result.benign:,}",
        f"{result.false_family:,}",
        f"{result.false_unknown:,}",
        f"{wrong / max(result.benign, 1):.2%}",
        f"{result.alarms_a_day:.1f}",
        "-"
        if result.baseline_false is None
        else f"{result.baseline_false / max(result.benign, 1):.2%}",
        ", ".join(f"{name} {count:,}" for name, count in names) or "-",
        f"{result.doubtful_flagged:,} of {result.doubtful:,}" if result.doubtful else "-",
    )


def _family_rows(results: Sequence[CaptureResult]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for result in results:
        for family, own in result.families.items():
            found = own.own + own.other + own.unknown
            forest = own.baseline_flagged
            rows.append(
                (
                    result.kind,
                    result.capture,
                    family if own.trained else f"{family}*",
                    f"{own.records:,}",
                    f"{own.own / own.records:.1%}",
                    f"{own.other / own.records:.1%}",
                    f"{own.unknown / own.records:.1%}",
                    f"{found / own.records:.1%}",
                    "-" if forest is None else f"{forest / own.records:.1%}",
                    f"{own.groups_found:,} of {own.groups:,}",
                    "-" if own.tpr is None else f"{own.tpr:.1%}",
                    "-" if own.baseline_tpr is None else f"{own.baseline_tpr:.1%}",
                )
            )
    return rows


def _summary(results: Sequence[CaptureResult]) -> str:
    """False-alarm rates over recorded captures, each weighing the same."""
    lines = []
    for kind in dict.fromkeys(result.kind for result in results):
        own = [
            r for r in results if r.kind == kind and r.benign and not r.capture.startswith(ADDED)
        ]
        if own:
            shares = [(r.false_family + r.false_unknown) / r.benign for r in own]
            forest = [r.baseline_false / r.benign for r in own if r.baseline_false is not None]
            lines.append(
                f"- {kind}: mean over {len(own)} recorded captures {np.mean(shares):.2%}, worst "
                f"{max(shares):.2%}"
                + (f"; forest {np.mean(forest):.2%} and {max(forest):.2%}" if forest else "")
            )
    return "\n".join(lines)
