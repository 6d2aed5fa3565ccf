from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from enricher.rulegen.traffic.reconstruct import write_capture

Rows = Callable[..., pl.DataFrame]
Fires = Callable[..., list[int]]
Logged = Callable[..., tuple[Any, list[dict[str, Any]]]]


def rule(proto: str, options: str) -> str:
    return f'alert {proto} any any -> any any (msg:"x"; {options}; sid:1;)'


def test_unanswered_attempts_are_as_many_as_the_log_says_up_to_a_bound(
    rows: Rows, fires: Fires
) -> None:
    records = [
        {"proto": "tcp", "conn_state": "S0", "orig_pkts": count, "duration": 3.0}
        for count in (1, 5, 1000, None)
    ]
    hits = fires("conn", rows("conn", records), rule("tcp", "flow:to_server; flags:S"))
    assert [hits.count(row) for row in range(4)] == [1, 5, 64, 1]


def test_a_refused_attempt_is_answered_with_a_reset(rows: Rows, fires: Fires) -> None:
    records = [{"proto": "tcp", "conn_state": state} for state in ("REJ", "S0", "SF")]
    hits = fires("conn", rows("conn", records), rule("tcp", "flow:to_client; flags:RA"))
    assert hits == [0]


@pytest.mark.parametrize(
    ("state", "established", "reset"),
    [("SF", True, False), ("S1", True, False), ("RSTO", True, True), ("S0", False, False)],
)
def test_a_connection_ends_as_its_state_says(
    rows: Rows, fires: Fires, state: str, established: bool, reset: bool
) -> None:
    record = {"proto": "tcp", "conn_state": state, "orig_bytes": 20, "resp_bytes": 30}
    frame = rows("conn", [record])
    payload = fires("conn", frame, rule("tcp", "flow:established,to_server; dsize:20"))
    answer = fires("conn", frame, rule("tcp", "flow:established,to_client; dsize:30"))
    assert (payload, answer) == (([0], [0]) if established else ([], []))
    assert bool(fires("conn", frame, rule("tcp", "flags:RA; flow:to_server"))) is reset


def test_a_connection_whose_begin_the_log_has_not_seen_has_no_handshake(
    rows: Rows, fires: Fires
) -> None:
    records = [
        {"proto": "tcp", "conn_state": "OTH", "orig_bytes": 5},
        {"proto": "tcp", "conn_state": "SF", "history": "Dd", "orig_bytes": 5},
        {"proto": "tcp", "conn_state": "OTH"},
    ]
    frame = rows("conn", records)
    assert fires("conn", frame, rule("tcp", "flags:S; flow:to_server"), midstream=True) == []
    assert set(fires("conn", frame, rule("tcp", "flags:PA"), midstream=True)) == {0, 1, 2}


def test_datagrams_have_the_mean_size_of_the_log(rows: Rows, fires: Fires) -> None:
    record = {"proto": "udp", "orig_pkts": 4, "orig_bytes": 200, "resp_pkts": 2, "resp_bytes": 6}
    frame = rows("conn", [record], port=9999)
    assert fires("conn", frame, rule("udp", "flow:to_server; dsize:50")) == [0] * 4
    assert fires("conn", frame, rule("udp", "flow:to_client; dsize:3")) == [0] * 2


def test_an_icmp_record_has_its_type_and_code(rows: Rows, fires: Fires) -> None:
    icmp = {"proto": "icmp", "orig_pkts": 2, "resp_pkts": 1}
    records = [
        {**icmp, "id.orig_p": 8, "id.resp_p": 0},
        {**icmp, "id.orig_p": 3, "id.resp_p": 1, "resp_pkts": 0, "ts": 1_700_000_100.0},
    ]
    frame = rows("conn", records)
    assert fires("conn", frame, rule("icmp", "itype:8; icode:0")) == [0, 0]
    assert fires("conn", frame, rule("icmp", "itype:0; icode:0")) == [0]
    assert fires("conn", frame, rule("icmp", "itype:3; icode:1")) == [1, 1]


def test_an_icmp_record_of_ipv6_is_icmpv6(rows: Rows, logged: Logged) -> None:
    hosts = {"id.orig_h": "2001:db8::1", "id.resp_h": "2001:db8::2"}
    record = {"proto": "icmp", "id.orig_p": 128, "id.resp_p": 129, "orig_pkts": 1, **hosts}
    _, [event] = logged({"conn": rows("conn", [record])}, ["flow"])
    assert (event["proto"], event["icmp_type"], event["icmp_code"]) == ("IPv6-ICMP", 128, 0)


def test_attempts_are_spread_over_the_duration(rows: Rows, fires: Fires) -> None:
    record = {"proto": "tcp", "conn_state": "S0", "orig_pkts": 11}
    counted = rule("tcp", "flags:S; detection_filter:track by_src, count 10, seconds 20")
    quick = fires("conn", rows("conn", [{**record, "duration": 10.0}]), counted)
    slow = fires("conn", rows("conn", [{**record, "duration": 300.0}]), counted)
    assert (quick, slow) == ([0], [])


@pytest.mark.parametrize(
    "wrong", [{"proto": "gre"}, {"proto": None}, {"orig_pkts": -1}, {"duration": float("nan")}]
)
def test_a_connection_that_cannot_be_is_left_out(
    rows: Rows, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    frame = rows("conn", [{"proto": "udp", "orig_pkts": 1, **wrong}])
    rebuilt = write_capture({"conn": frame}, tmp_path / "x.pcap")
    assert [(kind, row) for kind, row, _ in rebuilt.left_out] == [("conn", 0)]
    assert rebuilt.packets == 0
