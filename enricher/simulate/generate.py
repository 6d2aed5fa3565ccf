"""One run of the simulator: a world, its scenarios, the logs and their labels."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import orjson
import polars as pl

from enricher.errors import InputError, OutputError
from enricher.logs import KINDS, Kind
from enricher.simulate.registry import ATTACKS, BENIGN, FAMILIES
from enricher.simulate.traffic import Traffic, schema, zeek_types
from enricher.simulate.world import DEFAULT_START, World, build_world
from enricher.simulate.write import LogFormat, write_log

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What was written; the content of ``labels.json``.

    Attributes:
        seed: The seed it can be made from again.
        start: Begin, seconds UTC.
        hours: Length in hours.
        records: Number of records by kind.
        families: Number of records by family, then kind; ``benign`` is one of them.
    """

    seed: int
    start: float
    hours: float
    records: dict[str, int]
    families: dict[str, dict[str, int]]

    @property
    def total(self) -> int:
        """Number of records of all kinds."""
        return sum(self.records.values())


def simulate_frames(
    *,
    seed: int,
    hours: float = 1.0,
    hosts: int = 20,
    families: Sequence[str] | None = None,
    instances: int = 1,
    scale: float = 1.0,
    start: float = DEFAULT_START,
    progress: Progress | None = None,
) -> dict[Kind, pl.DataFrame]:
    """Draw the records of one run, in the order in which Zeek writes them.

    Everything is held in memory, about a kilobyte a record.

    Args:
        seed: The same seed and arguments give the same records.
        hours: Length of the run.
        hosts: Number of hosts of the site.
        families: Attack families to play; None plays all, an empty sequence none.
        instances: How often each family is played, each time with newly drawn parameters.
        scale: How busy the benign hosts are.
        start: Begin of the run, seconds UTC.
        progress: Told the name of each step and the share done before it.

    Returns:
        For each kind a frame with Zeek's fields, then ``label`` and ``detailedlabel``.

    Raises:
        InputError: If a family is unknown, or a size is out of its range.
    """
    _check(hours, hosts, families, instances, scale)
    world = build_world(
        _generator(seed, "world"), start=start, seconds=hours * 3600.0, hosts=hosts, scale=scale
    )
    steps: list[tuple[str, str | None, int]] = [(name, None, 0) for name in BENIGN]
    steps += [(f, f, i) for f in families_or_all(families) for i in range(instances)]
    frames: dict[Kind, list[pl.DataFrame]] = {kind: [] for kind in KINDS}
    for number, (name, family, instance) in enumerate(steps):
        if progress is not None:
            progress(name, number / len(steps))
        for kind, made in _play(world, seed, name, family, instance).items():
            frames[kind].extend(made)
    return {kind: _ordered(kind, made) for kind, made in frames.items()}


def generate(
    out: Path,
    *,
    seed: int,
    hours: float = 1.0,
    hosts: int = 20,
    form: LogFormat = "tsv",
    rotate: bool = False,
    families: Sequence[str] | None = None,
    instances: int = 1,
    scale: float = 1.0,
    start: float = DEFAULT_START,
    progress: Progress | None = None,
) -> SimulationSummary:
    """Write a labelled directory of Zeek logs; see :func:`simulate_frames`.

    Args:
        out: Directory to write; made when absent. Nothing in it is replaced.
        seed: The same seed and arguments give the same bytes.
        hours: Length of the run.
        hosts: Number of hosts of the site.
        form: Zeek's TSV or JSON.
        rotate: Archive by the hour, compressed, as Zeek does.
        families: Attack families to play; None plays all.
        instances: How often each family is played.
        scale: How busy the benign hosts are.
        start: Begin of the run, seconds UTC.
        progress: Told the name of each step and the share done before it.

    Raises:
        InputError: If a family is unknown, or a size is out of its range.
        OutputError: If ``out`` is not empty or cannot be written.
    """
    _check(hours, hosts, families, instances, scale)
    _prepare(out)
    frames = simulate_frames(
        seed=seed, hours=hours, hosts=hosts, families=families, instances=instances, scale=scale,
        start=start, progress=progress,
    )  # fmt: skip
    for number, (kind, frame) in enumerate(frames.items()):
        if progress is not None:
            progress(f"writing {kind}", number / len(frames))
        write_log(out, kind, frame, _written(kind, frame), form=form, rotate=rotate)
    summary = SimulationSummary(
        seed=seed,
        start=start,
        hours=hours,
        records={kind: frame.height for kind, frame in frames.items()},
        families=_count(frames),
    )
    content = orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    try:
        (out / "labels.json").write_bytes(content + b"\n")
    except OSError as error:
        raise OutputError(f"cannot write {out / 'labels.json'}: {error.strerror}") from error
    return summary


def families_or_all(families: Sequence[str] | None) -> Sequence[str]:
    """The families asked for, each once, in the order of the registry."""
    return [f for f in FAMILIES if families is None or f in families]


def _check(
    hours: float, hosts: int, families: Sequence[str] | None, instances: int, scale: float
) -> None:
    unknown = sorted(set(families or ()) - set(FAMILIES))
    if unknown:
        raise InputError(f"unknown family {unknown[0]!r}; known: {', '.join(FAMILIES)}")
    bounds = {"hours": (hours, 0.01, 24 * 366), "hosts": (hosts, 5, 5000)}
    bounds |= {"instances": (instances, 1, 10_000), "scale": (scale, 0.01, 1000)}
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise InputError(f"{name} must be from {low} to {high}, got {value}")


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise OutputError(f"{out} is not empty: name a new directory, or empty it first")
    except OSError as error:
        raise OutputError(f"{out} cannot be used: {error.strerror}") from error


def _generator(seed: int, name: str, instance: int = 0) -> np.random.Generator:
    """Chance of one scenario, which others neither see nor disturb."""
    return np.random.default_rng([seed % 2**63, zlib.crc32(name.encode()), instance])


def _play(
    world: World, seed: int, name: str, family: str | None, instance: int
) -> Mapping[Kind, list[pl.DataFrame]]:
    rng = _generator(seed, name, instance)
    traffic = Traffic(rng, world.network, family)
    scenarios = (BENIGN[name],) if family is None else ATTACKS[family]
    scenarios[int(rng.integers(len(scenarios)))](world, traffic, rng)
    return traffic.frames


def _written(kind: Kind, frame: pl.DataFrame) -> pl.Series:
    """When Zeek writes each record: a connection when it has ended, all else at once."""
    if kind != "conn":
        return frame["ts"]
    # One that nobody answers ends when Zeek's wait for an answer does: 5 s.
    return frame["ts"] + frame["duration"].fill_null(5.0)


def _ordered(kind: Kind, made: list[pl.DataFrame]) -> pl.DataFrame:
    if not made:
        return pl.DataFrame(schema=schema(kind))
    frame = pl.concat(made, rechunk=True)
    order = pl.DataFrame({"written": _written(kind, frame), "uid": frame["uid"]})
    index = order.select(pl.arg_sort_by("written", "uid")).to_series()
    return frame[index]


def _count(frames: Mapping[Kind, pl.DataFrame]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for kind, frame in frames.items():
        assert frame.columns == list(zeek_types(kind))
        for family, number in frame["detailedlabel"].value_counts().iter_rows():
            counts.setdefault(family, Counter())[kind] = number
    return {family: dict(sorted(count.items())) for family, count in sorted(counts.items())}
