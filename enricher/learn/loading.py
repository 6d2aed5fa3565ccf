"""From the manifest to data sets: read, label, compute features, keep them for the next time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from enricher.errors import InputError
from enricher.features import ContextTracker, NameModel, extract
from enricher.learn.benign_names import digest, fit_names, names_of
from enricher.learn.cache import Cache
from enricher.learn.dataset import (
    MADE_UP,
    NOT_BELIEVED,
    NOT_LABELLED,
    SIMULATED_CAPTURE,
    Dataset,
    LabelledLog,
    build,
)
from enricher.learn.labels import LabelSpace, label_space
from enricher.learn.manifest import BENIGN, LogSource, Manifest, capture_name
from enricher.learn.prior import sample_logs
from enricher.learn.recipe import Recipe
from enricher.learn.wrapping import WrappedLog, wrap_names, wrap_payloads
from enricher.logs import KINDS, Kind, LogBatch, Rejected, concatenate
from enricher.logs.reader import open_reader
from enricher.simulate import FAMILIES as SIMULATED
from enricher.simulate import generate
from enricher.sources import blocks, discover

UNSET = "-"

_TEXT_ONLY = {"cross-site-scripting", "dga", "path-traversal", "sql-injection"}
_IN_NAMES = {"dga", "dns-tunnel"}

Told = Callable[[str, int, int], None]
Change = Callable[[LogBatch, pl.Series], LogBatch]
"""Gives the records of a log with other values, in the same order; told the label of each."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a training or an evaluation works on.

    Attributes:
        datasets: Records of each kind.
        space: What their labels mean.
        names: How usual letters are in benign names; a feature of names.
    """

    datasets: dict[Kind, Dataset]
    space: LabelSpace
    names: NameModel | None


def load(
    manifest: Manifest,
    recipe: Recipe,
    groups: dict[str, tuple[str, ...]],
    *,
    cache: Path | None = None,
    progress: Told = lambda *_: None,
) -> Loaded:
    """Every labelled log of the manifest, and what the recipe adds, as one data set per kind.

    Args:
        manifest: Which logs there are.
        recipe: What is added to them.
        groups: Families that count as one.
        cache: Directory that keeps the features of each log for the next time.
        progress: Told of every log.

    Raises:
        InputError: If a log can not be read or lacks a column that the manifest names.
    """
    store = None if cache is None else Cache(cache)
    progress("reading benign names", 0, len(manifest.logs))
    names = benign_names(manifest)
    read = partial(read_source, names=names)
    key = digest(names)
    logs: list[LabelledLog] = []
    for number, listed in enumerate(manifest.logs):
        progress(f"reading {listed.path.name}", number, len(manifest.logs))
        source = replace(listed, doubtful=recipe.data.doubted(listed.capture))
        logs += read(source) if store is None else store.get(source, read, key)
    logs += [_of_batch(log, names) for log in _wrapped(manifest, recipe)]
    for seed in recipe.data.simulate:
        progress(f"simulating a site (seed {seed})", len(manifest.logs), len(manifest.logs))
        logs += simulated(seed, recipe.data.simulate_hours, names)
    for seed in recipe.data.prior:
        progress(f"making up families (seed {seed})", len(manifest.logs), len(manifest.logs))
        logs += made_up(seed, recipe.data.prior_families, names)
    progress("reading", len(manifest.logs), len(manifest.logs))
    families = {str(name) for log in logs for name in np.unique(log.families)}
    space = label_space(families - {BENIGN, MADE_UP, NOT_BELIEVED, NOT_LABELLED}, groups)
    by_kind = {kind: [log for log in logs if log.features.kind == kind] for kind in KINDS}
    datasets = {kind: build(own, space) for kind, own in by_kind.items() if own}
    return Loaded(datasets, space, names)


def benign_names(manifest: Manifest) -> NameModel | None:
    """The model of names from the benign DNS logs of a manifest; None where it has none."""
    logs = [log for log in manifest.logs if log.kind == "dns"]
    return fit_names(names_of(log, read_log(log)) for log in logs)


def _wrapped(manifest: Manifest, recipe: Recipe) -> Iterable[WrappedLog]:
    if recipe.data.lists:
        if "dga" in manifest.lists:
            yield from wrap_names(manifest.lists["dga"], recipe.seed)
        if "http-parameters" in manifest.lists:
            yield from wrap_payloads(manifest.lists["http-parameters"], recipe.seed)


def attacked_logs(
    manifest: Manifest, recipe: Recipe, names: NameModel | None, change: Change | None = None
) -> Iterable[LabelledLog]:
    """The logs that hold attacks, with a change applied before their features are made.

    Args:
        manifest: Which logs there are; the others are left out.
        recipe: What is added to them.
        names: How usual letters are in benign names.
        change: What is done to the records; None leaves them as they are.

    Raises:
        InputError: If a log can not be read or lacks a column that the manifest names.
    """
    for source in manifest.logs:
        if source.families:
            doubtful = recipe.data.doubted(source.capture)
            yield from read_source(replace(source, doubtful=doubtful), names, change)
    for log in _wrapped(manifest, recipe):
        yield _of_batch(log, names, change)
    for seed in recipe.data.simulate:
        yield from simulated(seed, recipe.data.simulate_hours, names, change)


def _of_batch(
    log: WrappedLog, names: NameModel | None, change: Change | None = None
) -> LabelledLog:
    families = pl.Series(log.families, dtype=pl.String)
    batch = log.batch if change is None else change(log.batch, families)
    labelled = _labelled(log.capture, batch, families, names, weak=False)
    finer = np.array(log.varieties, dtype=np.str_) if log.varieties else None
    return replace(labelled, varieties=finer)


def simulated(
    seed: int, hours: float, names: NameModel | None = None, change: Change | None = None
) -> list[LabelledLog]:
    """One simulated site with every family, one log per kind."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "logs"
        generate(out, seed=seed, hours=hours, hosts=25, instances=2)
        return [
            part
            for kind in KINDS
            if (out / f"{kind}.log").is_file()
            for part in read_source(
                LogSource(
                    capture=f"{SIMULATED_CAPTURE}{seed}",
                    path=out / f"{kind}.log",
                    kind=kind,
                    label_column="detailedlabel",
                    labels=_simulated_labels(kind),
                ),
                names,
                change,
            )
        ]


