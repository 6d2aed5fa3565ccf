"""Tasks of the few-shot protocol: of which records K are drawn, and which are asked about.

Support comes from a family's first incident and from benign records of the earlier half of every
capture; the query set is what came later, and other captures. The half of the benign records that
is asked about is the same for all tasks, so that it can be kept out of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from enricher.features.rows import Rows
from enricher.learn.dataset import (
    PRIOR_CAPTURE,
    SIMULATED_CAPTURE,
    WRAPPED_CAPTURE,
    Dataset,
)
from enricher.learn.folds import units
from enricher.learn.protocol.identity import Identity, record_identity
from enricher.logs import Kind

Origin: TypeAlias = Literal["recorded", "synthetic"]


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
        identity: int64 [N], the same for records that are alike in every feature.
        later: All benign records of the later halves, also those that no task asks about.
    """

    tasks: tuple[Task, ...]
    skipped: tuple[Skipped, ...]
    identity: Identity
    later: Rows


def make_suite(
    dataset: Dataset, same_source: Sequence[Sequence[str]] = (), limits: Limits | None = None
) -> Suite:
    """Make the tasks of one kind.

    Args:
        dataset: Labelled records.
        same_source: Captures of the same traffic. They are split at one time, and a twin of the
            capture that support comes from is not asked about.
        limits: Numbers of records.
    """
    maker = _Maker(dataset, same_source, limits or Limits())
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
        self, dataset: Dataset, same_source: Sequence[Sequence[str]], limits: Limits
    ) -> None:
        self._data = dataset
        self._limits = limits
        self._unit = {
            capture: unit for unit in units(dataset.captures, same_source) for capture in unit
        }
        self.identity = record_identity(dataset.features)
        self.halves = _benign_halves(dataset, list(dict.fromkeys(self._unit.values())))
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
            return skip("nearly all later records are exact copies of earlier ones")
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
            if _origin(data.captures[place]) == origin
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
            rows = _of_origin(data, early, origin)
            if incident in unit:
                before = rows[data.times[rows] < start]
                rows = before if len(before) else rows
            parts += [spread(own, self._limits.bank_capture) for own in _by_capture(data, rows)]
        return balanced(parts, self._limits.bank)

    def _benign_query(self, origin: Origin) -> Rows:
        """Benign records of the later halves that no earlier benign record is a copy of."""
        parts: list[Rows] = []
        early = np.concatenate([np.empty(0, np.int64), *(e for e, _ in self.halves.values())])
        for _, late in self.halves.values():
            rows = _of_origin(self._data, late, origin)
            rows = rows[~np.isin(self.identity[rows], self.identity[early])]
            parts += _by_capture(self._data, rows)
        return balanced(parts, self._limits.benign_query)


def spread(rows: Rows, count: int) -> Rows:
    """At most ``count`` of ``rows``, evenly over their order."""
    if len(rows) <= count:
        return rows
    return np.asarray(rows[np.arange(count) * len(rows) // max(count, 1)], np.int64)


def balanced(parts: Sequence[Rows], count: int) -> Rows:
    """At most ``count`` rows of all parts, sorted: as many of each as the smaller ones allow."""
    left, chosen = count, [np.empty(0, np.int64)]
    for done, own in enumerate(sorted(parts, key=len)):
        part = spread(own, left // (len(parts) - done))
        left -= len(part)
        chosen.append(part)
    return np.sort(np.concatenate(chosen))


def _benign_halves(
    data: Dataset, groups: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], tuple[Rows, Rows]]:
    """Earlier and later half of the benign records of each group of captures, in order.

    Made-up traffic is for training only: nobody asks about it.
    """
    benign = data.benign()
    halves = {}
    for unit in groups:
        if unit[0].startswith(PRIOR_CAPTURE):
            continue
        rows = np.intersect1d(benign, data.rows_of(unit))
        rows = rows[np.argsort(data.times[rows], kind="stable")]
        if len(rows):
            half = len(rows) // 2
            halves[unit] = (np.sort(rows[:half]), np.sort(rows[half:]))
    return halves


def _origin(capture: str) -> Origin:
    made = capture.startswith((SIMULATED_CAPTURE, WRAPPED_CAPTURE))
    return "synthetic" if made else "recorded"


def _of_origin(data: Dataset, rows: Rows, origin: Origin) -> Rows:
    """Benign rows for a task: simulated ones stand beside simulated attacks only."""
    if origin == "synthetic":
        return rows
    simulated = np.array([name.startswith(SIMULATED_CAPTURE) for name in data.captures])
    return np.asarray(rows[~simulated[data.capture[rows]]], np.int64)


def _by_capture(data: Dataset, rows: Rows) -> list[Rows]:
    return [rows[data.capture[rows] == place] for place in np.unique(data.capture[rows])]
