"""What Zeek is to look for is the attacker's alone: neither ordinary, nor of this site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from enricher.rulegen.policy import load_ordinary
from enricher.verdicts import Choice, Ordinary, Verdict, indicators_of, read_event

MakeEvent = Callable[..., dict[str, Any]]
Found = list[tuple[str, str]]
OutOf = Callable[..., Found]
SHIPPED = Ordinary.of(load_ordinary())


@pytest.fixture
def out_of(make_event: MakeEvent) -> OutOf:
    """Type and value of the indicators of an event, without ``Intel::``."""

    def make(*args: Any, chosen: Choice | None = None, **kwargs: Any) -> Found:
        verdict = read_event(make_event(*args, **kwargs))
        assert isinstance(verdict, Verdict)
        found = indicators_of(verdict, chosen or Choice(SHIPPED))
        return [(one.type.removeprefix("Intel::"), one.value) for one in found]

    return make


def test_lines_are_those_that_the_intelligence_framework_reads(
    make_event: MakeEvent, files_of: Callable[..., dict[str, list[dict[str, Any]]]]
) -> None:
    event = make_event("http", {"host": "evil.example.org", "uri": "/Gate.php", "user_agent": "X"})
    rows = files_of(event)["intel.dat"]
    assert [(row["indicator"], row["indicator_type"]) for row in rows] == [
        (b"8.8.4.4", b"Intel::ADDR"),
        (b"evil.example.org", b"Intel::DOMAIN"),
        (b"evil.example.org/gate.php", b"Intel::URL"),
        (b"x", b"Intel::SOFTWARE"),
    ]
    alert_id = event["alert"]["metadata"]["alert_id"][0]
    for row in rows:
        assert list(row) == [
            "indicator", "indicator_type", "meta.source", "meta.desc", "meta.url", "expires",
        ]  # fmt: skip
        assert row["meta.source"] == b"enricher"
        assert row["meta.desc"] == f"sql-injection, score 0.987, alert {alert_id}".encode()
        assert row["meta.url"] is None
        assert row["expires"] == b"1767355200.123456"


@pytest.mark.parametrize("version", [7, 8])
def test_the_name_of_a_query_is_one_in_either_version_of_eve(out_of: OutOf, version: int) -> None:
    found = out_of("dns", {"query": "X1.Evil.Example."}, version=version)
    assert ("DOMAIN", "x1.evil.example") in found


def test_the_name_that_tls_begins_with_is_one(out_of: OutOf) -> None:
    assert ("DOMAIN", "evil.example.org") in out_of("ssl", {"server_name": "Evil.Example.org"})


def test_only_confident_alerts_of_a_family_give_any(out_of: OutOf) -> None:
    assert not out_of("conn", family="unknown", score=1.0)
    assert not out_of("conn", score=0.899)
    assert not out_of("conn", score=1.0, suspended=True)
    assert out_of("conn", score=0.9)
    assert out_of("conn", score=0.5, chosen=Choice(SHIPPED, score=0.5))


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.31.0.1", "192.168.0.1", "127.0.0.1", "169.254.1.1", "100.64.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.251", "240.0.0.1", "203.0.113.1", "192.0.2.1",  # noqa: S104 - none is listened at
        "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::fb", "ff0e::1", "2001:db8::1",
        "::ffff:10.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_is_none_of_a_host_out_there_never_is(out_of: OutOf, address: str) -> None:
    assert ("ADDR", address) not in out_of("conn", {"id.resp_h": address, "id.orig_h": address})
    assert not out_of("conn", {"id.resp_h": address, "id.orig_h": address})


def test_networks_that_are_the_sites_own_are_inside_whatever_they_are(out_of: OutOf) -> None:
    ends = {"id.orig_h": "1.1.1.1", "id.resp_h": "9.9.9.9", "host": "www.own.example", "uri": "/x"}
    own = Choice(SHIPPED, local=(ip_network("9.9.9.0/24"), ip_network("2001:db8::/32")))
    assert out_of("http", ends, chosen=own) == [("ADDR", "1.1.1.1")]
    passing = ends | {"id.resp_h": "9.9.8.9"}
    assert dict(out_of("http", passing, chosen=own)) == {
        "ADDR": "9.9.8.9", "DOMAIN": "www.own.example", "URL": "www.own.example/x",
    }  # fmt: skip


def test_of_two_public_addresses_either_may_be_ours_so_none_is_one(out_of: OutOf) -> None:
    ends = {"id.orig_h": "2600::1", "id.resp_h": "2606:4700::1", "host": "a.example", "uri": "/x"}
    assert out_of("http", ends | {"user_agent": "XSStrike"}) == [("SOFTWARE", "xsstrike")]
    assert not out_of("dns", ends | {"query": "a.example"})
    assert not out_of("conn", ends)


def test_a_resolver_did_not_do_what_was_asked_through_it(out_of: OutOf) -> None:
    assert out_of("dns", {"query": "evil.example"}) == [("DOMAIN", "evil.example")]
    for port, there in ((53, False), (853, False), (443, True)):
        assert bool(out_of("conn", {"id.resp_p": port})) is there


def test_a_request_from_outside_does_not_make_our_own_server_one(out_of: OutOf) -> None:
    came_in = {"id.orig_h": "1.1.1.1", "id.resp_h": "10.0.0.80"}
    http = came_in | {"host": "www.own.example", "uri": "/shop?id=1'", "user_agent": "sqlmap/1.7"}
    assert out_of("http", http) == [("ADDR", "1.1.1.1"), ("SOFTWARE", "sqlmap/1.7")]
    assert out_of("ssl", came_in | {"server_name": "www.own.example"}) == [("ADDR", "1.1.1.1")]
    assert out_of("dns", came_in | {"query": "ns.own.example"}) == [("ADDR", "1.1.1.1")]


def test_a_query_of_ours_is_one_wherever_the_resolver_stands(out_of: OutOf) -> None:
    for resolver in ("10.0.0.53", "8.8.8.8", "203.0.113.9"):
        assert ("DOMAIN", "evil.example") in out_of(
            "dns", {"query": "evil.example", "id.resp_h": resolver}
        )


@pytest.mark.parametrize(
    "name",
    [
        "localhost", "evil", "1.2.0.192.in-addr.arpa", "1.0.ip6.arpa", "host.local", "wpad.lan",
        "9.9.9.9", "[2001:db8::1]", "a..example", ".example.org", "-", "-a.example.org",
        "a b.example.org", "a\tb.example.org", "*.example.org", "exämple.org", "a" * 64 + ".org",
        "a." * 130 + "org", "example.123", "", "www.google.com", "WWW.GOOGLE.COM.",
        "ocsp.digicert.com", "evil.example.org/path", "evil.example.org:99999999", "\ufffd.org",
    ],
)  # fmt: skip
def test_what_is_no_name_of_somebody_out_there_is_none(out_of: OutOf, name: str) -> None:
    found = out_of("dns", {"query": name, "id.resp_h": "10.0.0.53"})
    found += out_of("http", {"host": name}) + out_of("ssl", {"server_name": name})
    assert not [one for one in found if one[0] == "DOMAIN"]


def test_the_port_of_a_host_is_no_part_of_its_name(out_of: OutOf) -> None:
    assert ("DOMAIN", "evil.example.org") in out_of("http", {"host": "Evil.example.org:8080"})


@pytest.mark.parametrize(
    ("record", "url"),
    [
        ({}, "evil.example.org/gate.php?id=1"),
        ({"id.resp_p": 8080}, "evil.example.org:8080/gate.php?id=1"),
        ({"host": "evil.example.org:81", "id.resp_p": 81}, "evil.example.org:81/gate.php?id=1"),
        ({"host": None}, "8.8.4.4/gate.php?id=1"),
        ({"host": None, "id.resp_h": "2606:4700::1"}, "[2606:4700::1]/gate.php?id=1"),
        ({"host": "8.8.4.4"}, "8.8.4.4/gate.php?id=1"),
        ({"host": "raw.githubusercontent.com"}, "raw.githubusercontent.com/gate.php?id=1"),
        ({"host": "10.0.0.1"}, None),
        ({"host": "intranet"}, None),
        ({"uri": "/"}, None),
        ({"uri": "//"}, None),
        ({"uri": "/?q=1"}, None),
        ({"uri": "/robots.txt"}, None),
        ({"uri": "/Login.php?user=admin"}, None),
        ({"uri": "http://evil.example.org/gate.php"}, None),
        ({"uri": "/go?to=http://x.example/"}, None),
        ({"uri": "*"}, None),
        ({"uri": "/\ufffd"}, None),
        ({"uri": None}, None),
        ({"id.resp_p": None}, None),
    ],
)  # fmt: skip
def test_a_url_is_what_zeek_makes_of_the_request_and_not_ordinary(
    out_of: OutOf, record: dict[str, Any], url: str | None
) -> None:
    record = {"host": "evil.example.org", "uri": "/gate.php?id=1"} | record
    found = [value for type_, value in out_of("http", record) if type_ == "URL"]
    assert found == ([] if url is None else [url])


def test_a_url_of_more_than_2000_bytes_is_none(out_of: OutOf) -> None:
    host = "evil.example.org"
    for length, there in ((2000, True), (2001, False)):
        uri = "/" + "é" * 100 + "x" * (length - len(host) - 1 - 200)
        found = out_of("http", {"host": host, "uri": uri})
        assert any(type_ == "URL" for type_, _ in found) is there


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (X11; Linux x86_64)", "mozilla/4.0", "Opera/9.80 (Windows NT 6.1)",
        "curl/7.88.1", "Wget/1.14 (linux-gnu)", "python-requests/2.6.0", "Microsoft NCSI",
        "Debian APT-HTTP/1.3 (2.6.1)", "Java/1.8.0_25", "okhttp/5", " ", "x" * 513, "a\ufffd",
    ],
)  # fmt: skip
def test_an_ordinary_user_agent_is_none_in_any_version(out_of: OutOf, agent: str) -> None:
    assert "SOFTWARE" not in dict(out_of("http", {"user_agent": agent}))


@pytest.mark.parametrize("agent", ["sqlmap/1.7#stable (http://sqlmap.org)", "XSStrike", "Nikto"])
def test_the_user_agent_of_a_tool_is_one(out_of: OutOf, agent: str) -> None:
    assert dict(out_of("http", {"user_agent": agent}))["SOFTWARE"] == agent.lower()


def test_each_is_there_once_with_the_latest_alert_and_the_newest_first(
    make_event: MakeEvent,
    files_of: Callable[..., dict[str, list[dict[str, Any]]]],
    choice: Choice,
) -> None:
    events = [
        make_event("http", {"ts": ts, "uid": f"C{ts}", "user_agent": agent}, family=family)
        for ts, agent, family in (
            (1000.0, "Bad Agent", "one-family"),
            (3000.0, "BAD agent", "other-family"),
            (2000.0, "second", "one-family"),
        )
    ]
    rows = files_of(*events)["intel.dat"]
    assert [row["indicator"] for row in rows] == [b"8.8.4.4", b"bad agent", b"second"]
    assert [row["expires"] for row in rows] == [b"89400.000000", b"89400.000000", b"88400.000000"]
    assert rows[1]["meta.desc"].startswith(b"other-family")
    few = files_of(*events, chosen=replace(choice, most=2))["intel.dat"]
    assert [row["indicator"] for row in few] == [b"8.8.4.4", b"bad agent"]
