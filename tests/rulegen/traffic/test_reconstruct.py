from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dpkt
import polars as pl
import pytest

from enricher.errors import OutputError
from enricher.rulegen.engine.hits import Hit
from enricher.rulegen.traffic.reconstruct import write_capture

Rows = Callable[..., pl.DataFrame]
Logged = Callable[..., tuple[Any, list[dict[str, Any]]]]
Fires = Callable[..., list[int]]
SYN = 'alert tcp any any -> any any (msg:"syn"; flags:S; flow:to_server; sid:1;)'


def test_the_engine_logs_the_request_and_response_of_a_record(rows: Rows, logged: Logged) -> None:
    record = {
        "method": "POST",
        "uri": "/gate.php?id=7",
        "host": "evil.example",
        "version": "1.0",
        "user_agent": "Agent/1",
        "referrer": "http://r/",
        "origin": "http://o",
        "request_body_len": 100_000,
        "response_body_len": 10,
        "status_code": 404,
        "status_msg": "Not Found",
    }
    rebuilt, found = logged({"http": rows("http", [record], port=8080)}, ["http"])
    [event] = found
    http = event["http"]
    assert not rebuilt.left_out
    assert (event["src_ip"], event["src_port"]) == ("10.0.0.1", 20_000)
    assert (event["dest_ip"], event["dest_port"]) == ("10.0.0.2", 8080)
    assert (http["http_method"], http["url"]) == ("POST", "/gate.php?id=7")
    assert (http["hostname"], http["protocol"]) == ("evil.example", "HTTP/1.0")
    assert (http["status"], http["length"]) == (404, 10)
    headers = {header["name"]: header["value"] for header in http["request_headers"]}
    assert headers == {
        "Host": "evil.example",
        "User-Agent": "Agent/1",
        "Referer": "http://r/",
        "Origin": "http://o",
        "Content-Length": "4096",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": None},
        {"method": "G T"},
        {"method": "GET\r\nX: 1"},
        {"uri": None},
        {"uri": ""},
        {"uri": "/a b"},
        {"uri": "/a\nb"},
        {"uri": "/a\0b"},
        {"user_agent": "a\r\nHost: other"},
        {"user_agent": " a"},
        {"host": "a\0"},
        {"referrer": "a\n"},
        {"origin": "a\r"},
        {"version": "2"},
        {"version": "1.1\r\n"},
        {"status_code": 99},
        {"status_code": 200, "status_msg": "a\nb"},
        {"request_body_len": -1},
        {"uri": "/" * 64_001},
        {"id.orig_h": None},
        {"id.resp_h": "host"},
        {"id.resp_h": "fe80::1"},
        {"id.orig_p": 70_000},
        {"ts": None},
        {"ts": -1.0},
        {"ts": float("inf")},
    ],
)
def test_what_cannot_be_sent_as_it_is_is_left_out_with_its_reason(
    rows: Rows, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    good = {"method": "GET", "uri": "/"}
    frame = rows("http", [good, {**good, **wrong}, good])
    rebuilt = write_capture({"http": frame}, tmp_path / "x.pcap")
    assert [(kind, row) for kind, row, _ in rebuilt.left_out] == [("http", 1)]
    assert len(rebuilt.left_out[0][2]) > 10
    assert rebuilt.packets == 2 * 8


@pytest.mark.parametrize("proto", ["udp", "tcp", None])
def test_the_engine_logs_a_query_and_its_answer(rows: Rows, logged: Logged, proto: str) -> None:
    record = {"proto": proto, "query": "a.example", "qtype": 16, "trans_id": 77, "rcode": 3}
    _, found = logged({"dns": rows("dns", [record], port=53)}, ["dns"])
    query, answer = (event["dns"] for event in found)
    assert (query["type"], query["id"], query["rrtype"]) == ("query", 77, "TXT")
    assert (answer["type"], answer["rcode"], answer["rrname"]) == (
        "answer",
        "NXDOMAIN",
        "a.example",
    )


def test_a_query_without_an_answer_has_none(rows: Rows, logged: Logged) -> None:
    records = [
        {"proto": "udp", "query": "a", "rcode": None},
        {"proto": "udp", "query": "b", "rcode": 0, "is_answer": False},
    ]
    _, found = logged({"dns": rows("dns", records, port=53)}, ["dns"])
    assert [event["dns"]["type"] for event in found] == ["query", "query"]


@pytest.mark.parametrize(
    "wrong",
    [
        *({"query": query} for query in (None, "a..b", ".a", "a.", "x" * 64, "a." * 127 + "ab")),
        *({"qtype": 70_000}, {"trans_id": -1}, {"rcode": 16}, {"is_answer": True}),
        {"proto": "icmp6"},
    ],
)
def test_a_query_that_does_not_fit_is_left_out(
    rows: Rows, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    frame = rows("dns", [{"proto": "udp", "query": "a", **wrong}], port=53)
    rebuilt = write_capture({"dns": frame}, tmp_path / "x.pcap")
    assert [(kind, row) for kind, row, _ in rebuilt.left_out] == [("dns", 0)]


@pytest.mark.parametrize(
    ("version", "name"),
    [("TLSv10", "1.0"), ("TLSv11", "1.1"), ("TLSv12", "1.2"), ("TLSv13", "1.3")],
)
def test_the_version_of_a_hello_is_the_record_s(
    rows: Rows, fires: Fires, version: str, name: str
) -> None:
    record = {"version": version, "cipher": "any", "server_name": "evil.example"}
    rule = f'alert tls any any -> any any (msg:"x"; flow:to_client; ssl_version:tls{name}; sid:1;)'
    rule = rule if name != "1.3" else rule.replace("ssl_version:tls1.3", "tls.version:1.3")
    assert set(fires("ssl", rows("ssl", [record], port=443), rule)) == {0}


def test_a_version_that_is_not_rebuilt_is_left_out(rows: Rows, tmp_path: Path) -> None:
    frame = rows("ssl", [{"version": "DTLSv12"}, {"server_name": ""}, {"server_name": "a" * 256}])
    rebuilt = write_capture({"ssl": frame}, tmp_path / "x.pcap")
    assert [row for _, row, _ in rebuilt.left_out] == [0, 1, 2]


def test_ipv6_records_have_their_addresses(rows: Rows, logged: Logged, fires: Fires) -> None:
    hosts = {"id.orig_h": "2001:db8::1", "id.resp_h": "2001:db8::2"}
    frame = rows("http", [{"method": "GET", "uri": "/", **hosts}])
    _, [event] = logged({"http": frame}, ["http"])
    assert event["src_ip"] == "2001:0db8:0000:0000:0000:0000:0000:0001"
    assert fires("http", frame, SYN) == [0]


def test_records_of_one_flow_at_one_time_get_ports_of_their_own(rows: Rows, fires: Fires) -> None:
    same = {"ts": 1_700_000_000.0, "id.orig_p": 5000, "proto": "udp"}
    frame = rows("dns", [{**same, "query": f"q{n}.example"} for n in range(300)], port=53)
    rule = 'alert dns any any -> any any (msg:"x"; dns.query; content:"q17.example"; sid:1;)'
    assert fires("dns", frame, rule) == [17]
    own = 'alert dns any 5000 -> any any (msg:"x"; dns.query; content:"q"; sid:1;)'
    assert fires("dns", frame, own) == [0]


def test_a_flow_that_comes_again_much_later_keeps_its_port(rows: Rows, fires: Fires) -> None:
    records = [
        {"ts": 1e9 + n * 5000, "id.orig_p": 5000, "method": "GET", "uri": f"/{n}"} for n in (0, 1)
    ]
    own = 'alert tcp any 5000 -> any any (msg:"x"; flags:S; flow:to_server; sid:1;)'
    assert fires("http", rows("http", records), own) == [0, 1]


def test_frames_stand_in_the_order_of_time_whatever_the_order_of_records(
    rows: Rows, tmp_path: Path
) -> None:
    http = rows(
        "http", [{"ts": 9.5, "method": "GET", "uri": "/"}, {"ts": 2.25, "method": "A", "uri": "/"}]
    )
    conn = rows("conn", [{"ts": 1.0, "proto": "udp", "orig_pkts": 9, "duration": 20.0}])
    path = tmp_path / "x.pcap"
    rebuilt = write_capture({"http": http, "conn": conn}, path)
    with path.open("rb") as file:
        times = [time for time, _ in dpkt.pcap.Reader(file)]
    assert times == sorted(times)
    assert len(times) == rebuilt.packets
    assert times[0] == 1.0
    assert any(abs(time - 2.25) < 1e-6 for time in times)


def test_the_same_records_give_the_same_file(rows: Rows, tmp_path: Path) -> None:
    frame = rows("dns", [{"proto": "tcp", "query": f"q{n}", "rcode": 0} for n in range(9)])
    for name in ("a", "b"):
        write_capture({"dns": frame}, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_frames_have_right_checksums(rows: Rows, tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    write_capture({"http": rows("http", [{"method": "GET", "uri": "/"}])}, path)
    with path.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            before = packet.sum, packet.data.sum
            assert all(before)
            packet.sum = packet.data.sum = 0
            bytes(packet)
            assert (packet.sum, packet.data.sum) == before


def test_a_hit_of_another_flow_is_nobody_s(rows: Rows, tmp_path: Path) -> None:
    rebuilt = write_capture({"dns": rows("dns", [{"query": "a"}])}, tmp_path / "x.pcap")
    known = Hit(1, 0, 1.7e9, "UDP", "10.0.0.2", 80, "10.0.0.1", 20_000, None, None)
    assert rebuilt.row_of(known) == ("dns", 0)
    assert rebuilt.row_of(Hit(1, 0, 1.7e9, "TCP", *_ends(known), None, None)) is None
    assert rebuilt.row_of(Hit(1, 0, 1.7e9, "UDP", "x", 80, "10.0.0.1", 20_000, None, None)) is None
    assert rebuilt.row_of(Hit(1, 0, 1e9, "UDP", *_ends(known), None, None)) is None


def _ends(hit: Hit) -> tuple[str, int, str, int]:
    return hit.src_ip, hit.src_port, hit.dest_ip, hit.dest_port


def test_a_file_that_cannot_be_written_is_an_error(rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_capture({"dns": rows("dns", [])}, tmp_path / "none" / "x.pcap")
