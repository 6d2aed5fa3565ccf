"""Whatever an attacker puts into a record, Zeek reads the lines that were meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import EventOptions, family_label, render, single, to_event
from enricher.alerts.alert import Detection
from enricher.logs import KINDS, SCHEMAS
from enricher.verdicts import (
    Choice,
    Entry,
    Indicator,
    Ordinary,
    Verdict,
    indicators_of,
    make_files,
    read_event,
)
from enricher.verdicts.zeek_text import field, line

Rows = list[dict[str, bytes | None]]
AsZeek = Callable[[bytes], Rows]
CHOICE = Choice(Ordinary(), score=0.0)
NASTY = st.one_of(
    st.text(max_size=30),
    st.text("\t\n\r\\x09#-() \0\x1b\x7f\x85\u2028é", max_size=12),
    st.sampled_from([
        "-", "(empty)", "#", "#fields\tindicator", "\\x09", "\\", "\\\\x0a", "a\r", "\n#close",
        "Intel::ADDR", ",", "evil.example.org", "/a\tb", "/x\ny\tIntel::ADDR\tz", "8.8.8.8",
    ]),
)  # fmt: skip
ADDRESS = st.one_of(st.ip_addresses().map(str), st.sampled_from(["8.8.8.8", "10.0.0.1"]), NASTY)
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """The event of a record whose every text somebody chose."""
    kind = draw(st.sampled_from(KINDS))
    record: dict[str, Any] = dict.fromkeys(SCHEMAS[kind])
    record |= {
        "ts": draw(st.floats(0, 253_402_300_799.0)), "uid": draw(NASTY), "proto": "tcp",
        "id.orig_h": draw(ADDRESS), "id.orig_p": 1, "id.resp_h": draw(ADDRESS), "id.resp_p": 80,
    }  # fmt: skip
    for name in ("host", "uri", "user_agent", "query", "server_name", "community_id"):
        if name in record:
            record[name] = draw(st.none() | NASTY)
    found = Detection(kind, record, "x.log:1", "family", "scan", "scan", 0.99, 1.5, 0.001)
    event = to_event(single(found), family_label("scan"), EventOptions(eve_version=8))
    loaded: dict[str, Any] = json.loads(render(event))
    loaded["alert"]["signature"] = draw(NASTY.filter(bool))
    return loaded


@st.composite
def broken(draw: st.DrawFn) -> dict[str, Any]:
    """An event of ours that somebody has changed in some places."""
    event = draw(records())
    places = [event, event["alert"], event["alert"]["metadata"]]
    places += [event[name] for name in ("http", "dns", "tls") if name in event]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(places))
        place[draw(st.sampled_from(sorted(place)) | NASTY)] = draw(WILD)
    return event


def encoded(value: str | None) -> bytes | None:
    return value.encode("utf-8", "replace") if value else None


@given(st.lists(st.none() | NASTY, min_size=1, max_size=6))
def test_a_line_is_read_back_as_it_was(as_zeek: AsZeek, values: list[str | None]) -> None:
    text = line(values)
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    assert not text.startswith(b"#")
    names = "\t".join(f"c{number}" for number in range(len(values)))
    (row,) = as_zeek(f"#fields\t{names}\n".encode() + text)
    assert list(row.values()) == [encoded(value) for value in values]


@given(st.text())
def test_a_value_is_written_with_nothing_that_has_a_meaning_or_does_not_print(value: str) -> None:
    text = field(value)
    assert text.isascii()
    assert text.decode().isprintable()
    assert text != b"(empty)"
    assert not text.startswith(b"#")
    assert (text == b"-") is (value == "")


@settings(max_examples=300)
@given(st.lists(records() | broken(), max_size=4))
def test_any_events_give_lines_that_zeek_reads_back_as_they_were(
    as_zeek: AsZeek, events: list[dict[str, Any]]
) -> None:
    verdicts = [one for one in map(read_event, events) if isinstance(one, Verdict)]
    files = make_files([Entry.of(one, CHOICE) for one in verdicts], 0.0, CHOICE)
    by_id = {one.alert_id: one for one in sorted(verdicts, key=lambda one: one.ts)}
    rows = {
        str(row["alert_id"], "ascii"): row
        for row in as_zeek(files["verdicts.dat"])
        if row["alert_id"]
    }
    assert set(rows) == set(by_id)
    assert files["verdicts.dat"].count(b"\n") == len(by_id) + 1
    for alert_id, row in rows.items():
        # Of alerts of one id and one time either may be told.
        same = [one for one in verdicts if one.alert_id == alert_id]
        assert row["signature"] in {encoded(one.signature) for one in same}
        assert row["uid"] in {encoded(one.uid) for one in same}
        assert row["orig_h"] in {encoded(str(one.orig_h)) for one in same}
    wanted = {found for one in verdicts for found in indicators_of(one, CHOICE)}
    items = as_zeek(files["intel.dat"])
    assert len(items) == len(wanted)
    assert {
        Indicator(str(row["indicator_type"] or b"", "ascii"), str(row["indicator"] or b"", "utf-8"))
        for row in items
    } == wanted


@given(WILD)
def test_anything_that_json_can_say_is_an_event_or_none(event: object) -> None:
    assert read_event(event) in {"foreign", "closing", "no_addresses"}


@given(broken())
def test_no_event_makes_it_fail(event: dict[str, Any]) -> None:
    found = read_event(event)
    if isinstance(found, Verdict):
        assert all(one.value for one in indicators_of(found, CHOICE))
