"""The benign bank: a bounded, even sample of a site's benign records, to adapt against."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.detector.adaptation.points import Points
from enricher.errors import StateError
from enricher.families.tensor_file import decode, encode
from enricher.families.whole_files import read_bounded, write_whole
from enricher.logs import KINDS, Kind

CAPACITY = 10_000
"""Benign records of a kind."""
FOLDER = "calibration"
_FORMAT = 1
_MARGIN = 1.25  # more are kept until it is known whose records are left out
_MAX_BYTES = 128 * 1024 * 1024
_REMEMBERED = 262_144
_SECONDS_AN_HOUR = 3600
_REMEDY = "run 'enricher calibrate' again, or name benign logs with --benign"

_FIRST, _LATER, _RATIO = 15, 15, 1.6
SESSION_PLACES = np.array(
    [*range(_FIRST), *(round(_FIRST * _RATIO**step) for step in range(_LATER))], dtype=np.int64
)
"""Of the records of a source in an hour these come before all others: the first fifteen, then
fewer and fewer. Where there are plenty, a burst counts as thirty records and not as thousands."""

Rows = npt.NDArray[np.int64]


class BankSampler:
    """Samples the records of one kind as they come: the same records give the same bank.

    Every record draws a number; those with the lowest numbers are kept (reservoir sampling by
    random keys: Vitter 1985, Efraimidis and Spirakis 2006).

    Args:
        kind: Their kind.
        seed: Of the numbers.
        capacity: How many are kept in the end.
    """

    def __init__(self, kind: Kind, seed: int = 0, capacity: int = CAPACITY) -> None:
        self.kind = kind
        self._capacity = capacity
        self._room = round(capacity * _MARGIN)
        self._random = np.random.default_rng([seed, KINDS.index(kind)])
        self._seen: dict[tuple[str, int], int] = {}
        self._parts: list[_Part] = []
        self._bound = np.inf
        self._keys: npt.NDArray[np.float64] = np.zeros(0)
        self._sources: npt.NDArray[np.object_] = np.zeros(0, dtype=object)

    def choose(self, frame: pl.DataFrame) -> Rows:
        """Which of the next records of the log to :meth:`add`, int64 [R].

        Args:
            frame: With the columns ``ts`` and ``id.orig_h``.
        """
        keys = self._random.random(len(frame))
        # What a session has beyond its share is taken where there is not enough of anything else.
        keys += ~np.isin(self._places(frame), SESSION_PLACES)
        chosen = np.flatnonzero(keys < self._bound)
        self._keys = keys[chosen]
        self._sources = frame["id.orig_h"].fill_null("").gather(chosen).to_numpy()
        return chosen

    def add(self, points: Points) -> None:
        """Take the records that :meth:`choose` chose."""
        if not len(points):
            return
        self._parts.append(_Part(points, self._keys, self._sources))
        if sum(len(part.keys) for part in self._parts) >= 2 * self._room:
            self._parts = [_joined(self._parts).lowest(self._room)]
            self._bound = float(self._parts[0].keys.max())

    def points(self, left_out: tuple[str, ...] = ()) -> Points | None:
        """The bank, in the order of the log; None where nothing came.

        Args:
            left_out: Sources whose records are left out.
        """
        if not self._parts:
            return None
        whole = _joined(self._parts)
        whole = whole.rows(np.flatnonzero(~np.isin(whole.sources, left_out)))
        return whole.lowest(self._capacity).points if len(whole.keys) else None

    def _places(self, frame: pl.DataFrame) -> Rows:
        """How many records of the same source and hour came before each, int64 [N]."""
        hour = (pl.col("ts").fill_null(0.0).fill_nan(0.0) // _SECONDS_AN_HOUR).alias("hour")
        sessions = frame.select(pl.col("id.orig_h").fill_null("").alias("source"), hour)
        sessions = sessions.with_columns(
            pl.int_range(pl.len()).over("source", "hour").alias("place")
        )
        counts = sessions.group_by("source", "hour", maintain_order=True).len()
        keys = list(zip(counts["source"].to_list(), counts["hour"].to_list(), strict=True))
        before = pl.Series("before", [self._seen.get(key, 0) for key in keys], dtype=pl.Int64)
        joined = sessions.join(
            counts.with_columns(before), on=["source", "hour"], how="left", maintain_order="left"
        )
        if len(self._seen) + len(keys) > _REMEMBERED:
            self._seen = {}
        self._seen.update(
            (key, first + count)
            for key, first, count in zip(keys, before.to_list(), counts["len"], strict=True)
        )
        return (joined["place"].cast(pl.Int64) + joined["before"]).to_numpy()


@dataclass(frozen=True, slots=True)
class _Part:
    points: Points
    keys: npt.NDArray[np.float64]
    sources: npt.NDArray[np.object_]

    def rows(self, index: Rows) -> _Part:
        return _Part(self.points.rows(index), self.keys[index], self.sources[index])

    def lowest(self, count: int) -> _Part:
        if len(self.keys) <= count:
            return self
        return self.rows(np.sort(np.argpartition(self.keys, count)[:count]))


def _joined(parts: list[_Part]) -> _Part:
    several = [part.points for part in parts]
    return _Part(
        Points(
            several[0].kind,
            np.concatenate([points.table for points in several]),
            np.concatenate([points.embedding for points in several]),
            np.concatenate([points.attack for points in several]),
        ),
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.sources for part in parts]),
    )


@dataclass(slots=True)
class BankSamplers:
    """One sampler for each kind that comes."""

    samplers: dict[Kind, BankSampler] = field(default_factory=dict)

    def of(self, kind: Kind) -> BankSampler:
        """The sampler of a kind."""
        return self.samplers.setdefault(kind, BankSampler(kind))


def save_bank(state: Path, points: Points, bundle: str) -> None:
    """Keep a bank in the state directory, whole or not at all.

    No text is kept, and no address: numbers, categories and embeddings.

    Args:
        state: The state directory.
        points: The benign records.
        bundle: SHA-256 of the weights that made the embeddings.

    Raises:
        StateError: If it can not be written.
    """
    path = _path(state, points.kind)
    arrays = {"table": points.table, "embedding": points.embedding, "attack": points.attack}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, encode(arrays, {"format": _FORMAT, "bundle": bundle}))
    except OSError as error:
        raise StateError(
            f"{path}: cannot be written ({error.strerror}); "
            "check the state directory's permissions and its disk"
        ) from error


def load_bank(state: Path, kind: Kind, bundle: str, widths: tuple[int, int]) -> Points | None:
    """The bank of a kind; None where the site has none.

    Args:
        state: The state directory.
        kind: The kind.
        bundle: SHA-256 of the weights that must have made it.
        widths: Columns of the table and size of the embedding, D + C and E.

    Raises:
        StateError: If it is damaged, or made with another bundle.
    """
    path = _path(state, kind)
    if not path.is_file():
        return None
    try:
        arrays, words = decode(read_bounded(path, _MAX_BYTES))
        points = _points(kind, arrays, widths)
        made_with = words["bundle"]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path}: is damaged ({error}); {_REMEDY}") from error
    if words.get("format") != _FORMAT or made_with != bundle:
        raise StateError(f"{path}: was made with another model or version; {_REMEDY}")
    return points


def _points(kind: Kind, arrays: dict[str, npt.NDArray[Any]], widths: tuple[int, int]) -> Points:
    table, embedding, attack = (arrays[name] for name in ("table", "embedding", "attack"))
    count, shapes = len(table), (table.shape, embedding.shape, attack.shape)
    fits = shapes == ((count, widths[0]), (count, widths[1]), (count, 2)) and count > 0
    if not fits or any(array.dtype != np.float32 for array in (table, embedding, attack)):
        raise ValueError("its arrays are of another shape")
    if np.isinf(table).any() or not (np.isfinite(embedding).all() and np.isfinite(attack).all()):
        raise ValueError("a number is not finite")
    return Points(kind, table, embedding, attack)


def _path(state: Path, kind: Kind) -> Path:
    return state / FOLDER / f"bank-{kind}.safetensors"
