"""Rules in the real engine: on captures that a user has, and on captures made of log records."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from enricher.errors import EngineError, InputError
from enricher.logs import Kind
from enricher.rulegen.engine.replay import replay
from enricher.rulegen.engine.suricata import Engine
from enricher.rulegen.matching.buffers import Buffers
from enricher.rulegen.matching.evaluate import matched
from enricher.rulegen.matching.reading import Readable, read_rule
from enricher.rulegen.rule.identity import with_identity
from enricher.rulegen.rule.rule import Rule
from enricher.rulegen.traffic.reconstruct import write_capture

Wanted = Literal["attack", "benign"]
MOST_REBUILT, MOST_BENIGN_REBUILT = 2_000, 5_000
_COUNTED = frozenset({"threshold", "detection_filter"})
_NOT_REBUILT_BUFFERS = {"tls.cert_subject", "tls.cert_issuer", "ja3.hash", "ja4.hash"}


@dataclass(slots=True)
class Replayed:
    """What rules did on captures.

    Attributes:
        captures: By rule: of each capture its path, what it should be, packets and hits.
        failed: Captures that could not be replayed: path and why.
    """

    captures: list[list[dict[str, Any]]]
    failed: list[tuple[str, str]] = field(default_factory=list)


def replay_captures(
    engine: Engine, rules: Sequence[str], captures: Sequence[tuple[Path, Wanted]]
) -> Replayed:
    """Replay captures with rules loaded, thresholds and all.

    Args:
        engine: The engine.
        rules: One a place; their own sids do not matter.
        captures: Files, and what is in them.
    """
    numbered = [with_identity(text, place + 1, 1) for place, text in enumerate(rules)]
    result = Replayed([[] for _ in rules])
    for path, wanted in captures:
        try:
            done = replay(engine, numbered, [path], midstream=True)
        except (EngineError, InputError) as error:
            result.failed.append((str(path), str(error)))
            continue
        hits = Counter(hit.sid for hit in done.hits)
        for place in range(len(rules)):
            result.captures[place].append(
                {
                    "path": str(path), "wanted": wanted, "packets": done.packets,
                    "hits": hits[place + 1],
                }
            )  # fmt: skip
    return result


def without_counting(text: str) -> str:
    """The rule without its threshold: every match is an alert.

    Raises:
        ValueError: If the text is no rule.
    """
    rule = Rule.parse(text)
    kept = tuple(option for option in rule.options if option.name not in _COUNTED)
    return str(Rule(rule.header, kept))


def rebuild_and_replay(
    engine: Engine,
    rules: Sequence[str],
    family: Mapping[Kind, pl.DataFrame],
    benign: Mapping[Kind, pl.DataFrame],
) -> list[dict[str, Any] | None]:
    """Make captures of log records and let the engine say which records the rules match.

    Thresholds are left out, so that each record is asked about. What the engine says is compared
    with what the backtest says, record by record.

    Args:
        engine: The engine.
        rules: One a place.
        family: Some records of the family.
        benign: Some benign records.

    Returns:
        Of each rule the figures; None where its records can not be rebuilt.
    """
    readable = [read_rule(Rule.parse(text)) for text in rules]
    numbered = [with_identity(without_counting(t), n + 1, 1) for n, t in enumerate(rules)]
    figures: list[dict[str, Any] | None] = [
        None if _lacking(one) else {"left_out": {}} for one in readable
    ]
    with tempfile.TemporaryDirectory(prefix="enricher-rebuilt-") as name:
        for side, frames in (("", _thinned(family, MOST_REBUILT)),
                             ("benign_", _thinned(benign, MOST_BENIGN_REBUILT))):  # fmt: skip
            _side(engine, numbered, readable, frames, Path(name) / "rebuilt.pcap", side, figures)
    for one in figures:
        if one is not None:
            asked = one.pop("asked", 0)
            one["agreement"] = one.pop("agreed", 0) / asked if asked else None
    return figures


def _side(
    engine: Engine,
    numbered: Sequence[str],
    readable: Sequence[Readable],
    frames: Mapping[Kind, pl.DataFrame],
    path: Path,
    side: str,
    figures: Sequence[dict[str, Any] | None],
) -> None:
    """Rebuild and replay one side, and add to the figures."""
    rebuilt = write_capture(frames, path)
    hits = replay(engine, numbered, [path], midstream=True).hits if rebuilt.packets else ()
    fired: dict[int, set[int]] = {}
    for hit in hits:
        row = rebuilt.row_of(hit)
        if row is not None and row[0] == readable[hit.sid - 1].kind:
            fired.setdefault(hit.sid - 1, set()).add(row[1])
    out = {kind: {row for k, row, _ in rebuilt.left_out if k == kind} for kind in frames}
    for place, (rule, own) in enumerate(zip(readable, figures, strict=True)):
        if own is None or rule.kind not in frames:
            continue
        frame = frames[rule.kind]
        sent = np.ones(len(frame), dtype=bool)
        sent[list(out[rule.kind])] = False
        expected = (matched(rule, Buffers(rule.kind, frame)) > 0) & sent
        engine_says = np.zeros(len(frame), dtype=bool)
        engine_says[list(fired.get(place, ()))] = True
        own[f"{side}records"] = int(sent.sum())
        own[f"{side}expected"] = int(expected.sum())
        own[f"{side}fired"] = int(engine_says.sum())
        own["asked"] = own.get("asked", 0) + int(sent.sum())
        own["agreed"] = own.get("agreed", 0) + int((expected == engine_says)[sent].sum())
        reasons = Counter(why for k, _, why in rebuilt.left_out if k == rule.kind)
        own["left_out"] = dict(Counter(own["left_out"]) + reasons)


def _lacking(rule: Readable) -> bool:
    """Whether it asks for something that a rebuilt capture does not have."""
    return bool(rule.unread) or any(one.name in _NOT_REBUILT_BUFFERS for one in rule.buffers)


def _thinned(frames: Mapping[Kind, pl.DataFrame], most: int) -> dict[Kind, pl.DataFrame]:
    """So many records of a kind at most, evenly, in order of time."""
    found: dict[Kind, pl.DataFrame] = {}
    for kind, frame in frames.items():
        rows = np.unique(np.linspace(0, len(frame) - 1, min(most, len(frame))).astype(np.int64))
        found[kind] = frame[rows] if len(frame) else frame
    return found
