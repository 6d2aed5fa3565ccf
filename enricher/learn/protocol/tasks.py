"""Tasks of the few-shot protocol: of which records K are drawn, and which are asked about.

Support comes from a family's first incident and from benign records of the earlier half of every
capture; the query set is what came later, and other captures. The half of the benign records that
is asked about is the same for all tasks, so that it can be kept out of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from enricher.features.rows import Rows
from enricher.learn.dataset import PRIOR_CAPTURE, Dataset
from enricher.learn.folds import units
from enricher.learn.protocol.choosing import (
    Origin,
    balanced,
    benign_halves,
    by_capture,
    of_origin,
    origin_of,
    spread,
)
from enricher.learn.protocol.identity import Identity, record_identity
from enricher.logs import Kind


@dataclass(frozen=True, slots=True)
class Limits:
    """How many records a task has.

    Attributes:
        largest_shot: The support pool has so many records where the query set can spare them.
        first_incident: The first incident is the earliest capture with so many records of the
            family, or else the one with the most.
        fewest_query: A family with fewer records left to ask about is skipped.
        query: Attack records in a query set, at most, balanced over captures.
        bank_capture: Benign support records of one capture, at most.
        bank: Benign support records, at most.
        benign_query: Benign records in a query set, at most, balanced over captures.
    """

    largest_shot: int = 50
    first_incident: int = 100
    fewest_query: int = 20
    query: int = 1_000
    bank_capture: int = 3_000
    bank: int = 10_000
    benign_query: int = 30_000


@dataclass(frozen=True, slots=True)
class Task:
    """One family to be learnt from K records. All rows are rows of the kind's data set.

    Attributes:
        kind: Kind of the records.
        name: The variety: a family, or one of its generators such as ``dga:banjori``.
        family: The family that it belongs to.
        group: The group of the family, left out of training with it.
        origin: Whether the records were recorded, or simulated or made around listed names.
        incident: The capture that the support set comes from.
        pool: K records are drawn from these, int64 [P].
        query: Later attack records and those of other captures, int64 [Q].
        benign: Benign support records, int64 [B].
        negatives: Benign records that are asked about, int64 [M]; the same for all tasks of a kind
            and origin.
    """

    kind: Kind
    name: str
    family: str
    group: str
    origin: Origin
    incident: str
    pool: Rows
    query: Rows
    benign: Rows
    negatives: Rows

    @property
    def table(self) -> str:
        """The line of the tables that it counts in."""
        if self.kind != "dns":
            return self.kind
        if self.group == "dns-tunnels":
            return "dns tunnels"
        return "dns, DGA families" if self.family == "dga" else "dns, others"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A family that no task could be made of, and why."""

    kind: Kind
    name: str
    origin: Origin
    why: str


@dataclass(frozen=True, slots=True)
class Suite:
    """All tasks of one data set.

    Attributes:
        tasks: The tasks.
        skipped: Families without a task.
        identity: int64 [N], the same for records that count as copies of each other.
        later: All benign records of the later halves, also those that no task asks about.
    """

    tasks: tuple[Task, ...]
    skipped: tuple[Skipped, ...]
    identity: Identity
    later: Rows


def make_suite(
    dataset: Dataset,
    same_source: Sequence[Sequence[str]] = (),
    limits: Limits | None = None,
    identity: Identity | None = None,
) -> Suite:
    """Make the tasks of one kind.

    Args:
        dataset: Labelled records.
        same_source: Captures of the same traffic. They are split at one time, and a twin of the
            capture that support comes from is not asked about.
        limits: Numbers of records.
        identity: int64 [N], the same for records of which no two are to be in a task's support
            and query set; by default those that are alike in every feature.
    """
    known = record_identity(dataset.features) if identity is None else identity
    maker = _Maker(dataset, same_source, limits or Limits(), known)
    tasks: list[Task] = []
    skipped: list[Skipped] = []
    for number in range(len(dataset.varieties)):
        for origin in ("recorded", "synthetic"):
            made = maker.task(number, origin)
            if isinstance(made, Task):
                tasks.append(made)
            elif made is not None:
                skipped.append(made)
    later = np.concatenate([np.empty(0, np.int64), *(late for _, late in maker.halves.values())])
    return Suite(tuple(tasks), tuple(skipped), maker.identity, np.sort(later))


