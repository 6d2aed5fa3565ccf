"""Data sets: features, labels and captures of one kind of record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.features.rows import Rows, join, take
from enricher.features.tensors import Features
from enricher.learn.labels import BENIGN_LABEL, DOUBTFUL, GENERATED, UNLABELLED, LabelSpace
from enricher.learn.manifest import BENIGN
from enricher.logs import Kind

Strings = npt.NDArray[np.str_]
NOT_LABELLED = ""
"""Stands for 'unlabelled' among names of families."""
NOT_BELIEVED = "benign?"
"""Stands for 'labelled benign, but not believed' among names of families."""

SIMULATED_CAPTURE = "simulated-"
"""Begins the names of captures of simulated sites."""

MADE_UP = "generated"
"""Stands for 'an attack of a family that was made up' among names of families."""

PRIOR_CAPTURE = "prior-"
"""Begins the names of captures of made-up families, and of the families."""

NOT_REAL = (SIMULATED_CAPTURE, PRIOR_CAPTURE)
"""Begin the names of captures that are trained on always and calibrate nothing: how well a made
site is told apart says nothing about a real one."""

WRAPPED_CAPTURE = "lists-"
"""Begins the names of captures whose records were made around listed names and payloads."""

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class LabelledLog:
    """One log of one capture in its own order, with the names of its labels.

    Attributes:
        capture: The unit of source-disjoint splits.
        weak: The labels come from rules and not from an analyst.
        features: N records, made with the context of the whole log.
        families: Strings [N]: a family, ``benign``, ``""`` for unlabelled, or ``benign?``.
        times: float64 [N], seconds UTC.
        sources: int64 [N], number of the source address within the log; never a feature.
        varieties: Strings [N], like ``families`` but finer, where a family has many generators;
            None where the families are all there is.
    """

    capture: str
    weak: bool
    features: Features
    families: Strings
    times: npt.NDArray[np.float64]
    sources: npt.NDArray[np.int64]
    varieties: Strings | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Records of one kind from many logs, log after log, each in its own order.

    Attributes:
        space: What the labels mean.
        captures: Names of the captures.
        features: N records.
        labels: int16 [N]: 0 benign, -1 unlabelled, -2 doubtful, -3 an attack of a made-up family,
            else of ``space``.
        varieties: Names of what families are made of; most families are their one variety.
        variety: int16 [N], index into ``varieties``, -1 where a record is no attack.
        capture: int16 [N], index into ``captures``.
        log: int32 [N], number of the log.
        weak: bool [N], labelled by rules.
        times: float64 [N], seconds UTC.
        sources: int64 [N], distinct over all logs.
    """

    space: LabelSpace
    captures: tuple[str, ...]
    features: Features
    labels: npt.NDArray[np.int16]
    varieties: tuple[str, ...]
    variety: npt.NDArray[np.int16]
    capture: npt.NDArray[np.int16]
    log: npt.NDArray[np.int32]
    weak: npt.NDArray[np.bool_]
    times: npt.NDArray[np.float64]
    sources: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def kind(self) -> Kind:
        """Kind of the records."""
        return self.features.kind

    def take(self, rows: Rows) -> Dataset:
        """The records at ``rows`` (int64 [R])."""
        return Dataset(
            space=self.space,
            captures=self.captures,
            features=take(self.features, rows),
            labels=self.labels[rows],
            varieties=self.varieties,
            variety=self.variety[rows],
            capture=self.capture[rows],
            log=self.log[rows],
            weak=self.weak[rows],
            times=self.times[rows],
            sources=self.sources[rows],
        )

    def rows_of(self, captures: Iterable[str]) -> Rows:
        """Rows of the named captures."""
        wanted = set(captures)
        numbers = [index for index, name in enumerate(self.captures) if name in wanted]
        return np.flatnonzero(np.isin(self.capture, numbers))

    def labelled(self) -> Rows:
        """Rows with a label, benign or a family."""
        return np.flatnonzero(self.labels >= BENIGN_LABEL)

    def benign(self) -> Rows:
        """Rows labelled benign."""
        return np.flatnonzero(self.labels == BENIGN_LABEL)

    def counts(self) -> Counter[tuple[str, str]]:
        """Number of labelled records by (capture, name of the label)."""
        rows = self.labelled()
        pairs, numbers = np.unique(
            np.stack([self.capture[rows], self.labels[rows]]), axis=1, return_counts=True
        )
        return Counter(
            {
                (self.captures[int(capture)], self.space.name(int(label))): int(number)
                for (capture, label), number in zip(pairs.T, numbers, strict=True)
            }
        )

    def groups(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Number of the (log, source, hour) that each of ``rows`` belongs to, int64 [R].

        It stands for one alert a source, family and window.
        """
        hours = np.floor(self.times[rows] / HOUR).astype(np.int64)
        keys = np.stack([self.log[rows].astype(np.int64), self.sources[rows], hours])
        return np.asarray(np.unique(keys, axis=1, return_inverse=True)[1], np.int64).reshape(-1)

    def days(self) -> float:
        """Time that the logs cover, in days: the sum of their spans, each at least an hour."""
        spans = [float(np.ptp(self.times[self.log == number])) for number in np.unique(self.log)]
        return sum(max(span, HOUR) for span in spans) / 86_400


def build(logs: Sequence[LabelledLog], space: LabelSpace) -> Dataset:
    """Join logs of one kind to a data set.

    Args:
        logs: At least one log; all of one kind.
        space: Every family of the logs is in it, or becomes unlabelled.

    Raises:
        ValueError: If there is no log, or they are of several kinds.
    """
    captures = tuple(dict.fromkeys(log.capture for log in logs))
    numbers = {
        BENIGN: BENIGN_LABEL,
        NOT_LABELLED: UNLABELLED,
        NOT_BELIEVED: DOUBTFUL,
        MADE_UP: GENERATED,
    } | {name: space.number(name) for name in space.families}
    labels = np.concatenate([_numbers(log.families, numbers) for log in logs])
    varieties, variety = _varieties(logs, labels)
    first = np.cumsum([0] + [int(log.sources.max(initial=-1)) + 1 for log in logs])
    return Dataset(
        space=space,
        captures=captures,
        features=join([log.features for log in logs]),
        labels=labels,
        varieties=varieties,
        variety=variety,
        capture=_repeat([captures.index(log.capture) for log in logs], logs).astype(np.int16),
        log=_repeat(range(len(logs)), logs).astype(np.int32),
        weak=_repeat([log.weak for log in logs], logs).astype(np.bool_),
        times=np.concatenate([log.times for log in logs]),
        sources=np.concatenate(
            [log.sources + start for log, start in zip(logs, first[:-1], strict=True)]
        ),
    )


def _varieties(
    logs: Sequence[LabelledLog], labels: npt.NDArray[np.int16]
) -> tuple[tuple[str, ...], npt.NDArray[np.int16]]:
    """Names of the varieties of all attacks, sorted, and the number of each record's."""
    attack = (labels > BENIGN_LABEL) | (labels == GENERATED)
    names, place = np.unique(
        np.concatenate([log.families if log.varieties is None else log.varieties for log in logs])[
            attack
        ],
        return_inverse=True,
    )
    variety = np.full(len(labels), -1, dtype=np.int16)
    variety[attack] = place.reshape(-1)
    return tuple(map(str, names)), variety


def _numbers(names: Strings, numbers: Mapping[str, int]) -> npt.NDArray[np.int16]:
    distinct, place = np.unique(names, return_inverse=True)
    table = [numbers.get(str(name), UNLABELLED) for name in distinct]
    return np.array(table, dtype=np.int16)[place.reshape(-1)]


def _repeat(values: Iterable[int], logs: Sequence[LabelledLog]) -> npt.NDArray[np.int64]:
    return np.repeat(np.array(list(values), dtype=np.int64), [len(log) for log in logs])
