"""What each program that reads EVE needs, one test for each."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from enricher.alerts import Alert, EventOptions, family_label, render, to_event
from enricher.detector.labels import Attack, FamilyLabel
from enricher.detector.scores import Reason
from enricher.logs import Kind

MakeAlert = Callable[..., Alert]


TUNNEL = FamilyLabel(
    "dns-tunnel-x", "DNS tunnel", "Malware Command and Control Activity Detected", 1,
    Attack("TA0011", "Command and Control"), Attack("T1071.004", "DNS"),
)  # fmt: skip


def label_of(family: str) -> FamilyLabel:
    return TUNNEL if family == TUNNEL.name else family_label(family)


@pytest.fixture(params=[7, 8])
def lines(request: pytest.FixtureRequest, make_alert: MakeAlert) -> list[bytes]:
    """Events of every kind, with content that is hard on readers."""
    options = EventOptions(eve_version=request.param, sensor="s", in_iface="eth0", model="m 1")
    ends = {"id.orig_h": "10.0.0.1", "id.resp_h": "fe80::2", "id.orig_p": 1, "id.resp_p": 2}
    hard = "</script>\n\r\x1b[2J\u2028'\"\\ %s é"
    reasons = tuple(Reason("f", hard, 1.0) for _ in range(300))
    records: dict[Kind, dict[str, Any]] = {
        "conn": {**ends, "proto": "tcp", "service": "ssl"},
        "http": {**ends, "uri": hard * 900, "host": hard, "status_code": 200},
        "dns": {**ends, "query": hard, "answers": [hard] * 3000, "proto": "udp"},
        "ssl": {**ends, "server_name": hard, "version": "TLSv13"},
    }
    alerts = [
        make_alert(record, kind, family, reasons=reasons)
        for kind, record in records.items()
        for family in ("dns-tunnel-x", "unknown", "analyst's own")
    ]
    return [render(to_event(alert, label_of(alert.family), options)) for alert in alerts]


def test_arkime_finds_the_zone_at_bytes_26_to_30(lines: list[bytes]) -> None:
    for line in lines:
        stamp = json.loads(line)["timestamp"].encode()
        assert stamp[26:31] == b"+0000"
        assert len(stamp) == 31


def test_arkime_takes_the_signature_id_and_the_number_of_elements(lines: list[bytes]) -> None:
    def widest(value: Any) -> int:
        if not isinstance(value, (dict, list)):
            return 0
        inner = value.values() if isinstance(value, dict) else value
        return max([len(value), *map(widest, inner)])

    for line in lines:
        event = json.loads(line)
        assert 0 < event["alert"]["signature_id"] < 2**31
        assert widest(event) < 100


def test_malcolm_takes_each_line(lines: list[bytes]) -> None:
    for line in lines:
        assert re.search(rb"^{.*}$", line)
        assert len(line.splitlines()) == 1
        assert len(line.decode().splitlines()) == 1


def test_wazuh_finds_timestamp_and_event_type(lines: list[bytes]) -> None:
    for line in lines:
        event = json.loads(line)
        assert event["timestamp"]
        assert event["event_type"] == "alert"


def test_evebox_can_parse_the_time_and_group(lines: list[bytes]) -> None:
    stamp = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}[+-]\d{4}")
    for line in lines:
        event = json.loads(line)
        assert stamp.fullmatch(event["timestamp"])
        assert isinstance(event["alert"]["signature_id"], int)
        assert event["src_ip"]
        assert event["dest_ip"]


def test_evebox_is_never_told_to_archive_what_nobody_saw(lines: list[bytes]) -> None:
    assert not any("evebox-action" in json.loads(line)["alert"]["metadata"] for line in lines)


def test_filebeat_finds_rule_message_severity_and_attack(lines: list[bytes]) -> None:
    for line in lines:
        alert = json.loads(line)["alert"]
        assert alert["signature"].startswith("ENRICHER ")
        assert alert["category"]
        assert alert["severity"] in {1, 2, 3, 4}
        if alert["metadata"]["family"] == ["dns-tunnel-x"]:
            assert alert["metadata"]["mitre_tactic_id"] == ["TA0011"]
            assert alert["metadata"]["mitre_tactic_name"] == ["Command_and_Control"]
            assert alert["metadata"]["mitre_technique_id"] == ["T1071.004"]


def test_filebeat_reads_the_dates_of_the_metadata(make_alert: MakeAlert) -> None:

    options = EventOptions(model_date=dt.date(2026, 3, 4))
    event = to_event(make_alert(), family_label("x"), options)
    for name in ("created_at", "updated_at"):
        assert event["alert"]["metadata"][name] == ["2026_03_04"]


def test_postgresql_behind_a_reader_gets_no_nul(make_alert: MakeAlert) -> None:
    event = to_event(make_alert({"uri": "a\0b"}, "http"), family_label("x"), EventOptions())
    assert rb"\u0000" not in render(event)
    assert json.loads(render(event))["http"]["url"] == "a\ufffdb"


def test_model_alerts_are_kept_apart_from_rules_by_their_own_gid(lines: list[bytes]) -> None:
    assert {json.loads(line)["alert"]["gid"] for line in lines} == {1001}


def test_readers_of_numbers_get_numbers(lines: list[bytes]) -> None:
    for line in lines:
        event = json.loads(line)
        for name in ("src_port", "dest_port", "flow_id", "tx_id"):
            assert isinstance(event.get(name, 0), int)
        assert isinstance(event.get("http", {}).get("status", 0), int)
