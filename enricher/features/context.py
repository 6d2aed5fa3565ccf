"""What was seen before a record: counters by source, by pair and by destination.

Features of a record come from the records before it in the log and from itself, so they do not
depend on how the log is cut into batches. Memory is bounded by tables of fixed size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from enricher.features.columns import Columns
from enricher.features.context_kernel import BITS, OUTPUTS, WAYS, follow_records
from enricher.features.context_keys import Observed, observe
from enricher.features.context_spec import CONTEXT_FEATURES, TRACKS, Track
from enricher.features.tensors import FloatArray
from enricher.logs import Kind, LogBatch

# Bits of the distinct counters: 512 tell apart up to about 3,000, 128 up to about 600.
_WIDE: Final = 512
_NARROW: Final = 128
# So many records go through all three tables before the next: their rows stay in the cache.
_ROWS: Final = 2048
# Rows of a table begin on cache lines.
_LINE_WORDS: Final = 8


class _Table:
    """One table of slots and the columns that it writes."""

    def __init__(self, track: Track, slots: int, bits: int, first_column: int) -> None:
        if slots < WAYS or slots & (slots - 1):
            raise ValueError(f"a table's size is a power of two from {WAYS} on, not {slots}")
        width = BITS + 2 * bits // 64
        width += -width % _LINE_WORDS
        self.slots = np.zeros((slots // WAYS, 2, WAYS), np.uint64)
        self.words = np.zeros((slots, width), np.uint64)
        self.estimate = _linear_counting(bits)
        self.columns = np.full(len(OUTPUTS), -1, np.int64)
        for place, output in enumerate(track.outputs):
            self.columns[OUTPUTS.index(output)] = first_column + place


def _linear_counting(bits: int) -> npt.NDArray[np.float64]:
    """float64 [2, bits + 1], distinct items for a number of bits that are set; ln(1 + them)."""
    clear = bits - np.arange(bits + 1, dtype=np.float64)
    clear[-1] = 0.5  # all are set: the estimate is bounded
    estimate: npt.NDArray[np.float64] = -bits * np.log(clear / bits)
    estimate[0] = 0.0
    return np.stack([estimate, np.log1p(estimate)])


class ContextTracker:
    """The context of one kind, carried through the log from batch to batch.

    Args:
        kind: The kind of the records.
        sources: Slots for sources; a power of two. A full table gives up, of the eight slots
            where a new key may stand, the one that was used longest ago.
        pairs: Slots for pairs of a source and what it talks to.
        destinations: Slots for destinations.
    """

    def __init__(
        self, kind: Kind, sources: int = 65536, pairs: int = 262144, destinations: int = 65536
    ) -> None:
        self.kind = kind
        self._sequence = 1
        self._tables: dict[str, _Table] = {}
        first = 0
        sizes = ((sources, _WIDE), (pairs, _NARROW), (destinations, _WIDE))
        for track, (slots, bits) in zip(TRACKS[kind], sizes, strict=True):
            self._tables[track.name] = _Table(track, slots, bits, first)
            first += len(track.outputs)

    @property
    def width(self) -> int:
        """K, the number of context features."""
        return len(CONTEXT_FEATURES[self.kind])

    def update(self, batch: LogBatch) -> FloatArray:
        """Take in the next records of the log.

        Returns:
            float32 [N, K], the features of :data:`CONTEXT_FEATURES` in their order.

        Raises:
            ValueError: If the batch is of another kind.
        """
        if batch.kind != self.kind:
            raise ValueError(f"a context of {self.kind} was given records of {batch.kind}")
        out = np.empty((len(batch), self.width), np.float32)
        self.follow(Columns(batch.frame), out, 0)
        return out

    def follow(self, columns: Columns, out: FloatArray, first_column: int) -> None:
        """As :meth:`update`, into the columns of ``out`` from ``first_column`` on."""
        seen: Observed = observe(self.kind, columns)
        for start in range(0, len(columns), _ROWS):
            rows = slice(start, start + _ROWS)
            for number, table in enumerate(self._tables.values()):
                follow_records(
                    table.slots,
                    table.words,
                    table.words.view(np.float64),
                    table.estimate,
                    seen.keys[number][rows],
                    seen.items[number][rows],
                    seen.start[rows],
                    seen.end[rows],
                    seen.size[rows],
                    seen.outcome[rows],
                    seen.counted[rows],
                    self._sequence + start,
                    table.columns,
                    out[rows],
                    first_column,
                )
        self._sequence += len(columns)

    def state_bytes(self) -> int:
        """Most memory that the tables can take, in bytes; it does not grow."""
        return sum(table.slots.nbytes + table.words.nbytes for table in self._tables.values())

    def export(self) -> dict[str, npt.NDArray[Any]]:
        """All that :meth:`restore` needs, as arrays by name: the slots in use, and the count."""
        arrays: dict[str, npt.NDArray[Any]] = {"sequence": np.array([self._sequence], np.int64)}
        for name, table in self._tables.items():
            rows = np.flatnonzero(table.slots[:, 1, :]).astype(np.int64)
            arrays[f"{name}.slots"] = table.slots.copy()
            arrays[f"{name}.rows"] = rows
            arrays[f"{name}.words"] = table.words[rows]
        return arrays

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from where another tracker's :meth:`export` was made.

        Raises:
            ValueError: If the arrays are not those of a tracker of this kind and these sizes.
        """
        for name, table in self._tables.items():
            _check(arrays, name, table)
        for name, table in self._tables.items():
            table.slots[:] = arrays[f"{name}.slots"]
            table.words[:] = 0
            table.words[arrays[f"{name}.rows"]] = arrays[f"{name}.words"]
        self._sequence = int(arrays["sequence"][0])


def _check(arrays: Mapping[str, npt.NDArray[Any]], name: str, table: _Table) -> None:
    wanted = {"sequence", f"{name}.slots", f"{name}.rows", f"{name}.words"}
    if missing := sorted(wanted - set(arrays)):
        raise ValueError(f"the saved context lacks {', '.join(missing)}")
    width = table.words.shape[1]
    rows, words = arrays[f"{name}.rows"], arrays[f"{name}.words"]
    fits = (
        arrays[f"{name}.slots"].shape == table.slots.shape
        and arrays[f"{name}.slots"].dtype == np.uint64
        and words.dtype == np.uint64
        and words.shape == (rows.shape[0], width)
        and np.array_equal(rows, np.flatnonzero(arrays[f"{name}.slots"][:, 1, :]))
        and arrays["sequence"].shape == (1,)
    )
    if not fits:
        raise ValueError(f"the saved context of {name!r} is of another size or version")