class _Maker:
    """What the tasks of one data set share."""

    def __init__(
        self,
        dataset: Dataset,
        same_source: Sequence[Sequence[str]],
        limits: Limits,
        identity: Identity,
    ) -> None:
        self._data = dataset
        self._limits = limits
        self._unit = {
            capture: unit for unit in units(dataset.captures, same_source) for capture in unit
        }
        self.identity = identity
        self.halves = benign_halves(dataset, list(dict.fromkeys(self._unit.values())))
        self._negatives = {
            origin: self._benign_query(origin) for origin in ("recorded", "synthetic")
        }

    def task(self, number: int, origin: Origin) -> Task | Skipped | None:
        """The task of a variety, why there is none, or None where it has no such record."""
        data, limits = self._data, self._limits
        name = data.varieties[number]
        parts = self._captures(number, origin)
        if not parts:
            return None

        def skip(why: str) -> Skipped:
            return Skipped(data.kind, name, origin, why)

        incident = self._first(parts)
        rows = parts[incident]
        others = [own for capture, own in parts.items() if capture not in self._unit[incident]]
        total = len(rows) + sum(map(len, others))
        spare = (
            len(rows)
            if sum(map(len, others)) >= limits.fewest_query
            else (len(rows) - limits.fewest_query)
        )
        size = max(len(rows) // 2, min(limits.largest_shot, spare))
        if total < limits.fewest_query + 2 or size < 1:
            return skip(f"{total} records are too few")
        pool, rest = rows[:size], rows[size:]
        seen = self.identity[pool]
        fresh = [own[~np.isin(self.identity[own], seen)] for own in (rest, *others)]
        if sum(map(len, fresh)) < limits.fewest_query:
            return skip("nearly all later records are copies of earlier ones")
        negatives = self._negatives[origin]
        if not len(negatives):
            return skip("no benign records to tell it from")
        family = data.space.name(int(data.labels[rows[0]]))
        return Task(
            data.kind,
            name,
            family,
            data.space.group(family),
            origin,
            incident,
            np.sort(pool),
            balanced(fresh, limits.query),
            self._bank(origin, incident, float(data.times[rows[0]])),
            negatives,
        )

    def _captures(self, number: int, origin: Origin) -> dict[str, Rows]:
        """Rows of a variety by capture, each in the order of time."""
        data = self._data
        rows = np.flatnonzero(data.variety == number)
        rows = rows[np.argsort(data.times[rows], kind="stable")]
        return {
            data.captures[place]: rows[data.capture[rows] == place]
            for place in np.unique(data.capture[rows]).tolist()
            if origin_of(data.captures[place]) == origin
            and not data.captures[place].startswith(PRIOR_CAPTURE)
        }

    def _first(self, parts: Mapping[str, Rows]) -> str:
        """The capture of the first incident."""
        enough = [name for name, own in parts.items() if len(own) >= self._limits.first_incident]
        if enough:
            return min(enough, key=lambda name: (float(self._data.times[parts[name][0]]), name))
        return max(parts, key=lambda name: (len(parts[name]), name))

    def _bank(self, origin: Origin, incident: str, start: float) -> Rows:
        """Benign support: earlier halves, of the attacked site what came before the attack."""
        data, parts = self._data, []
        for unit, (early, _) in self.halves.items():
            rows = of_origin(data, early, origin)
            if incident in unit:
                before = rows[data.times[rows] < start]
                rows = before if len(before) else rows
            parts += [spread(own, self._limits.bank_capture) for own in by_capture(data, rows)]
        return balanced(parts, self._limits.bank)

    def _benign_query(self, origin: Origin) -> Rows:
        """Benign records of the later halves that no earlier benign record is a copy of."""
        parts: list[Rows] = []
        early = np.concatenate([np.empty(0, np.int64), *(e for e, _ in self.halves.values())])
        for _, late in self.halves.values():
            rows = of_origin(self._data, late, origin)
            rows = rows[~np.isin(self.identity[rows], self.identity[early])]
            parts += by_capture(self._data, rows)
        return balanced(parts, self._limits.benign_query)
