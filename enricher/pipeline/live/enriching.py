"""The records themselves, written back as JSON lines with the detector's view added."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from enricher.alerts import BENIGN, UNKNOWN, UNKNOWN_FAMILY
from enricher.alerts.flow import flow_of
from enricher.logs import Block
from enricher.logs.identify import LogFormat, seconds
from enricher.logs.tsv_objects import RowObjects
from enricher.pipeline.live.joining import AlertJoiner, FlowView, event_of, keys_of
from enricher.pipeline.scoring import ScoredBatch
from enricher.sources.following.lines import header_after

_ALERT = b'"event_type":"alert"'
_FLOW = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto")


class Enriching:
    """Writes back every record that was scored, and Suricata's alerts.

    The fields of the record are as they were; what is added stands under ``enricher``. Lines of
    Zeek's TSV become what Zeek's JSON writer would have written.

    Args:
        wait_seconds: Flow time that one of Suricata's alerts waits for the record of its flow.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._joiner = AlertJoiner(wait_seconds)
        self._now = -math.inf

    def take(
        self, block: Block, log_format: LogFormat, header: bytes, scored: Sequence[ScoredBatch]
    ) -> list[bytes]:
        """The lines for one block, in its order.

        Args:
            block: The block, of one log.
            log_format: How it is written.
            header: For TSV the ``#`` lines in force before it.
            scored: Its records that were scored.
        """
        views = dict(_views(scored))
        rows = RowObjects(header)
        found: list[bytes] = []
        for number, line in enumerate(block.data.splitlines(keepends=True), block.first_line):
            if line.startswith(b"#") and log_format == "tsv":
                header = header_after(header, line)
                rows = RowObjects(header)
            elif number in views:
                view, values, ts = views[number]
                found.append(_with_view(line, log_format, rows, view))
                found += self._joiner.see(keys_of(values), view)
                self._now = max(self._now, ts)
            elif log_format == "eve" and _ALERT in line.replace(b" ", b""):
                event = event_of(line)
                ts = seconds(event.get("timestamp")) or self._now
                found += self._joiner.alert(line.strip(), event, ts)
                self._now = max(self._now, ts)
            else:
                continue
            found += self._joiner.due(self._now)
        return found

    def export(self) -> dict[str, Any]:
        """All that :meth:`restore` needs, as plain values for JSON."""
        now = self._now if math.isfinite(self._now) else None
        return {"joiner": self._joiner.export(), "now": now}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from an exported state.

        Raises:
            ValueError, KeyError, TypeError: If it is none.
        """
        self._joiner.restore(state["joiner"])
        self._now = -math.inf if state["now"] is None else float(state["now"])


def _views(
    scored: Sequence[ScoredBatch],
) -> Iterator[tuple[int, tuple[FlowView, dict[str, Any], float]]]:
    """By line: the view, what the flow is known by, the time."""
    for one in scored:
        scores, frame = one.scores, one.batch.frame
        nearest, best = scores.nearest.tolist(), scores.score.tolist()
        p_values = np.nan_to_num(scores.p_value, nan=1.0).tolist()
        names = [
            name
            for name in ("_line", "ts", "community_id", "flow_id", *_FLOW)
            if name in frame.columns
        ]
        for row, verdict, place, score, p_value in zip(
            frame.select(names).iter_rows(named=True),
            one.verdicts.tolist(),
            nearest,
            best,
            p_values,
            strict=True,
        ):
            if row.get("community_id") is None:
                row["community_id"] = flow_of(one.batch.kind, row, 0).community_id
            view = FlowView(
                _verdict(verdict, scores.families), scores.families[place], score, p_value
            )
            yield row["_line"], (view, row, row["ts"] if row["ts"] is not None else -math.inf)


def _verdict(code: int, families: Sequence[str]) -> str:
    return {BENIGN: "benign", UNKNOWN: UNKNOWN_FAMILY}.get(code) or families[code]


def _with_view(line: bytes, log_format: LogFormat, rows: RowObjects, view: FlowView) -> bytes:
    added = orjson.dumps(
        {
            "verdict": view.verdict,
            "nearest_family": view.nearest,
            "score": round(view.score, 6),
            "p_value": float(f"{view.p_value:.6g}"),
        }
    )
    if log_format == "tsv":
        whole = orjson.dumps(rows.of(line))
    else:
        whole = line.strip()
        if not whole.isascii() or b"\0" in whole:
            # What is no UTF-8 must not reach readers of JSON.
            whole = whole.decode("utf-8", "replace").replace("\0", "\ufffd").encode()
    between = b"" if whole == b"{}" else b","
    return whole[:-1] + between + b'"enricher":' + added + b"}"
