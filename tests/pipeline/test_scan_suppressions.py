"""What is suppressed is not shown by a scan either, uses up no budget, and is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from enricher.report.summary import ScanSummary

Scan = Callable[..., ScanSummary]
ReadEvents = Callable[[Path], list[dict[str, Any]]]


def key(event: dict[str, Any]) -> tuple[str, str]:
    return event["src_ip"], event["alert"]["metadata"]["family"][0]


def test_a_suppressed_source_and_family_is_hidden_and_makes_room_for_others(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    run_scan([site], tmp_path / "all", "alerts.per_day=1000")
    everything = {event["alert"]["metadata"]["alert_id"][0]: event
                  for event in read_events(tmp_path / "all")}  # fmt: skip
    run_scan([site], tmp_path / "one", "alerts.per_day=1")
    (first,) = read_events(tmp_path / "one")
    source, family = key(first)
    rule = {"source": source, "family": family, "reason": "a scanner of ours"}
    rules = f"suppressions={json.dumps([rule])}"

    summary = run_scan([site], tmp_path / "less", "alerts.per_day=1000", rules)
    left = {event["alert"]["metadata"]["alert_id"][0] for event in read_events(tmp_path / "less")}
    assert left == {name for name, event in everything.items() if key(event) != (source, family)}
    hidden = len(everything) - len(left)
    assert hidden > 0
    notes = [note.text for note in summary.notes]
    words = f"source {source}/32, family {family} (a scanner of ours)"
    assert f"Suppressed alerts: {hidden}, {words}." in notes

    run_scan([site], tmp_path / "other", "alerts.per_day=1", rules)
    (other,) = read_events(tmp_path / "other")
    assert key(other) != (source, family)


def test_a_suppression_hides_single_records_too(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    run_scan([site], tmp_path / "all", "alerts.every_record=true")
    everything = [key(event) for event in read_events(tmp_path / "all")]
    source = everything[0][0]
    rules = f"suppressions={json.dumps([{'source': source, 'reason': 'known'}])}"
    run_scan([site], tmp_path / "less", "alerts.every_record=true", rules)
    left = [key(event) for event in read_events(tmp_path / "less")]
    assert left == [one for one in everything if one[0] != source]
