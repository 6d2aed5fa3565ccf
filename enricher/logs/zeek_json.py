"""Reader of Zeek's JSON logs: plain (``LogAscii::use_json``) and json-streaming-logs'."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from enricher.logs.batch import Block, ReadResult
from enricher.logs.finish import Outcome, unescape_columns
from enricher.logs.kinds import KINDS, SCHEMAS, Kind, Schema
from enricher.logs.lines import Lines, Positions, clean, is_clean, whole_lines
from enricher.logs.ndjson import Parsed, attempt, parse
from enricher.logs.paths import PassedCounter, candidates, extra_columns, kind_of_path
from enricher.logs.times import any_seconds, epoch_seconds

_PATH: Schema = {"_path": pl.String()}
_SCOPED = frozenset({"id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"})


class ZeekJsonReader:
    """Turns the blocks of one JSON log, in order, into batches.

    Zeek's plain JSON does not say of which log it is, so the kind has to be told; with
    json-streaming-logs each record says it (``_path``), and that decides.

    Kept after a repair, and counted in :attr:`ReadResult.repaired`: ``invalid_utf8``,
    ``nul_byte``, ``control_character`` and ``clamped_integer`` (beyond its column's type).
    Rejected: ``bad_json``, ``bad_time``, ``bad_type``, ``bad_number`` (a port out of its range),
    ``no_path`` (nobody says which kind it is), ``unfinished_line``. Records of logs that are not
    read are passed as ``path:…``.

    Args:
        name: The file's path, for messages.
        default_kind: The kind of records without ``_path``.
        keep: Further keys to keep, as strings.
    """

    def __init__(self, name: str, default_kind: Kind | None, keep: Sequence[str] = ()) -> None:
        self.name = name
        self._default = default_kind
        self._keep = tuple(keep)
        self._passed = PassedCounter("path")

    def read(self, block: Block) -> ReadResult:
        """Parse one block; see :class:`enricher.logs.ReadResult`."""
        data, unfinished = whole_lines(block)
        outcome = Outcome(block, data, unfinished)
        if not data:
            return outcome.result()
        if not is_clean(data):
            data = clean(data, outcome.repairs)
        passed: list[tuple[str | None, int]] = []
        if not self._same_path(data, outcome):
            passed = self._by_path(data, outcome)
        result = outcome.result()
        result.passed = self._passed.count(passed)
        return result

    def _same_path(self, data: bytes, outcome: Outcome) -> bool:
        """Read good records that are all of one log, in one go; False if they are not."""
        first = attempt(data[: data.index(b"\n") + 1], _PATH)
        if first is None or not first.frame.height:
            return False
        kind = kind_of_path(first.frame.item(0, "_path"), self._default)
        if kind is None:
            return False
        found = self._attempt(kind, data)
        if found is None:
            return False
        paths = found.frame["_path"].unique()
        if any(kind_of_path(path, self._default) != kind for path in paths):
            return False
        self._add(kind, found, found.index, outcome)
        return True

    def _by_path(self, data: bytes, outcome: Outcome) -> list[tuple[str | None, int]]:
        """Sort records out by the log they say they are of."""
        paths = parse(data, _PATH, outcome.repairs)
        for index, reason, detail in paths.bad:
            outcome.reject(index, reason, detail)
        lines = Lines.of(data)
        counted = paths.frame["_path"].value_counts(sort=False)
        order = paths.frame["_path"].unique(maintain_order=True).to_list()
        numbers = dict(counted.iter_rows())
        kinds = {path: kind_of_path(path, self._default) for path in order}
        for kind in KINDS:
            mine = [path for path in order if kinds[path] == kind]
            if mine:
                index = paths.index[paths.frame["_path"].is_in(mine, nulls_equal=True).to_numpy()]
                self._of_kind(kind, lines, index, outcome)
        if kinds.get(None, "") is None:
            self._no_path(paths.index[paths.frame["_path"].is_null().to_numpy()], outcome)
        return [(path, numbers[path]) for path in order if path is not None and kinds[path] is None]

    def _of_kind(self, kind: Kind, lines: Lines, index: Positions, outcome: Outcome) -> None:
        mask = np.zeros(len(lines), dtype=bool)
        mask[index] = True
        data = lines.take(mask)
        found = self._attempt(kind, data)
        if found is None:
            schema = self._schema(kind, variants=True)
            found = parse(data, schema, outcome.repairs, index)
        self._add(kind, found, index[found.index], outcome)
        for line, reason, detail in found.bad:
            outcome.reject(int(index[line]), reason, detail)

    def _no_path(self, index: Positions, outcome: Outcome) -> None:
        for line in index.tolist():
            detail = "neither the record (_path) nor the file's name says which log it is of"
            outcome.reject(line, "no_path", detail)

    def _attempt(self, kind: Kind, data: bytes) -> Parsed | None:
        """Read records of one kind if all are good.

        Times as numbers are tried if the first is one, and names with ``_`` for ``.`` are read
        only where names with ``.`` leave a gap: both for speed, neither changes the result.
        """
        schema = self._schema(kind, variants=False)
        text = _first_time(data).startswith(b'"')
        found = None if text else attempt(data, {**schema, "ts": pl.Float64()})
        if found is None:
            found = attempt(data, schema)
        if found is not None and any(found.frame[name].null_count() for name in _SCOPED):
            found = attempt(data, self._schema(kind, variants=True))
        return found

    def _schema(self, kind: Kind, *, variants: bool) -> Schema:
        schema = dict(_PATH)
        for name, dtype in self._wanted(kind).items():
            names = candidates(name)
            few = variants or name not in _SCOPED
            schema |= dict.fromkeys(names if few else names[:1], dtype)
        schema["ts"] = pl.String()
        return schema

    def _wanted(self, kind: Kind) -> Schema:
        extra = extra_columns(kind, self._keep)
        return {**SCHEMAS[kind], **dict.fromkeys(extra, pl.String())}

    def _add(self, kind: Kind, found: Parsed, lines: Positions, outcome: Outcome) -> None:
        raw, shown = found.frame, found.frame["ts"]
        times = epoch_seconds(shown) if shown.dtype == pl.Float64 else any_seconds(shown)
        columns = []
        for name, dtype in self._wanted(kind).items():
            keys = [key for key in candidates(name) if key in raw.columns]
            value = pl.coalesce(keys) if keys else pl.lit(None, dtype=dtype)
            columns.append(value.alias(name))
        frame = raw.with_columns(times.alias("ts")).select(columns)
        if b"\\" in outcome.data:
            frame = unescape_columns(frame)
        outcome.add(kind, frame, lines, shown)


def _first_time(data: bytes) -> bytes:
    at = data.find(b'"ts":') + len(b'"ts":')
    return data[at : at + 8].lstrip()
