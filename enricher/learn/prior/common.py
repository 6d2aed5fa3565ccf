"""What all kinds share: the site, laws that a family fixes once, and frames of canonical columns.

A *construction* is one way to make a family: it draws the family's constants and gives back a
function that draws records with them. The idea, to learn from tasks that are drawn from a prior
over tasks, is that of prior-fitted networks (Hollmann et al. 2023, TabPFN).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.logs import PROVENANCE, SCHEMAS, Kind

T = TypeVar("T")
Rng: TypeAlias = np.random.Generator
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Columns: TypeAlias = dict[str, Any]
"""Column -> one value for all records, or one value each."""
Draw: TypeAlias = Callable[[Rng, int], Columns]
Law: TypeAlias = Callable[[Rng, int], Floats]
Hosts: TypeAlias = Callable[[Rng, int], list[str]]

_LARGEST = 2.0e10
_OUTSIDE = ("198.18", "198.19")


@dataclass(frozen=True, slots=True)
class Site:
    """A network and what its people use.

    Attributes:
        start: First second, since 1970, UTC.
        seconds: How long it is watched.
        clients: Addresses of computers and devices.
        servers: Addresses of servers.
        resolvers: Addresses of the name servers that are asked.
        names: Domain names that ordinary clients use, the most popular first.
        words: Words of which names and paths are made.
        own: Domain name of the site itself.
    """

    start: float
    seconds: float
    clients: tuple[str, ...]
    servers: tuple[str, ...]
    resolvers: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[str, ...]
    own: str


Construction: TypeAlias = Callable[[Rng, Site], Draw]


def chance(rng: Rng, share: float) -> bool:
    """True with a probability of ``share``."""
    return bool(rng.random() < share)


def some(rng: Rng, number: int, share: float) -> Flags:
    """Bool [number], each True with a probability of ``share``."""
    return np.asarray(rng.random(number) < share)


def pick(rng: Rng, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """One of ``items``, of any type."""
    return picks(rng, items, 1, weights)[0]


def picks(
    rng: Rng, items: Sequence[T], number: int, weights: Sequence[float] | None = None
) -> list[T]:
    """``number`` of ``items``, with repeats."""
    if weights is None:
        places = rng.integers(0, len(items), number)
    else:
        bounds = np.cumsum(np.asarray(weights, np.float64))
        places = np.searchsorted(bounds, rng.random(number) * bounds[-1], side="right")
        places = np.minimum(places, len(items) - 1)
    return [items[place] for place in places.tolist()]


def subset(rng: Rng, items: Sequence[T], most: int, least: int = 1) -> list[T]:
    """``least`` to ``most`` different ``items``."""
    number = int(rng.integers(least, min(most, len(items)) + 1))
    return [items[place] for place in rng.permutation(len(items))[:number].tolist()]


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A number whose order of magnitude is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def amounts(rng: Rng, low: float, high: float) -> Law:
    """A law of sizes, durations or counts whose typical value is between ``low`` and ``high``."""
    middle = log_uniform(rng, low, high)
    spread = pick(rng, [0.02, 0.1, 0.4, 0.9, 1.4])
    other = log_uniform(rng, low, high)
    share = float(rng.uniform(0.05, 0.5))
    style = pick(rng, ["constant", "steady", "varied", "varied", "uniform", "two"])

    def law(rng: Rng, number: int) -> Floats:
        if style == "constant":
            values = np.full(number, middle)
        elif style == "steady":
            values = middle + rng.normal(0.0, 0.01 * middle + 1e-6, number)
        elif style == "uniform":
            values = rng.uniform(0.5 * middle, 1.5 * middle, number)
        else:
            values = middle * np.exp(rng.normal(0.0, spread, number))
            if style == "two":
                values = np.where(some(rng, number, share), other, values)
        return np.asarray(np.clip(values, 0.0, _LARGEST))

    return law


def whole(law: Law, rng: Rng, number: int) -> Ints:
    """The law's values as whole numbers."""
    return np.asarray(np.round(law(rng, number)), np.int64)


