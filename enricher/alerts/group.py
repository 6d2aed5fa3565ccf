"""What is kept of the records of one source, family and window."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

from enricher.alerts.alert import Alert, Detection, State
from enricher.alerts.partials import MAX_DESTINATIONS, Key, Rank
from enricher.logs import KINDS


@dataclass(slots=True)
class Group:
    """What is kept of an open group.

    ``destinations`` is None once there are too many; ``strongest`` is None where the group has no
    chance of being shown.
    """

    rank: Rank
    strongest: Detection | None
    evidence: object
    first_ts: float = math.inf
    last_ts: float = -math.inf
    count: int = 0
    kinds: list[int] = field(default_factory=lambda: [0] * len(KINDS))
    lowest_p: list[float] = field(default_factory=lambda: [1.0] * len(KINDS))
    destinations: set[int] | None = field(default_factory=set)

    def take(
        self,
        kind: int,
        count: int,
        lowest_p: float,
        first_ts: float,
        last_ts: float,
        destinations: list[int],
    ) -> None:
        """Count some more records."""
        self.count += count
        self.kinds[kind] += count
        self.lowest_p[kind] = min(self.lowest_p[kind], lowest_p)
        self.first_ts = min(self.first_ts, first_ts)
        self.last_ts = max(self.last_ts, last_ts)
        if self.destinations is not None:
            self.destinations.update(destinations)
            if len(self.destinations) > MAX_DESTINATIONS:
                self.destinations = None

    def alert(self, key: Key, window_seconds: float, state: State = "whole") -> Alert:
        """The group, which has a strongest record, as an alert; ``key`` is its key."""
        assert self.strongest is not None
        source, family, window = key
        start = window * window_seconds
        known = self.destinations
        return Alert(
            alert_id=alert_id(source, family, repr(start), repr(window_seconds)),
            source=source,
            family=family,
            window_start=start,
            window_seconds=window_seconds,
            strongest=self.strongest,
            count=self.count,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            kinds={kind: n for kind, n in zip(KINDS, self.kinds, strict=True) if n},
            destinations=MAX_DESTINATIONS + 1 if known is None else len(known),
            lowest_p={
                kind: p for kind, n, p in zip(KINDS, self.kinds, self.lowest_p, strict=True) if n
            },
            evidence=self.evidence,
            state=state,
        )


def alert_id(*parts: str) -> str:
    """16 hexadecimal digits that are the same wherever the parts are."""
    text = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.blake2s(text, digest_size=8).hexdigest()
