"""What the service said of itself last, checked: a state directory may come from outside."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

STALE_SECONDS = 60.0
"""A service tells of itself every few seconds; one that was silent for so long is in trouble."""

Count = Annotated[int, Field(ge=0)]
Counts = dict[str, Count]


class _Part(BaseModel):
    """What all parts share; names that this version does not know are left out."""

    model_config = ConfigDict(frozen=True)


class FileLag(_Part):
    """A log that is not read to its end, and the bytes that are not read."""

    path: str
    kind: str
    bytes: Count


class KindDrift(_Part):
    """See :class:`enricher.report.parts.Drift`."""

    records: Count
    ln_capital: float | None
    since: float | None = None


class Said(_Part):
    """What a service said of itself.

    Attributes:
        pid: Its process.
        started: When it was started, in seconds UTC by the wall clock.
        updated: When it said this, the same.
        records_per_second: By kind of record, over about the last minute.
        lags: Logs that are not read to their end, the largest lags first.
        lag_bytes: Bytes that are not read of all logs; None where only :attr:`lags` are known.
        flow_time: Time of the logs, in seconds UTC; None before the first record.
        drift: By kind of record that is watched.
        waiting_for: Why it can not go on, such as a full disk; None where it can.
        unreadable: What of its inputs it cannot read, a sentence each.
        families: Names of the site's own families.
        model: Name and version of the bundle.
        stopped: It ended as it was asked to.
    """

    pid: Annotated[int, Field(ge=1, lt=2**31)]
    started: float
    updated: float
    records_per_second: dict[str, float]
    lags: list[FileLag]
    lag_bytes: Count | None = None
    flow_time: float | None
    drift: dict[str, KindDrift]
    waiting_for: str | None
    unreadable: list[str] = []
    families: list[str]
    model: str
    stopped: bool = False

    @property
    def unread_bytes(self) -> int:
        """Bytes of all logs that are not read, as far as they are known."""
        known = sum(lag.bytes for lag in self.lags)
        return known if self.lag_bytes is None else max(known, self.lag_bytes)


class KindCounts(_Part):
    """Where the records of one kind went."""

    read: Count = 0
    scored: Count = 0
    dropped: Counts = {}
    repaired: Counts = {}
    verdicts: Counts = {}

    @property
    def balance(self) -> int:
        """Records that are not accounted for; 0, or there is a bug."""
        return self.read - self.scored - sum(self.dropped.values())


class Totals(_Part):
    """Counts since the state directory was new.

    See :class:`enricher.pipeline.live.accounting.Accounting`.
    """

    kinds: dict[str, KindCounts] = {}
    alerts: Counts = {}
    held_back: Counts = {}
    suppressed: Counts = {}
    late: Counts = {}
    within_chance: Count = 0
    closed_early: Count = 0


class ServiceStatus(_Part):
    """How a service is.

    Attributes:
        said: What it said of itself last.
        totals: Its counts.
        running: Whether its process is there.
        age: Seconds since it said so.
    """

    said: Said
    totals: Totals
    running: bool
    age: Annotated[float, Field(ge=0.0)]

    @property
    def troubles(self) -> list[str]:
        """Why it is not well, for people; nothing where it is."""
        if not self.running:
            ended = "it was stopped" if self.said.stopped else "it ended without saying so"
            return [f"It is not running: {ended}."]
        found = []
        if self.said.waiting_for is not None:
            found.append(f"It waits: {self.said.waiting_for}")
        found += [f"It cannot read {trouble}" for trouble in self.said.unreadable]
        if self.age > STALE_SECONDS:
            found.append(f"It has said nothing for {self.age:.0f} s: it hangs, or cannot write.")
        return found