def timing(rng: Rng, site: Site, low: float = 0.002, high: float = 600.0) -> Law:
    """A law of times in order, within the site's span, with typical gaps of low to high seconds."""
    gap = log_uniform(rng, low, high)
    jitter = pick(rng, [0.0, 0.02, 0.1, 0.3, 0.5])
    batch = int(rng.integers(2, 30))
    style = pick(rng, ["random", "random", "steady", "batches", "uneven"])
    begin = float(rng.uniform(0.0, 0.7))

    def law(rng: Rng, number: int) -> Floats:
        if style == "steady":
            gaps = gap * (1.0 + jitter * rng.uniform(-1.0, 1.0, number))
        elif style == "random":
            gaps = rng.exponential(gap, number)
        elif style == "batches":
            gaps = np.where(some(rng, number, 1.0 / batch), gap * batch, 0.05 * gap)
            gaps = gaps * rng.exponential(1.0, number)
        else:
            gaps = gap * np.exp(rng.normal(0.0, 1.6, number))
        room = (1.0 - begin) * site.seconds
        total = float(gaps.sum())
        if total > room:
            gaps = gaps * (room / total)
        return np.asarray(site.start + begin * site.seconds + np.cumsum(gaps))

    return law


def outside(rng: Rng, number: int) -> list[str]:
    """Addresses out there, of the range kept for benchmarks (RFC 2544)."""
    first = picks(rng, _OUTSIDE, number)
    rest = rng.integers([0, 1], [256, 255], (number, 2)).tolist()
    return [f"{a}.{b}.{c}" for a, (b, c) in zip(first, rest, strict=True)]


def sources(rng: Rng, site: Site, inside: float = 0.6, most: int = 1) -> Hosts:
    """Who sends: one host or up to ``most``, of the site or from outside."""
    number = 1 if chance(rng, 0.5) else int(log_uniform(rng, 1.0, most + 0.99))
    pool = picks(rng, site.clients, number) if chance(rng, inside) else outside(rng, number)
    return lambda rng, number: picks(rng, pool, number)


def targets(rng: Rng, site: Site, inside: float = 0.3, most: int = 1) -> Hosts:
    """Who is sent to: one host or up to ``most``, of the site or out there."""
    number = 1 if chance(rng, 0.5) else int(log_uniform(rng, 1.0, most + 0.99))
    if chance(rng, inside):
        pool = picks(rng, site.servers if chance(rng, 0.7) else site.clients, number)
    else:
        pool = outside(rng, number)
    return lambda rng, number: picks(rng, pool, number)


def popular(rng: Rng, items: Sequence[T], number: int) -> list[T]:
    """``number`` of ``items`` by Zipf's law: the first is the most frequent."""
    weights = np.cumsum(1.0 / np.arange(2, len(items) + 2))
    places = np.searchsorted(weights, rng.random(number) * weights[-1])
    return [items[place] for place in places.tolist()]


def frame(kind: Kind, columns: Columns, number: int, rng: Rng) -> pl.DataFrame:
    """``number`` records with every canonical column of ``kind``; null where none is given.

    Raises:
        ValueError: If a column is not of this kind or has another length.
    """
    if unknown := sorted(set(columns) - set(SCHEMAS[kind])):
        raise ValueError(f"{kind} has no column {unknown[0]!r}")
    if "id.orig_p" not in columns:
        columns = {**columns, "id.orig_p": rng.integers(32_768, 61_000, number)}
    made = []
    for name, dtype in SCHEMAS[kind].items():
        value = columns.get(name)
        if value is None or isinstance(value, str | int | float | bool):
            series = pl.Series(name, [value], dtype).new_from_index(0, number)
        else:
            values = value.tolist() if isinstance(value, np.ndarray) else value
            series = pl.Series(name, values, dtype)
        if len(series) != number:
            raise ValueError(f"{name} has {len(series)} values, {number} are wanted")
        made.append(series.fill_nan(None) if dtype == pl.Float64() else series)
    return pl.DataFrame(made)


def in_order(frames: Sequence[pl.DataFrame], families: Sequence[str]) -> tuple[pl.DataFrame, Any]:
    """Records of several frames in order of time with provenance, and the family of each."""
    lengths = [part.height for part in frames]
    named = pl.Series("family", np.repeat(np.array(families, dtype=np.str_), lengths).tolist())
    joined = pl.concat(frames).with_columns(named).sort("ts", maintain_order=True)
    numbered = joined.drop("family").with_columns(
        pl.lit(0, PROVENANCE["_file"]).alias("_file"),
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt64).alias("_line"),
    )
    return numbered, joined["family"].to_list()