def made_up(seed: int, families: int, names: NameModel | None = None) -> list[LabelledLog]:
    """One site of made-up families and ordinary traffic, one log per kind."""
    logs = []
    for log in sample_logs(seed, families=families):
        varieties = np.array(log.families, dtype=np.str_)
        kinds = pl.Series(np.where(varieties == BENIGN, BENIGN, MADE_UP), dtype=pl.String)
        made = _labelled(log.capture, log.batch, kinds, names, weak=False)
        logs.append(replace(made, varieties=varieties))
    return logs


def _simulated_labels(kind: Kind) -> dict[str, str]:
    """Families that can be told from ordinary traffic in records of a kind.

    What shows in a name or a payload only (a generated name looked up, an injected statement) has
    connections like any other: there it is unlabelled.
    """
    hidden = {"conn": _TEXT_ONLY, "dns": set(SIMULATED) - _IN_NAMES}.get(kind, set())
    return {BENIGN: BENIGN, **{family: family for family in SIMULATED if family not in hidden}}


def read_source(
    source: LogSource, names: NameModel | None = None, change: Change | None = None
) -> list[LabelledLog]:
    """One log with labels and features; several where a column tells captures apart.

    The context of each capture runs over all of its records, the unlabelled ones too. A change is
    made after labelling and before features and context.

    Raises:
        InputError: If the file can not be read or lacks a column that the manifest names.
    """
    batch = read_log(source)
    for name in source.keep:
        if batch.frame[name].null_count() == len(batch):
            raise InputError(f"has no values in column {name!r} of the manifest", source.path)
    families = _families(source, batch.frame)
    if change is not None:
        batch = change(batch, families)
    if source.capture_column is None:
        return [_labelled(source.capture, batch, families, names, weak=source.weak)]
    values = batch.frame[source.capture_column]
    return [
        _labelled(
            capture_name(source.capture, value),
            LogBatch(batch.kind, batch.frame.filter(values == value)),
            families.filter(values == value),
            names,
            weak=source.weak,
        )
        for value in sorted(values.drop_nulls().unique().to_list())
    ]


def read_log(source: LogSource) -> LogBatch:
    """All records of the source's kind.

    Raises:
        InputError: If the file is no log, or a line of it is no record: labelled data is whole.
    """
    found = discover([source.path]).files
    if not found:
        raise InputError("is no Zeek or Suricata log; correct the manifest", source.path)
    file = found[0]
    reader = open_reader(file.identity.format, str(file.path), source.kind, keep=source.keep)
    batches: list[LogBatch] = []
    for block in blocks(file):
        if isinstance(block, Rejected):
            raise InputError(block.detail, source.path, block.line)
        result = reader.read(block)
        for bad in result.rejected:
            raise InputError(bad.detail, source.path, bad.line)
        batches += [batch for batch in result.batches if batch.kind == source.kind]
    if not batches:
        raise InputError(f"holds no {source.kind} records; correct the manifest", source.path)
    return concatenate(batches)


def _families(source: LogSource, frame: pl.DataFrame) -> pl.Series:
    """Name of each record's label, ``""`` where it has none."""
    if source.family is not None:
        named = pl.repeat(source.family, pl.len(), dtype=pl.String)
    else:
        assert source.label_column is not None
        # An unset field is null to the reader; the manifest calls it '-', as Zeek writes it.
        named = (
            pl.col(source.label_column)
            .fill_null(UNSET)
            .replace_strict(source.labels, default=NOT_LABELLED, return_dtype=pl.String)
        )
    for column, value in source.where.items():
        named = pl.when(pl.col(column).cast(pl.String) == value).then(named)
    named = named.fill_null(NOT_LABELLED)
    for rule in source.doubtful:
        fits = [pl.col(column).cast(pl.String) == value for column, value in rule.items()]
        doubted = (named == BENIGN) & pl.all_horizontal(fits).fill_null(value=False)
        named = pl.when(doubted).then(pl.lit(NOT_BELIEVED)).otherwise(named)
    return frame.select(named.alias("family")).to_series()


def _labelled(
    capture: str, batch: LogBatch, families: pl.Series, names: NameModel | None, *, weak: bool
) -> LabelledLog:
    sources = batch.frame["id.orig_h"].fill_null("").rank("dense").cast(pl.Int64)
    return LabelledLog(
        capture=capture,
        weak=weak,
        features=extract(batch, ContextTracker(batch.kind), names),
        families=families.to_numpy().astype(np.str_),
        times=batch.frame["ts"].fill_null(0.0).to_numpy().astype(np.float64),
        sources=sources.to_numpy().astype(np.int64),
    )
