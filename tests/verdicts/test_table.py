"""The table of alerts says what the alert says, in Zeek's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from enricher.verdicts import Choice, Entry, Verdict, make_files, read_event

Event = dict[str, Any]
MakeEvent = Callable[..., Event]
FilesOf = Callable[..., dict[str, list[dict[str, bytes | None]]]]


def test_a_line_has_every_column_of_the_contract_in_its_order(
    make_event: MakeEvent, choice: Choice
) -> None:
    event = make_event("http", {"host": "evil.example.org", "uri": "/gate.php"})
    verdict = read_event(event)
    assert isinstance(verdict, Verdict)
    head, row, end = make_files([Entry.of(verdict, choice)], 0.0, choice)["verdicts.dat"].split(
        b"\n"
    )
    assert head.decode().split("\t") == [
        "#fields", "alert_id", "ts", "uid", "orig_h", "orig_p", "resp_h", "resp_p", "family",
        "score", "p_value", "signature", "severity", "kind", "community_id", "expires",
    ]  # fmt: skip
    assert row.decode().split("\t") == [
        event["alert"]["metadata"]["alert_id"][0], "1767268800.123456", "CyYLtc1eq5IBd3GmvS",
        "10.0.0.7", "50000/tcp", "8.8.4.4", "80/tcp", "sql-injection", "0.987400", "0.00135",
        "ENRICHER Family sql-injection", "2", "http", "1:WAackQy+VtqEqkX9MAIP8qwmQ80=",
        "1767272400.123456",
    ]  # fmt: skip
    assert end == b""


@pytest.mark.parametrize(
    ("record", "ports"),
    [
        ({"proto": "udp", "id.resp_p": 53}, (b"50000/udp", b"53/udp")),
        ({"proto": "icmp", "id.orig_p": 8, "id.resp_p": 0}, (b"8/icmp", b"0/icmp")),
        ({"proto": "icmp", "id.orig_p": 3, "id.resp_p": 1}, (b"3/icmp", b"1/icmp")),
        ({"proto": "icmp", "id.orig_p": 13, "id.resp_p": 14}, (b"13/icmp", b"14/icmp")),
        ({"proto": "sctp", "id.resp_p": 9}, (b"50000/unknown", b"9/unknown")),
        ({"proto": "gre"}, (b"0/unknown", b"0/unknown")),
        ({"proto": "tcp", "id.orig_p": None}, (b"0/unknown", b"80/tcp")),
        (
            {"proto": "icmp", "id.orig_h": "fe80::1", "id.resp_h": "fe80::2", "id.orig_p": 135,
             "id.resp_p": 136},
            (b"135/icmp", b"136/icmp"),
        ),
    ],
)  # fmt: skip
def test_ports_are_those_of_zeeks_connection(
    make_event: MakeEvent, files_of: FilesOf, record: Event, ports: tuple[bytes, bytes]
) -> None:
    (row,) = files_of(make_event("conn", record))["verdicts.dat"]
    assert (row["orig_p"], row["resp_p"]) == ports


def test_what_is_not_known_is_absent(make_event: MakeEvent, files_of: FilesOf) -> None:
    event = make_event("conn", {"uid": None, "community_id": None, "proto": None})
    del event["flow"], event["alert"]["metadata"]["log_records"]
    (row,) = files_of(event)["verdicts.dat"]
    assert {name for name, value in row.items() if value is None} == {"uid", "kind", "community_id"}


def test_the_kind_is_known_without_the_object_of_its_protocol_too(
    make_event: MakeEvent, files_of: FilesOf
) -> None:
    kinds = [make_event(kind) for kind in ("conn", "http", "dns", "ssl")]
    kinds[1].pop("http", None)
    rows = files_of(*kinds)["verdicts.dat"]
    assert {row["kind"] for row in rows} == {b"conn", b"http", b"dns", b"ssl"}


def test_an_address_of_ipv4_within_ipv6_is_one_of_ipv4(
    make_event: MakeEvent, files_of: FilesOf
) -> None:
    event = make_event("conn", {"id.resp_h": "::ffff:8.8.4.4", "id.orig_h": "2001:DB8:0::1"})
    (row,) = files_of(event)["verdicts.dat"]
    assert (row["orig_h"], row["resp_h"]) == (b"2001:db8::1", b"8.8.4.4")


def test_an_alert_without_two_addresses_is_left_out_and_said_to_be(make_event: MakeEvent) -> None:
    for name in ("id.orig_h", "id.resp_h"):
        assert read_event(make_event("conn", {name: None})) == "no_addresses"
        assert read_event(make_event("conn", {name: "no address"})) == "no_addresses"


def test_only_the_first_word_on_an_alert_is_taken(make_event: MakeEvent) -> None:
    assert isinstance(read_event(make_event(state="opening")), Verdict)
    assert isinstance(read_event(make_event(state="whole")), Verdict)
    assert read_event(make_event(state="closing")) == "closing"


def test_the_newest_come_first_and_no_more_than_wanted(
    make_event: MakeEvent, files_of: FilesOf, choice: Choice
) -> None:
    events = [make_event("http", {"ts": float(ts), "uid": f"C{ts}"}) for ts in (300, 100, 200, 300)]
    events[3]["alert"]["metadata"]["alert_id"] = ["0123456789abcdef"]
    rows = files_of(*events, chosen=replace(choice, most=3))["verdicts.dat"]
    assert [row["ts"] for row in rows] == [b"300.000000", b"300.000000", b"200.000000"]
    assert rows[0]["alert_id"] == b"0123456789abcdef"


def test_an_alert_that_is_there_twice_is_told_once(
    make_event: MakeEvent, files_of: FilesOf
) -> None:
    assert len(files_of(make_event(), make_event())["verdicts.dat"]) == 1


def test_what_has_expired_is_left_out_of_each_file_by_its_own_time(
    make_event: MakeEvent, files_of: FilesOf, choice: Choice
) -> None:
    events = [make_event("conn", {"ts": ts, "uid": f"C{ts}"}) for ts in (1000.0, 2000.0)]
    chosen = replace(choice, notice_seconds=60.0, intel_seconds=500.0)

    def counts(now: float) -> tuple[int, int]:
        files = files_of(*events, now=now, chosen=chosen)
        return len(files["verdicts.dat"]), len(files["intel.dat"])

    assert counts(1059.9) == (2, 1)
    assert counts(1060.0) == (1, 1)
    assert counts(2060.0) == (0, 1)
    assert counts(2500.0) == (0, 0)


STRANGERS: tuple[object, ...] = (
    None, [], "x", {}, {"event_type": "flow"}, {"event_type": "alert"},
    {"event_type": "alert", "alert": {"metadata": {"alert_id": ["4b0eefeba0396e81"]}}},
    {"event_type": "alert", "alert": {"signature": "ET SCAN", "metadata": {}}},
)  # fmt: skip
WRONG: tuple[tuple[str, object], ...] = (
    ("alert_id", ["../../etc"]), ("alert_id", "4b0eefeba0396e81"), ("family", ["benign"]),
    ("family", ["a\nb"]), ("family", []), ("score", ["nan"]), ("score", ["1.5"]),
    ("score", [0.9]), ("p_value", ["-inf"]), ("state", ["else"]), ("state", [["opening"]]),
)  # fmt: skip


def test_what_is_no_alert_of_ours_is_none(make_event: MakeEvent) -> None:
    for stranger in STRANGERS:
        assert read_event(stranger) == "foreign"
    for name, value in WRONG:
        event = make_event()
        event["alert"]["metadata"][name] = value
        assert read_event(event) == "foreign", name
    for when in ("2026-01-01", 7, "x" * 99):
        assert read_event(make_event() | {"timestamp": when}) == "foreign"


def test_what_events_say_of_themselves_is_what_is_read(make_event: MakeEvent) -> None:
    """The reader knows the writer: none of its alerts is taken for somebody else's."""
    for family in ("unknown", "a family of ours", "ddos-flood"):
        for score in (0.0, 1.0, 0.5):
            found = read_event(make_event(family=family, score=score, suspended=True))
            assert isinstance(found, Verdict)
            assert (found.family, found.score, found.suspended) == (family, score, True)
