"""A connection that is reported many times is scored once."""

from __future__ import annotations

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given

from enricher.logs import LogBatch, LongConnections, empty


def batch(*uids: str | None, start: int = 0) -> LogBatch:
    lines = pl.Series("_line", range(start, start + len(uids)), dtype=pl.UInt64)
    frame = pl.DataFrame({"uid": pl.Series(uids, dtype=pl.String), "_line": lines})
    return LogBatch("conn", pl.concat([empty("conn"), frame], how="diagonal"))


def pairs(found: LogBatch | None) -> list[tuple[str | None, int]]:
    return [] if found is None else list(found.frame.select("uid", "_line").iter_rows())


def test_the_last_report_of_a_connection_is_kept() -> None:
    store = LongConnections()
    assert store.hold(batch("a", "b", "a")) is None
    assert store.hold(batch("b", start=10)) is None
    assert pairs(store.release()) == [("a", 2), ("b", 10)]
    assert store.duplicates == 2
    assert len(store) == 0


def test_a_connection_that_ended_is_left_to_conn_log() -> None:
    store = LongConnections()
    store.hold(batch("a", "b"))
    store.settle(batch("a", "z", None))
    store.hold(batch("z", "a", "c", start=5))
    assert pairs(store.release()) == [("b", 1), ("c", 7)]
    assert store.duplicates == 3


def test_beyond_the_bound_those_unheard_of_longest_are_given_out() -> None:
    store = LongConnections(bound=2)
    assert pairs(store.hold(batch("a", "b", "c", "a"))) == [("b", 1)]
    assert pairs(store.hold(batch("d", start=9))) == [("c", 2)]
    assert pairs(store.release()) == [("a", 3), ("d", 9)]


def test_a_connection_without_a_uid_is_given_out_at_once() -> None:
    store = LongConnections()
    assert pairs(store.hold(batch(None, "a", None))) == [(None, 0), (None, 2)]
    assert store.duplicates == 0


def test_only_so_many_ended_connections_are_remembered() -> None:
    store = LongConnections(remember=3)
    store.settle(batch("a", "b"))
    store.settle(batch("c", "d"))
    store.hold(batch("a", "b", "c", "d"))
    assert pairs(store.release()) == [("a", 0)]


def test_records_that_are_no_connections_are_refused() -> None:
    with pytest.raises(ValueError, match="conn"):
        LongConnections().hold(LogBatch("dns", empty("dns")))
    with pytest.raises(ValueError, match="negative"):
        LongConnections(bound=-1)


uids = st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), max_size=6)


@given(
    steps=st.lists(st.tuples(st.booleans(), uids), max_size=8),
    bound=st.integers(0, 4),
    remember=st.integers(0, 6),
)
def test_every_record_comes_out_once_or_is_counted(
    steps: list[tuple[bool, list[str | None]]], bound: int, remember: int
) -> None:
    store = LongConnections(bound, remember)
    read, out = 0, []
    for ended, names in steps:
        if ended:
            store.settle(batch(*names))
            continue
        out += pairs(store.hold(batch(*names, start=read)))
        read += len(names)
        assert len(store) <= bound
    out += pairs(store.release())
    assert len(out) == len({line for _, line in out})
    assert read == len(out) + store.duplicates
