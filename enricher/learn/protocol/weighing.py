"""Learns the shares of the run-time base learners from tasks of the protocol."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from enricher.detector.adaptation.adapting import AdaptOptions, adapt
from enricher.detector.adaptation.family_head import MEMBERS
from enricher.detector.adaptation.shares import Shares
from enricher.features.rows import Rows
from enricher.learn.dataset import Dataset
from enricher.learn.fitting import Progress
from enricher.learn.protocol.encoder_views import EncoderViews
from enricher.learn.protocol.running import ViewMaker
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.stages import NOTHING_HIDDEN, Part, Stage, families_left_out
from enricher.learn.protocol.tasks import Task
from enricher.learn.run import Run
from enricher.learn.stacking import (
    Outcome,
    average,
    fit_shares,
    selection,
    shrunk,
    super_learner,
)
from enricher.learn.views import View
from enricher.logs import Kind

_DRAWS = 2
_SHOTS = (1, 5, 10, 50)
_SEED = 7
_BANK = 4_000
_QUERY = 400
_NEGATIVES = 8_000


def outcomes(
    stage: Stage,
    make_views: ViewMaker,
    seed: int,
    shots: Sequence[int],
    progress: Progress,
) -> dict[int, list[Outcome]]:
    """What the base learners say of families that the encoder has not seen, by part.

    Args:
        stage: Models and tasks; the tasks of a part are unknown to its model.
        make_views: Trains a model.
        seed: As in the run of the protocol, so that a model is trained once.
        shots: Numbers of support records.
        progress: Told of every part.
    """
    found: dict[int, list[Outcome]] = {}
    for number, part in enumerate(stage.parts):
        progress("weighing base learners", number, len(stage.parts))
        views = make_views(part.split, NOTHING_HIDDEN, seed + part.number)
        found[part.number] = list(_of_part(part, views, [k for k in shots if k > 0]))
    return found


def _of_part(part: Part, views: Mapping[Kind, View], shots: Sequence[int]) -> Iterator[Outcome]:
    for task in part.tasks:
        for count in shots:
            if count <= len(task.pool):
                for draw in range(_DRAWS):
                    yield _outcome(task, views[task.kind], count, draw)


def _outcome(task: Task, view: View, shots: int, draw: int) -> Outcome:
    assert view.points is not None
    rng = np.random.default_rng([zlib.crc32(task.name.encode()), draw])
    support = view.points.rows(rng.permutation(task.pool)[:shots])
    benign = view.points.rows(_some(task.benign, _BANK, rng))
    head = adapt(
        support, benign, bundle="", context=True, shares=Shares(), options=AdaptOptions(seed=draw)
    ).head
    query = head.rarities(view.points.rows(_some(task.query, _QUERY, rng)))
    negatives = head.rarities(view.points.rows(_some(task.negatives, _NEGATIVES, rng)))
    return Outcome(
        task.kind,
        f"{task.name} ({task.origin})",
        shots,
        np.stack([query[name] for name in MEMBERS]),
        np.stack([negatives[name] for name in MEMBERS]),
    )


def _some(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    if len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


@dataclass(frozen=True, slots=True)
class Weighed:
    """Shares for a bundle, and what they are worth.

    Attributes:
        shares: From all families.
        risks: Kind -> K -> name -> mean miss rate over families that took no part in the
            weighing: of the super learner, of averaging, of selecting the best, of each base
            learner.
    """

    shares: Shares
    risks: dict[str, dict[int, dict[str, float]]]


def weigh(datasets: Mapping[Kind, Dataset], run: Run) -> Weighed:
    """Learn the shares for a bundle, with families left out of encoders trained for it."""
    recipe = run.recipe
    settings = Settings(shots=_SHOTS, folds=recipe.calibration.family_folds, hide=(), seed=_SEED)
    kinds = {kind: data for kind, data in datasets.items() if (data.variety >= 0).any()}
    stage = families_left_out(kinds, settings, recipe.data.same_source)
    shorter = replace(run, recipe=recipe.shortened(recipe.calibration.fold_epochs))
    parts = outcomes(stage, EncoderViews(shorter), _SEED, _SHOTS, run.progress)
    everything = [one for own in parts.values() for one in own]
    return Weighed(fit_shares(everything), _risks(parts))


def _risks(parts: Mapping[int, Sequence[Outcome]]) -> dict[str, dict[int, dict[str, float]]]:
    """Risks of families by weights that others decided."""
    found: dict[str, dict[int, dict[str, list[float]]]] = {}
    for number, own in parts.items():
        others = [one for other, some in parts.items() if other != number for one in some]
        for kind, shots in {(one.kind, one.shots) for one in own}:
            known = [one for one in others if one.shots == shots]
            asked = [one for one in own if (one.kind, one.shots) == (kind, shots)]
            for name, weights in _contenders(known, kind).items():
                cell = found.setdefault(kind, {}).setdefault(shots, {}).setdefault(name, [])
                cell.extend(one.risk(weights) for one in asked)
    return {
        kind: {
            shots: {name: float(np.mean(risks)) for name, risks in cell.items()}
            for shots, cell in sorted(cells.items())
        }
        for kind, cells in found.items()
    }


def _contenders(known: Sequence[Outcome], kind: Kind) -> dict[str, tuple[float, ...]]:
    own = [one for one in known if one.kind == kind]
    chosen: dict[str, tuple[float, ...]] = {"averaging": average()}
    if known:
        chosen |= {"super learner": shrunk(own, super_learner(known))}
        chosen |= {"selection": selection(own or known)}
    return chosen | {name: tuple(float(name == other) for other in MEMBERS) for name in MEMBERS}
