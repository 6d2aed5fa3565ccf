"""Shares of the base learners: an ensemble in three levels, weighed by risk over families.

Base learners f are combined to meta-learners g (those that look at the embedding, and the
forests), and these to the super learner h (van der Laan, Polley and Hubbard 2007). Both
combinations are convex. The risk is that of families, and cross-validated over them: a support
set of one record can not validate itself, so what K is worth is learned from other families.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.detector.adaptation.family_head import MEMBERS
from enricher.detector.adaptation.shares import Shares
from enricher.logs import KINDS, Kind

FloatArray = npt.NDArray[np.float32]
Weights = tuple[float, ...]

_SOFTER = (1e-3, 3e-3, 1e-2)
"""False-alarm rates that the risk looks at: one alone would be decided by a few records."""
_STEPS = 10
META_LEARNERS: Mapping[str, tuple[int, ...]] = {"embedding": (0, 1), "forests": (2, 3)}
"""Base learners of each meta-learner, as places in MEMBERS."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the base learners of one head say of a query set.

    Attributes:
        kind: Kind of the records.
        family: Name of the family.
        shots: Support records K.
        attack: float [M, Q], rarity of the family's records under each base learner.
        benign: float [M, B], that of benign records.
    """

    kind: Kind
    family: str
    shots: int
    attack: FloatArray
    benign: FloatArray

    def risk(self, weights: Sequence[float]) -> float:
        """Mean miss rate over a few false-alarm rates, in [0, 1]."""
        w = np.asarray(weights, dtype=np.float32)
        benign, attack = w @ self.benign, w @ self.attack
        misses = 0.0
        for rate in _SOFTER:
            allowed = int(rate * len(benign))
            bound = np.partition(benign, len(benign) - 1 - allowed)[len(benign) - 1 - allowed]
            misses += float((attack <= bound).mean())
        return misses / len(_SOFTER)


def fit_shares(outcomes: Iterable[Outcome]) -> Shares:
    """Shares for every kind and number of support records among the outcomes."""
    everything = list(outcomes)
    by_kind: dict[Kind, dict[int, Weights]] = {}
    for shots in sorted({one.shots for one in everything}):
        known = [one for one in everything if one.shots == shots]
        common = super_learner(known)
        for kind in KINDS:
            own = [one for one in known if one.kind == kind]
            by_kind.setdefault(kind, {})[shots] = shrunk(own, common)
    return Shares(by_kind)


def shrunk(own: Sequence[Outcome], common: Weights) -> Weights:
    """The super learner of a kind, drawn towards that of all kinds and towards averaging.

    A kind has few families: alone, its super learner does worse on others than averaging does.

    Args:
        own: Outcomes of the kind; where there are none, the other two count.
        common: The super learner of all kinds.
    """
    parts = [common, average(), *([super_learner(own)] if own else [])]
    return tuple(float(x) for x in np.mean(parts, axis=0))


def cross_fitted(parts: Mapping[int, Sequence[Outcome]]) -> dict[int, Shares]:
    """Shares for each part from the outcomes of all others; equal shares where there are none.

    Args:
        parts: Outcomes by number of the part; no family is in two.
    """
    return {
        number: fit_shares(one for other, own in parts.items() if other != number for one in own)
        for number in parts
    }


def super_learner(outcomes: Sequence[Outcome]) -> Weights:
    """Weights of the base learners: meta-learners first, then their combination."""
    metas = [_best(outcomes, _within(places)) for places in META_LEARNERS.values()]
    between = [
        tuple(float(x) for x in np.average(metas, axis=0, weights=weights)) for weights in _pairs()
    ]
    return _best(outcomes, between)


def average() -> Weights:
    """The control: every base learner alike."""
    return (1.0 / len(MEMBERS),) * len(MEMBERS)


def selection(outcomes: Sequence[Outcome]) -> Weights:
    """The control: the one base learner with the least risk."""
    return _least(outcomes, [tuple(map(float, row)) for row in np.eye(len(MEMBERS))])[0]


def _within(places: Sequence[int]) -> list[Weights]:
    """Combinations of two base learners, as weights of all."""
    found = []
    for first, second in _pairs():
        weights = [0.0] * len(MEMBERS)
        weights[places[0]], weights[places[1]] = first, second
        found.append(tuple(weights))
    return found


def _pairs() -> list[tuple[float, float]]:
    return [(step / _STEPS, 1 - step / _STEPS) for step in range(_STEPS + 1)]


def _best(outcomes: Sequence[Outcome], choices: Sequence[Weights]) -> Weights:
    """The mean of the choices that are nearly best: steadier than the one that is best."""
    first, *rest = _least(outcomes, choices)
    kept = [first, *rest[: max(1, len(choices) // 4) - 1]]
    return tuple(float(x) for x in np.mean(kept, axis=0))


def _least(outcomes: Sequence[Outcome], choices: Sequence[Weights]) -> list[Weights]:
    """Choices by their risk: the mean over families, of each over its draws."""
    by_family: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_family.setdefault(outcome.family, []).append(outcome)
    risks = [
        float(np.mean([np.mean([o.risk(choice) for o in own]) for own in by_family.values()]))
        for choice in choices
    ]
    return [choices[place] for place in np.argsort(risks, kind="stable")]
