"""Keeps connections from being scored twice.

``conn_long.log`` and ``open_conn.log`` report connections that go on, again and again;
``conn.log`` has each of them once more when it ends. Only the last word counts.
"""

from __future__ import annotations

from collections import deque

import polars as pl

from enricher.logs.batch import LogBatch, empty


class LongConnections:
    """Holds the last report of each connection that goes on.

    Every record handed to :meth:`hold` comes out once, from it or from :meth:`release`, or is
    counted in :attr:`duplicates`: read = given out + held + duplicates.

    Args:
        bound: Connections held at most; beyond it those unheard of longest are given out.
        remember: Connections remembered that conn.log has had, so that a report that comes
            after the end is known for a repeat. Eight bytes each.

    Attributes:
        duplicates: Records dropped because a later one of the same connection is kept, or
            because conn.log has it.
    """

    def __init__(self, bound: int = 100_000, remember: int = 1_000_000) -> None:
        if bound < 0 or remember < 0:
            raise ValueError("bounds are not negative")
        self.duplicates = 0
        self._bound = bound
        self._remember = remember
        self._held = empty("conn")
        # Hashes, for a uid takes four times the room and only equality counts.
        self._ended: deque[pl.Series] = deque()
        self._ended_length = 0

    def __len__(self) -> int:
        return self._held.height

    def hold(self, batch: LogBatch) -> LogBatch | None:
        """Take records of connections that go on, in the order of the log.

        Returns:
            Records to be scored now: those without a uid, which cannot be told apart, and those
            that are beyond the bound. None if there are none.

        Raises:
            ValueError: If they are no connections.
        """
        _must_be_connections(batch)
        frame = batch.frame
        nameless = frame.filter(pl.col("uid").is_null())
        named = self._without_ended(frame.filter(pl.col("uid").is_not_null()))
        # Where nothing is held yet, the first batch says which further columns there are.
        together = pl.concat([self._held, named]) if self._held.height else named
        latest = together.unique("uid", keep="last", maintain_order=True)
        self.duplicates += together.height - latest.height
        beyond = max(0, latest.height - self._bound)
        self._held = latest.slice(beyond)
        out = pl.concat([latest.head(beyond), nameless])
        return LogBatch("conn", out) if out.height else None

    def settle(self, batch: LogBatch) -> None:
        """Note connections that have ended, as conn.log says; what is held of them is dropped.

        Raises:
            ValueError: If they are no connections.
        """
        _must_be_connections(batch)
        uids = batch.frame["uid"].drop_nulls()
        if self._held.height:
            going_on = self._held.filter(~pl.col("uid").is_in(uids.implode()))
            self.duplicates += self._held.height - going_on.height
            self._held = going_on
        self._ended.append(uids.hash())
        self._ended_length += uids.len()
        while self._ended and self._ended_length > self._remember:
            # By length of the oldest, cut where it is more than has to go.
            oldest = self._ended.popleft()
            surplus = min(oldest.len(), self._ended_length - self._remember)
            self._ended_length -= surplus
            if surplus < oldest.len():
                self._ended.appendleft(oldest.slice(surplus))

    def release(self) -> LogBatch:
        """Give out all that is held: connections still open when the logs end."""
        held = LogBatch("conn", self._held)
        self._held = self._held.clear()
        return held

    def _without_ended(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self._ended or not frame.height:
            return frame
        ended = pl.concat([*self._ended], rechunk=True)
        self._ended = deque([ended])
        going_on = frame.filter(~frame["uid"].hash().is_in(ended.implode()))
        self.duplicates += frame.height - going_on.height
        return going_on


def _must_be_connections(batch: LogBatch) -> None:
    if batch.kind != "conn":
        raise ValueError(f"records of conn are needed, got {batch.kind}")
