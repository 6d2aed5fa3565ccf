"""The smallest set of rules that covers a family: conjunctions of conditions, chosen greedily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from enricher.rulegen.matching.conditions import Content
from enricher.rulegen.matching.values import Mask
from enricher.rulegen.mining.atoms import Atom
from enricher.rulegen.mining.evidence import Evidence

_SINGLES, _WEAK, _PAIRS = 400, 40, 60


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a set of rules must keep to.

    Attributes:
        rules: Rules at most.
        conditions: Conditions of one rule at most.
        bits: How surprising a rule must be in ordinary traffic.
        gain: Share of the family's records that a rule must add.
    """

    rules: int
    conditions: int
    bits: float
    gain: float

    def least(self, records: int) -> float:
        """How many records of so many a rule must add: of a handful one, otherwise a few."""
        return max(self.gain * records, 2 if records >= _A_HANDFUL else 1)


_A_HANDFUL = 10


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Conditions that hold together.

    Attributes:
        atoms: The conditions.
        covered: bool [N], the family's records that meet all.
        bits: How surprising they are together.
    """

    atoms: tuple[Atom, ...]
    covered: Mask
    bits: float

    @property
    def order(self) -> tuple[float, float]:
        """What is preferred among those that cover the same."""
        return sum(atom.order for atom in self.atoms), -min(self.bits, _ENOUGH)


_ENOUGH = 60.0


def choose(safe: Sequence[Conjunction], records: int, bounds: Bounds) -> list[Conjunction]:
    """Of safe conjunctions, each time the one that covers most of what is left."""
    left = np.ones(records, dtype=bool)
    chosen: list[Conjunction] = []
    while len(chosen) < bounds.rules:
        ranked = [(int((one.covered & left).sum()), one) for one in safe]
        most = max((gain for gain, _ in ranked), default=0)
        if most < bounds.least(records):
            break
        # What covers nearly as much and is preferred otherwise is taken.
        near = [one for gain, one in ranked if gain >= most * _NEARLY]
        best = min(near, key=lambda one: one.order)
        chosen.append(best)
        left &= ~best.covered
    return chosen


_NEARLY = 0.98


def safe_conjunctions(
    evidence: Evidence, atoms: Sequence[Atom], bounds: Bounds
) -> list[Conjunction]:
    """All single conditions, pairs and triples that are safe, as far as it pays to look."""
    least = bounds.least(len(evidence.family))
    ranked: list[tuple[int, Atom, Mask]] = []
    for atom in dict.fromkeys(atoms):
        covered = evidence.covered(atom)
        if (count := int(covered.sum())) >= least:
            ranked.append((count, atom, covered))
    ranked.sort(key=lambda one: (-one[0], one[1].order, -one[1].bits, one[1].about))
    safe: list[Conjunction] = []
    weak: list[Conjunction] = []
    for _, atom, covered in ranked[:_SINGLES]:
        one = Conjunction((atom,), covered, atom.bits)
        (safe if is_safe(evidence, one, bounds) else weak).append(one)
    return safe + _joined(evidence, weak[:_WEAK], bounds, least)


def _joined(
    evidence: Evidence, weak: Sequence[Conjunction], bounds: Bounds, least: float
) -> list[Conjunction]:
    safe: list[Conjunction] = []
    open_pairs: list[Conjunction] = []
    for first, second in combinations(weak, 2):
        joined = _both(first, second)
        if joined is not None and joined.covered.sum() >= least:
            (safe if is_safe(evidence, joined, bounds) else open_pairs).append(joined)
    if bounds.conditions > 2:  # noqa: PLR2004 - triples come after pairs
        open_pairs.sort(key=lambda one: -int(one.covered.sum()))
        for pair in open_pairs[:_PAIRS]:
            for third in weak:
                joined = _both(pair, third)
                if joined is None or joined.covered.sum() < least:
                    continue
                if is_safe(evidence, joined, bounds):
                    safe.append(joined)
    return safe


def _both(first: Conjunction, second: Conjunction) -> Conjunction | None:
    """Two in one; None where one says nothing that the other does not."""
    if set(first.atoms) & set(second.atoms):
        return None
    atoms = first.atoms + second.atoms
    if len({atom.buffer for atom in atoms}) < len(atoms) and _overlap(atoms):
        return None
    return Conjunction(atoms, first.covered & second.covered, first.bits + second.bits)


def _overlap(atoms: Sequence[Atom]) -> bool:
    """Whether two conditions on one buffer can not stand together, or one is part of the other."""
    for one, other in combinations(atoms, 2):
        if one.buffer == other.buffer:
            if not (_can_share(one) and _can_share(other)):
                return True
            first, second = _text(one), _text(other)
            if first in second or second in first or _chained(first, second):
                return True
    return False


def _chained(first: bytes, second: bytes) -> bool:
    """Whether one may begin within the other's end: then both say the same letters twice."""
    sizes = range(2, min(len(first), len(second)))
    return any(first.endswith(second[:size]) or second.endswith(first[:size]) for size in sizes)


def _text(atom: Atom) -> bytes:
    return b"".join(c.pattern for c in atom.on.conditions if isinstance(c, Content)).lower()


def _can_share(atom: Atom) -> bool:
    """Whether it is a plain content: others of the buffer can stand beside it."""
    only = atom.on.conditions[0]
    names = {option.name for option in atom.options}
    return isinstance(only, Content) and only.anywhere and names <= {"content", "nocase"}


def is_safe(evidence: Evidence, one: Conjunction, bounds: Bounds) -> bool:
    """Whether it is surprising enough, and no benign record and no ordinary value meets it."""
    if one.bits < bounds.bits or all(evidence.usual(atom) for atom in one.atoms):
        return False
    hits = evidence.hits(one.atoms[0])
    for atom in one.atoms[1:]:
        hits = hits & evidence.hits(atom)
    return not hits.any()
