"""Events say what the record says, in Suricata's words, and are valid whatever is in it."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable
from typing import Any, Literal

import communityid
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import Alert, EventOptions, family_label, render, to_event
from enricher.detector.labels import Attack, FamilyLabel
from enricher.detector.scores import Reason
from enricher.logs import KINDS, SCHEMAS, Kind

MakeAlert = Callable[..., Alert]
Validate = Callable[[Any, int], None]
Version = Literal[7, 8]
FULL = EventOptions(
    model="default 3",
    model_date=dt.date(2026, 1, 2),
    sensor="sensor-1",
    in_iface="eth0",
    rev=3,
)

HOSTILE = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.sampled_from([
        "", "-", "10.0.0.1", "fe80::1", "fe80::1%eth0", "::ffff:1.2.3.4", "1.2.3.4.5", "tcp",
        "udp", "icmp", "icmp6", "x" * 10_000, "é" * 5_000, "a\nb\r\0\x1b[31m\x9b\u2028\u202e",
        "\ud800", "\udfff\ud83d", "{{7*7}} <script>%s${x}", "1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "ssl,http", "TLSv13",
    ]),
)  # fmt: skip


def values_of(dtype: pl.DataType) -> st.SearchStrategy[Any]:
    if dtype == pl.String():
        return HOSTILE
    if dtype == pl.Boolean():
        return st.none() | st.booleans()
    if dtype == pl.Float64():
        return st.none() | st.floats()
    if isinstance(dtype, pl.List):
        return st.none() | st.lists(values_of(dtype.inner), max_size=40)  # type: ignore[arg-type]
    return st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 300)


RECORDS = st.sampled_from(KINDS).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.fixed_dictionaries({name: values_of(t) for name, t in SCHEMAS[kind].items()}),
    )
)


LABELS = {
    "port-scan": FamilyLabel(
        "port-scan", "Scan (port-scan)", "Detection of a Network Scan", 3,
        Attack("TA0007", "Discovery"), Attack("T1046", "Network Service Discovery"),
    )
}  # fmt: skip


def label_of(family: str) -> FamilyLabel:
    return LABELS.get(family) or family_label(family)


def event_of(alert: Alert, version: Version = 8, **options: Any) -> dict[str, Any]:
    made = to_event(alert, label_of(alert.family), EventOptions(eve_version=version, **options))
    loaded = json.loads(render(made))
    assert isinstance(loaded, dict)
    return loaded


def strings_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(s for inner in value.values() for s in strings_of(inner))]
    if isinstance(value, list):
        return [s for inner in value for s in strings_of(inner)]
    return [value] if isinstance(value, str) else []


def widths_of(value: Any) -> list[int]:
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return [len(value), *(w for item in inner for w in widths_of(item))]
    return []


@settings(deadline=None)
@given(drawn=RECORDS, family=st.text(max_size=80), words=st.lists(st.text(), max_size=30))
def test_any_record_makes_a_valid_bounded_event(
    make_alert: MakeAlert,
    validate: Validate,
    drawn: tuple[Kind, dict[str, Any]],
    family: str,
    words: list[str],
) -> None:
    kind, record = drawn
    record["ts"] = record["ts"] if record["ts"] is not None else 0.0
    reasons = tuple(Reason("feature", text, 1.0) for text in words)
    alert = make_alert({"ts": 1.0}, kind, family or "unknown", reasons=reasons)
    alert.strongest.record.update(record)  # type: ignore[attr-defined]
    for version in (7, 8):
        made = to_event(alert, label_of(alert.family), EventOptions(eve_version=version))
        line = render(made)
        event = json.loads(line)
        validate(event, version)
        assert line.startswith(b"{")
        assert line.endswith(b"}")
        assert not any(byte < 32 or byte == 127 for byte in line)
        assert not any(0x80 <= ord(c) < 0xA0 or c in "\u2028\u2029\u202e" for c in line.decode())
        assert max(map(len, map(str.encode, strings_of(event)))) <= 4096
        assert max(widths_of(event)) < 100
        for values in event["alert"]["metadata"].values():
            assert values
            assert all(isinstance(value, str) for value in values)


@pytest.mark.parametrize("version", [7, 8])
def test_a_full_conn_record(make_alert: MakeAlert, validate: Validate, version: Version) -> None:
    record = {
        "ts": 1_767_268_800.123456, "uid": "CHhAvVGS1DHFjwGM9", "id.orig_h": "192.168.1.5",
        "id.orig_p": 51000, "id.resp_h": "10.9.8.7", "id.resp_p": 443, "proto": "tcp",
        "service": "ssl", "duration": 1.5, "orig_bytes": 100, "resp_bytes": 2000, "orig_pkts": 5,
        "orig_ip_bytes": 360, "resp_pkts": 6, "resp_ip_bytes": 2312,
    }  # fmt: skip
    alert = make_alert(record, reasons=(Reason("rate", "412 hosts in 10 minutes", 2.0),), count=12)
    event = event_of(
        alert, version, model="default 3", model_date=dt.date(2026, 1, 2), rev=3,
        sensor="sensor-1", in_iface="eth0",
    )  # fmt: skip
    validate(event, version)
    metadata = event["alert"].pop("metadata")
    assert event == {
        "timestamp": "2026-01-01T12:00:00.123456+0000",
        "flow_id": event["flow_id"],
        "in_iface": "eth0",
        "event_type": "alert",
        "src_ip": "192.168.1.5",
        "src_port": 51000,
        "dest_ip": "10.9.8.7",
        "dest_port": 443,
        "proto": "TCP",
        "community_id": communityid.CommunityID().calc(
            communityid.FlowTuple.make_tcp("192.168.1.5", "10.9.8.7", 51000, 443)
        ),
        "host": "sensor-1",
        "alert": {
            "action": "allowed",
            "gid": 1001,
            "signature_id": event["alert"]["signature_id"],
            "rev": 3,
            "signature": "ENRICHER Scan (port-scan)",
            "category": "Detection of a Network Scan",
            "severity": 3,
        },
        "app_proto": "tls",
        "direction": "to_server",
        "flow": {
            "pkts_toserver": 5,
            "pkts_toclient": 6,
            "bytes_toserver": 360,
            "bytes_toclient": 2312,
            "start": "2026-01-01T12:00:00.123456+0000",
        },
    }
    assert metadata == {
        "alert_id": [alert.alert_id],
        "family": ["port-scan"],
        "nearest_family": ["port-scan"],
        "score": ["0.750000"],
        "novelty": ["1.5"],
        "p_value": ["0.001"],
        "model": ["default 3"],
        "zeek_uid": ["CHhAvVGS1DHFjwGM9"],
        "log_origin": ["conn.log:9"],
        "count": ["12"],
        "destinations": ["1"],
        "first_seen": ["2026-01-01T12:00:00.123456+0000"],
        "last_seen": ["2026-01-01T12:00:00.123456+0000"],
        "created_at": ["2026_01_02"],
        "updated_at": ["2026_01_02"],
        "signature_severity": ["Minor"],
        "mitre_tactic_id": ["TA0007"],
        "mitre_tactic_name": ["Discovery"],
        "mitre_technique_id": ["T1046"],
        "mitre_technique_name": ["Network_Service_Discovery"],
        "log_records": ["conn:1"],
        "reasons": ["412 hosts in 10 minutes"],
    }


@pytest.mark.parametrize("version", [7, 8])
def test_an_http_record(make_alert: MakeAlert, validate: Validate, version: Version) -> None:
    record = {
        "trans_depth": 3, "method": "GET", "host": "example.org", "uri": "/a?b=1", "version": "1.1",
        "referrer": "http://x/", "user_agent": "curl/8", "status_code": 404,
        "response_body_len": 12, "resp_mime_types": ["text/html"],
    }  # fmt: skip
    event = event_of(make_alert(record, "http"), version)
    validate(event, version)
    assert event["http"] == {
        "hostname": "example.org", "url": "/a?b=1", "http_user_agent": "curl/8",
        "http_content_type": "text/html", "http_refer": "http://x/", "http_method": "GET",
        "protocol": "HTTP/1.1", "status": 404, "length": 12,
    }  # fmt: skip
    assert (event["proto"], event["app_proto"], event["tx_id"]) == ("TCP", "http", 2)
    assert "flow" not in event


DNS = {
    "proto": "udp", "trans_id": 77, "query": "a.example.org", "qtype_name": "A",
    "rcode_name": "NOERROR", "RD": True, "RA": False, "answers": ["b.example.org", "10.0.0.9"],
    "TTLs": [60.0, 5.5],
}  # fmt: skip
ANSWERS = [{"rdata": "b.example.org", "ttl": 60}, {"rdata": "10.0.0.9", "ttl": 5}]


def test_a_dns_record_for_suricata_7_is_version_2(
    make_alert: MakeAlert, validate: Validate
) -> None:
    event = event_of(make_alert(DNS, "dns"), 7)
    validate(event, 7)
    question = {"id": 77, "rrname": "a.example.org", "rrtype": "A"}
    assert event["dns"] == {
        "version": 2,
        "query": [{"type": "query", **question, "tx_id": 0}],
        "answer": {"version": 2, "type": "answer", **question, "rd": True, "rcode": "NOERROR"},
        "answers": ANSWERS,
    }


def test_a_dns_record_for_suricata_8_is_version_3_and_flat(
    make_alert: MakeAlert, validate: Validate
) -> None:
    event = event_of(make_alert(DNS, "dns"), 8)
    validate(event, 8)
    assert event["dns"] == {
        "version": 3, "type": "request", "id": 77, "tx_id": 0, "rd": True, "rcode": "NOERROR",
        "queries": [{"rrname": "a.example.org", "rrtype": "A"}], "answers": ANSWERS,
    }  # fmt: skip


@pytest.mark.parametrize("version", [7, 8])
def test_an_ssl_record(make_alert: MakeAlert, validate: Validate, version: Version) -> None:
    record = {
        "version": "TLSv12", "server_name": "example.org", "resumed": True, "subject": "CN=a",
        "issuer": "CN=b", "ja3": "a" * 32, "ja3s": "b" * 32, "ja4": "t13d", "next_protocol": "h2",
    }  # fmt: skip
    event = event_of(make_alert(record, "ssl"), version)
    validate(event, version)
    alpn = {"server_alpns": ["h2"]} if version == 8 else {}
    assert event["tls"] == {
        "subject": "CN=a", "issuerdn": "CN=b", "session_resumed": True, "sni": "example.org",
        "version": "TLS 1.2", "ja3": {"hash": "a" * 32}, "ja3s": {"hash": "b" * 32},
        "ja4": "t13d", **alpn,
    }  # fmt: skip
    assert event["app_proto"] == "tls"


def test_what_is_absent_is_left_out(make_alert: MakeAlert, validate: Validate) -> None:
    for kind in KINDS:
        for version in (7, 8):
            event = event_of(make_alert({}, kind, "unknown"), version)
            validate(event, version)
            assert not {"src_ip", "dest_ip", "src_port", "dest_port", "community_id"} & set(event)
            assert not [value for value in event.values() if value in (None, {}, [])]


def test_an_address_that_is_none_is_left_out(make_alert: MakeAlert) -> None:
    for wrong in ("-", "", "example.org", "1.2.3", "fe80::1%eth0", "1.2.3.4\n", "<b>", "9" * 500):
        event = event_of(make_alert({"id.orig_h": wrong, "id.resp_h": "10.0.0.1"}))
        assert "src_ip" not in event
        assert event["dest_ip"] == "10.0.0.1"


def test_ipv6_is_written_in_full_as_suricata_does(make_alert: MakeAlert) -> None:
    event = event_of(make_alert({"id.orig_h": "2001:DB8::1"}))
    assert event["src_ip"] == "2001:0db8:0000:0000:0000:0000:0000:0001"


@pytest.mark.parametrize(
    ("ip", "proto", "ports", "expected"),
    [
        ("10.0.0.1", "icmp", (8, 0), {"proto": "ICMP", "icmp_type": 8}),
        ("10.0.0.1", "icmp", (3, 1), {"proto": "ICMP", "icmp_type": 3, "icmp_code": 1}),
        ("fe80::1", "icmp", (135, 136), {"proto": "IPv6-ICMP", "icmp_type": 135}),
        ("fe80::1", "icmp6", (1, 4), {"proto": "IPv6-ICMP", "icmp_type": 1, "icmp_code": 4}),
        ("10.0.0.1", "icmp", (None, None), {"proto": "ICMP"}),
        ("10.0.0.1", "icmp", (300, 0), {"proto": "ICMP"}),
        ("10.0.0.1", "unknown_transport", (0, 0), {"proto": "UNKNOWN_TRANSPORT"}),
        ("10.0.0.1", "sctp", (5, 6), {"proto": "SCTP", "src_port": 5, "dest_port": 6}),
        ("10.0.0.1", "udp", (70000, -1), {"proto": "UDP"}),
        ("10.0.0.1", "no such\nthing", (5, 6), {}),
    ],
)  # fmt: skip
def test_ports_are_only_where_the_protocol_has_them(
    make_alert: MakeAlert, ip: str, proto: str, ports: tuple[Any, Any], expected: dict[str, Any]
) -> None:
    record = {"id.orig_h": ip, "id.orig_p": ports[0], "id.resp_p": ports[1], "proto": proto}
    event = event_of(make_alert(record))
    fields = ("proto", "src_port", "dest_port", "icmp_type", "icmp_code")
    assert {name: event[name] for name in fields if name in event} == expected


V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(str)


@settings(deadline=None)
@given(
    ends=st.tuples(V4, V4) | st.tuples(V6, V6) | st.just(("127.0.0.1", "127.0.0.1")),
    proto=st.sampled_from(["tcp", "udp", "sctp", "icmp"]),
    ports=st.tuples(st.integers(0, 255), st.integers(0, 255))
    | st.tuples(st.integers(0, 65535), st.integers(0, 65535)),
)
def test_the_community_id_is_that_of_the_reference_implementation(
    make_alert: MakeAlert, ends: tuple[str, str], proto: str, ports: tuple[int, int]
) -> None:
    if proto == "icmp":
        ports = (ports[0] % 256, ports[1] % 256)
    number = 58 if proto == "icmp" and ":" in ends[0] else communityid.get_proto(proto)
    record = {
        "id.orig_h": ends[0], "id.resp_h": ends[1], "id.orig_p": ports[0], "id.resp_p": ports[1],
        "proto": proto,
    }  # fmt: skip
    expected = communityid.CommunityID(seed=0).calc(communityid.FlowTuple(number, *ends, *ports))
    assert event_of(make_alert(record))["community_id"] == expected


def test_the_log_s_own_community_id_is_kept_when_it_is_one(make_alert: MakeAlert) -> None:
    own = "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    assert event_of(make_alert({"community_id": own}))["community_id"] == own
    assert "community_id" not in event_of(make_alert({"community_id": "1:<script>"}))


def test_suricata_s_own_flow_id_is_kept(make_alert: MakeAlert) -> None:
    assert event_of(make_alert({"flow_id": 2098624330676310}))["flow_id"] == 2098624330676310


def test_records_of_one_connection_share_a_flow_id_of_51_bits(make_alert: MakeAlert) -> None:
    first = event_of(make_alert({"uid": "C1", "ts": 1.0}))["flow_id"]
    assert event_of(make_alert({"uid": "C1", "ts": 9.0}, "dns"))["flow_id"] == first
    assert event_of(make_alert({"uid": "C2", "ts": 1.0}))["flow_id"] != first
    assert event_of(make_alert({"ts": 1.0}))["flow_id"] != event_of(make_alert({"ts": 2.0}))
    assert 0 <= first < 2**51


@settings(deadline=None)
@given(ts=st.floats(0, 253_402_300_799))
def test_timestamps_are_those_of_the_flow_to_the_microsecond(
    make_alert: MakeAlert, ts: float
) -> None:
    text = event_of(make_alert({"ts": ts}))["timestamp"]
    read = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    since = read - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert abs(since / dt.timedelta(seconds=1) - ts) <= max(1e-6, math.ulp(ts))


def test_more_destinations_than_are_counted_are_shown_so(make_alert: MakeAlert) -> None:
    assert event_of(make_alert(destinations=1001))["alert"]["metadata"]["destinations"] == ["1000+"]
    assert event_of(make_alert(destinations=1000))["alert"]["metadata"]["destinations"] == ["1000"]


@pytest.mark.parametrize(
    ("service", "expected"),
    [("ssl", "tls"), ("http,ssl", "http"), ("gssapi,smb", "smb"), ("-\n", None), (None, None),
     ("krb_tcp", "krb5"), ("teredo", "teredo"), ("x" * 100_000, None)],
)  # fmt: skip
def test_application_protocols_have_suricata_s_names(
    make_alert: MakeAlert, service: str | None, expected: str | None
) -> None:
    assert event_of(make_alert({"service": service})).get("app_proto") == expected


def test_rendering_changes_no_value(make_alert: MakeAlert) -> None:
    text = "a\x7f\x85\x9b\u2028\u2029\u202a\u202e\u2066\u2069é漢😀\n\t\x1b"
    event = to_event(make_alert({"uri": text}, "http"), family_label("x"), FULL)
    assert json.loads(render(event))["http"]["url"] == text


@pytest.mark.parametrize("version", [7, 8])
def test_an_alert_whose_promise_is_suspended_says_so_and_others_say_nothing(
    make_alert: MakeAlert, validate: Validate, version: Version
) -> None:
    suspended = event_of(make_alert(family="unknown", suspended=True), version)
    validate(suspended, version)
    assert suspended["alert"]["metadata"]["guarantee"] == ["suspended"]
    assert "guarantee" not in event_of(make_alert(family="unknown"), version)["alert"]["metadata"]
