"""What the reader of Suricata's EVE logs promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from enricher.logs import SCHEMAS, ReadResult

Read = Callable[..., ReadResult]


def event(event_type: str, **values: Any) -> bytes:
    record = {
        "timestamp": "2026-01-01T12:00:00.500000+0100",
        "flow_id": 1234567890123456,
        "event_type": event_type,
        "src_ip": "10.0.0.1",
        "src_port": 40000,
        "dest_ip": "10.0.0.2",
        "dest_port": 53,
        "proto": "UDP",
        **values,
    }
    return orjson.dumps(record) + b"\n"


def flow(proto: str = "TCP", client: str = "00", server: str = "00", **values: Any) -> bytes:
    counts = {"pkts_toserver": 5, "pkts_toclient": 4, "bytes_toserver": 500, "bytes_toclient": 400}
    return event(
        "flow",
        proto=proto,
        flow={
            **counts,
            "start": "2026-01-01T11:59:58.000000+0100",
            "end": "2026-01-01T11:59:59.500000+0100",
            "state": "closed",
            **values,
        },
        tcp={"tcp_flags_ts": client, "tcp_flags_tc": server},
    )


def one(result: ReadResult) -> dict[str, Any]:
    assert result.rejected == []
    (batch,) = result.batches
    (record,) = batch.frame.to_dicts()
    assert list(record) == [*SCHEMAS[batch.kind], "_file", "_line"]
    return record


def test_a_flow_is_a_connection_that_began_when_the_flow_did(read_bytes: Read) -> None:
    record = one(read_bytes(flow(client="1b", server="1b"), "eve"))
    assert record["ts"] == 1767265198.0
    assert record["duration"] == 1.5
    assert record["uid"] == "S1234567890123456"
    assert record["flow_id"] == 1234567890123456
    assert (record["proto"], record["conn_state"], record["history"]) == ("tcp", "SF", "ShADdFf")
    assert (record["orig_pkts"], record["orig_ip_bytes"], record["orig_bytes"]) == (5, 500, None)
    assert (record["resp_pkts"], record["resp_ip_bytes"], record["resp_bytes"]) == (4, 400, None)


@pytest.mark.parametrize(
    ("client", "server", "state"),
    [
        ("02", "00", "S0"),
        ("02", "14", "REJ"),
        ("06", "00", "RSTOS0"),
        ("03", "00", "SH"),
        ("12", "12", "S1"),
        ("13", "12", "S2"),
        ("12", "13", "S3"),
        ("13", "13", "SF"),
        ("16", "12", "RSTO"),
        ("12", "16", "RSTR"),
        ("00", "16", "RSTRH"),
        ("00", "13", "SHR"),
        ("10", "10", "OTH"),
        ("00", "00", "OTH"),
    ],
)
def test_flags_tell_the_state_of_a_connection(
    read_bytes: Read, client: str, server: str, state: str
) -> None:
    assert one(read_bytes(flow(client=client, server=server), "eve"))["conn_state"] == state


@pytest.mark.parametrize(
    ("there", "back", "state", "history"),
    [(1, 1, "SF", "Dd"), (1, 0, "S0", "D"), (0, 1, "SHR", "d")],
)
def test_packets_tell_the_state_of_a_datagram_flow(
    read_bytes: Read, there: int, back: int, state: str, history: str
) -> None:
    data = flow("UDP", pkts_toserver=there, pkts_toclient=back)
    record = one(read_bytes(data, "eve"))
    assert (record["conn_state"], record["history"]) == (state, history)


@pytest.mark.parametrize(
    ("name", "service"),
    [("tls", "ssl"), ("failed", None), (None, None), ("dns", "dns"), ("dcerpc", "dce_rpc")],
)
def test_services_have_zeeks_names(read_bytes: Read, name: str | None, service: str | None) -> None:
    data = flow().replace(b'"flow":{', b'"app_proto":' + orjson.dumps(name) + b',"flow":{')
    assert one(read_bytes(data, "eve"))["service"] == service


def test_icmp_has_type_and_code_for_ports(read_bytes: Read) -> None:
    data = event(
        "flow", proto="IPv6-ICMP", icmp_type=128, icmp_code=0, src_port=None, dest_port=None
    )
    record = one(read_bytes(data, "eve"))
    assert (record["proto"], record["id.orig_p"], record["id.resp_p"]) == ("icmp", 128, 0)


def test_http_is_mapped(read_bytes: Read) -> None:
    http = {
        "hostname": "example.org", "url": "/a?b", "http_user_agent": "curl/8", "http_refer": "r",
        "http_method": "GET", "protocol": "HTTP/1.1", "status": 404, "length": 12,
        "http_content_type": "text/html; charset=utf-8",
    }  # fmt: skip
    record = one(read_bytes(event("http", proto="TCP", tx_id=1, http=http), "eve"))
    expected = {
        "host": "example.org", "uri": "/a?b", "user_agent": "curl/8", "referrer": "r",
        "method": "GET", "version": "1.1", "status_code": 404, "response_body_len": 12,
        "resp_mime_types": ["text/html"], "trans_depth": 2, "request_body_len": None,
    }  # fmt: skip
    assert {key: record[key] for key in expected} == expected
    assert record["ts"] == 1767265200.5


def test_dns_of_suricata_7_is_mapped(read_bytes: Read) -> None:
    query = {"version": 2, "type": "query", "id": 9, "rrname": "a.org", "rrtype": "AAAA"}
    record = one(read_bytes(event("dns", dns=query), "eve"))
    assert (record["query"], record["qtype"], record["is_answer"]) == ("a.org", 28, False)
    assert (record["rcode"], record["AA"], record["answers"]) == (None, None, None)
    answer = query | {
        "type": "answer", "flags": "8183", "rcode": "NXDOMAIN", "qr": True, "rd": True, "ra": True,
        "answers": [{"rrname": "a.org", "rrtype": "SOA", "ttl": 60, "soa": {"mname": "ns.org"}},
                    {"rrname": "a.org", "rrtype": "A", "ttl": 5, "rdata": "10.1.1.1"}],
    }  # fmt: skip
    record = one(read_bytes(event("dns", dns=answer), "eve"))
    expected = {
        "id.orig_h": "10.0.0.1", "id.resp_p": 53, "is_answer": True, "rcode": 3,
        "rcode_name": "NXDOMAIN", "AA": False, "RD": True, "RA": True, "Z": 0, "trans_id": 9,
        "answers": ["ns.org", "10.1.1.1"], "TTLs": [60.0, 5.0], "proto": "udp",
    }  # fmt: skip
    assert {key: record[key] for key in expected} == expected


def test_dns_of_suricata_8_has_the_client_for_originator_too(read_bytes: Read) -> None:
    asked = [{"rrname": "a.org", "rrtype": "HTTPS"}]
    request = {"version": 3, "type": "request", "id": 9, "queries": asked}
    response = request | {"type": "response", "rcode": "REFUSED", "grouped": {"A": ["10.9.9.9"]}}
    ends = {"src_ip": "10.0.0.2", "src_port": 53, "dest_ip": "10.0.0.1", "dest_port": 40000}
    data = event("dns", dns=request) + event("dns", dns=response, **ends)
    frame = read_bytes(data, "eve").batches[0].frame
    assert frame["id.orig_h"].to_list() == ["10.0.0.1", "10.0.0.1"]
    assert frame["id.orig_p"].to_list() == [40000, 40000]
    assert frame["id.resp_h"].to_list() == ["10.0.0.2", "10.0.0.2"]
    assert frame["id.resp_p"].to_list() == [53, 53]
    assert frame["query"].to_list() == ["a.org", "a.org"]
    assert frame["qtype"].to_list() == [65, 65]
    assert frame["is_answer"].to_list() == [False, True]
    assert frame["rcode"].to_list() == [None, 5]
    assert frame["answers"].to_list() == [None, ["10.9.9.9"]]


def test_answers_are_read_however_they_are_listed_and_their_names_are_escaped(
    read_bytes: Read,
) -> None:
    address = {"rrname": "a.org", "rrtype": "A", "ttl": 5, "rdata": "10.1.1.1"}
    server = {"rrname": "a.org", "rrtype": "SRV", "ttl": 5, "srv": {"name": "srv.org"}}
    start = {"rrname": "a.org", "rrtype": "SOA", "ttl": 60, "soa": {"mname": "ns.org"}}
    listed = event("dns", dns={"type": "answer", "answers": [address]})
    grouped = event("dns", dns={"type": "answer", "grouped": {"A": ["10.9.9.9"]}})
    rare = event("dns", dns={"type": "answer", "answers": [start, server]})
    escaped = rare.replace(b'"soa"', b'"s\\u006fa"').replace(b'"srv"', b'"\\u0073rv"')
    expected = {listed: ["10.1.1.1"], grouped: ["10.9.9.9"], rare: ["ns.org", "srv.org"]}
    expected[escaped] = expected[rare]
    for lines in ([listed], [listed, grouped], [grouped, escaped], [rare, listed], [*expected]):
        frame = read_bytes(b"".join(lines), "eve").batches[0].frame
        assert frame["answers"].to_list() == [expected[line] for line in lines]


@pytest.mark.parametrize(
    ("rrtype", "number", "name"), [("ANY", 255, "*"), ("999", 999, "999"), ("odd", None, "odd")]
)
def test_types_without_a_name_are_numbers(
    read_bytes: Read, rrtype: str, number: int | None, name: str
) -> None:
    record = one(read_bytes(event("dns", dns={"type": "query", "rrtype": rrtype}), "eve"))
    assert (record["qtype"], record["qtype_name"]) == (number, name)


@pytest.mark.parametrize(
    ("written", "version"),
    [("TLS 1.2", "TLSv12"), ("TLSv1", "TLSv10"), ("SSLv3", "SSLv3"), ("UNDETERMINED", None),
     ("TLS 1.3 draft-28", "TLSv13-draft28"), ("0x7f17", "0x7f17")],
)  # fmt: skip
def test_tls_versions_have_zeeks_names(read_bytes: Read, written: str, version: str | None) -> None:
    assert one(read_bytes(event("tls", tls={"version": written}), "eve"))["version"] == version


def test_tls_is_mapped(read_bytes: Read) -> None:
    tls = {
        "subject": "CN=a", "issuerdn": "CN=b", "sni": "a.org", "version": "TLS 1.3",
        "fingerprint": "aa:bb", "ja3": {"hash": "j", "string": "s"}, "ja3s": {"hash": "k"},
        "ja4": "t13d", "session_resumed": True,
    }  # fmt: skip
    record = one(read_bytes(event("tls", proto="TCP", community_id="1:x", tls=tls), "eve"))
    expected = {
        "subject": "CN=a", "issuer": "CN=b", "server_name": "a.org", "version": "TLSv13",
        "cert_chain": ["aa:bb"], "ja3": "j", "ja3s": "k", "ja4": "t13d", "resumed": True,
        "community_id": "1:x", "established": None,
    }  # fmt: skip
    assert {key: record[key] for key in expected} == expected


def test_other_events_are_counted_and_few_reasons_come_of_hostile_ones(read_bytes: Read) -> None:
    data = event("alert", dns={"query": [{"id": 1}]}, http="x") + event("stats") * 2 + b"{}\n"
    assert read_bytes(data, "eve").passed == Counter(
        {"event:alert": 1, "event:stats": 2, "event:none": 1}
    )
    many = b"".join(event(f"\x1b[{number}m") for number in range(300))
    passed = read_bytes(many, "eve").passed
    assert (passed.total(), len(passed)) == (300, 65)
    assert all(reason.isprintable() for reason in passed)


def test_a_bad_event_is_rejected_and_the_rest_kept(read_bytes: Read) -> None:
    data = (
        event("dns", dns={"rrname": "a"})
        + event("dns", dns="x")
        + b"{\n"
        + event("dns", timestamp="x")
        + event("dns", src_port=65536)
        + flow()
    )
    result = read_bytes(data, "eve")
    assert [(bad.line, bad.reason) for bad in result.rejected] == [
        (2, "bad_type"), (3, "bad_json"), (4, "bad_time"), (5, "bad_number"),
    ]  # fmt: skip
    assert {batch.kind: batch.frame["_line"].to_list() for batch in result.batches} == {
        "dns": [1],
        "conn": [6],
    }


def test_further_keys_are_kept_as_text(read_bytes: Read) -> None:
    for more in (b"", b"{\n"):
        data = event("tls", label="x", tx_id=4, tls={"sni": "a"}) + flow() + more
        for batch in read_bytes(data, "eve", keep=["label", "tx_id", "tls"]).batches:
            assert batch.frame.columns[-3:] == ["label", "tx_id", "tls"]
            if batch.kind == "ssl":
                assert batch.frame["label"].to_list() == ["x"]
                assert batch.frame["tx_id"].to_list() == ["4"]
                assert '"sni":"a"' in batch.frame["tls"].to_list()[0]
