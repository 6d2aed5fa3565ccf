"""Suricata's own alerts with what the detector thinks of the same flow."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

MOST_FLOWS = 50_000
"""The views of so many flows are kept, the latest."""
MOST_WAITING = 10_000
"""So many alerts wait for the record of their flow."""
_LONGEST_KEY = 128


@dataclass(frozen=True, slots=True)
class FlowView:
    """What the detector thinks of a flow: of its record that looks most like an attack.

    Attributes:
        verdict: ``benign``, ``unknown`` or the name of a family.
        nearest: The family with the highest score.
        score: That score, in [0, 1].
        p_value: Conformal p-value of the record's novelty.
    """

    verdict: str
    nearest: str
    score: float
    p_value: float

    def metadata(self) -> dict[str, list[str]]:
        """For ``alert.metadata``, where every value is a list of strings."""
        return {
            "enricher_verdict": [self.verdict],
            "enricher_nearest_family": [self.nearest],
            "enricher_score": [f"{self.score:.6f}"],
            "enricher_p_value": [f"{self.p_value:.6g}"],
        }


_NOT_SEEN = {"enricher_verdict": ["not seen"]}


@dataclass(frozen=True, slots=True)
class _Waiting:
    until: float
    line: bytes
    keys: tuple[str, ...]


class AlertJoiner:
    """Joins by Community ID, or by Suricata's flow id.

    An alert comes before the record of its flow, as a rule: it waits, in flow time, and is then
    given out with the view of the flow, or with ``not seen``.

    Args:
        wait_seconds: Flow time that an alert waits.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._wait = wait_seconds
        self._views: OrderedDict[str, FlowView] = OrderedDict()
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._by_key: dict[str, list[int]] = {}
        self._count = 0

    def see(self, keys: Sequence[str], view: FlowView) -> list[bytes]:
        """Take a scored record of a flow; gives the alerts that waited for it."""
        for key in keys:
            known = self._views.pop(key, None)
            # Views are only ever replaced by what looks more like an attack.
            self._views[key] = view if known is None or view.score > known.score else known
        while len(self._views) > MOST_FLOWS:
            self._views.popitem(last=False)
        numbers = sorted({number for key in keys for number in self._by_key.get(key, ())})
        return [joined(self._take(number).line, view.metadata()) for number in numbers]

    def alert(self, line: bytes, event: Mapping[str, Any], ts: float) -> list[bytes]:
        """Take one of Suricata's alerts and its time; gives it where its flow is known."""
        keys = keys_of(event)
        view = next((self._views[key] for key in keys if key in self._views), None)
        if view is not None:
            return [joined(line, view.metadata())]
        self._put(_Waiting(ts + self._wait, line, keys))
        return []

    def due(self, now: float) -> list[bytes]:
        """The alerts that have waited long enough at a flow time, in the order they came."""
        found = []
        while self._waiting:
            number, first = next(iter(self._waiting.items()))
            if first.until > now and len(self._waiting) <= MOST_WAITING:
                break
            found.append(joined(self._take(number).line, _NOT_SEEN))
        return found

    def _put(self, waiting: _Waiting) -> None:
        self._waiting[self._count] = waiting
        for key in waiting.keys:
            self._by_key.setdefault(key, []).append(self._count)
        self._count += 1

    def _take(self, number: int) -> _Waiting:
        found = self._waiting.pop(number)
        for key in found.keys:
            numbers = self._by_key[key]
            numbers.remove(number)
            if not numbers:
                del self._by_key[key]
        return found

    def export(self) -> dict[str, Any]:
        """All that :meth:`restore` needs, as plain values for JSON."""
        return {
            "views": [
                [key, view.verdict, view.nearest, view.score, view.p_value]
                for key, view in self._views.items()
            ],
            "waiting": [
                [one.until, one.line.decode("utf-8", "replace"), list(one.keys)]
                for one in self._waiting.values()
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from an exported state.

        Raises:
            ValueError, KeyError, TypeError: If it is none.
        """
        self._views = OrderedDict(
            (str(key), FlowView(str(verdict), str(nearest), float(score), float(p_value)))
            for key, verdict, nearest, score, p_value in state["views"]
        )
        self._waiting, self._by_key = OrderedDict(), {}
        for until, line, keys in state["waiting"]:
            self._put(_Waiting(float(until), str(line).encode(), tuple(map(str, keys))))


def keys_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What a flow is known by: Community ID, Suricata's flow id."""
    found = []
    if isinstance(community := values.get("community_id"), str):
        found.append(f"c{community[:_LONGEST_KEY]}")
    if isinstance(flow := values.get("flow_id"), int):
        found.append(f"f{flow}")
    return tuple(found)


def event_of(line: bytes) -> dict[str, Any]:
    """A line of EVE; empty where it is no JSON object."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def joined(line: bytes, metadata: Mapping[str, list[str]]) -> bytes:
    """An alert with more metadata; a line that is no alert after all stays as it is."""
    event = event_of(line)
    alert = event.get("alert")
    if not isinstance(alert, dict):
        return line.strip()
    own = alert.get("metadata")
    alert["metadata"] = {**(own if isinstance(own, dict) else {}), **metadata}
    return orjson.dumps(event)
