"""A scan holds unknown records against chance, and says when its promise is suspended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enricher.config import Settings
from enricher.pipeline.calibration import calibrate_paths
from enricher.report.progress import progress
from enricher.report.summary import ScanSummary
from enricher.simulate import generate

Scan = Callable[..., ScanSummary]
ReadEvents = Callable[[Path], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def benign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benign") / "logs"
    generate(folder, seed=11, hours=3, hosts=10, families=[])
    return folder


@pytest.fixture
def state(benign: Path, settings_with: Callable[..., Settings]) -> Path:
    settings = settings_with()
    calibrate_paths([benign], settings, lambda size, label: progress(size, label=label, quiet=True))
    return settings.state


def pretend_that_traffic_was_tamer(state: Path) -> None:
    """Make the novelty that was calibrated on so small that all traffic is beyond it."""
    for path in (state / "calibration").glob("*.json"):
        values = json.loads(path.read_bytes())
        values["conformal"] = [score * 0.01 for score in values["conformal"]]
        values["novelty_alpha"] = 0.001
        path.write_text(json.dumps(values))


def test_the_traffic_of_the_calibration_has_not_drifted(
    benign: Path, state: Path, tmp_path: Path, run_scan: Scan
) -> None:
    assert state.is_dir()
    summary = run_scan([benign], tmp_path / "out")
    assert set(summary.drift) == set(summary.kinds)
    assert all(drift.since is None for drift in summary.drift.values())
    assert not any("drift" in note.text for note in summary.notes)


@pytest.mark.parametrize("changes", [[], ["alerts.every_record=true"]])
def test_drift_is_told_and_the_alerts_after_it_are_marked(
    benign: Path, state: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents,
    changes: list[str],
) -> None:  # fmt: skip
    pretend_that_traffic_was_tamer(state)
    summary = run_scan([benign], tmp_path / "out", "alerts.per_day=100000", *changes)
    since = {kind: drift.since for kind, drift in summary.drift.items()}
    drifted = [kind for kind, start in since.items() if start is not None]
    assert drifted
    assert len([n for n in summary.notes if n.text.startswith("drift:")]) == len(drifted)
    assert "promise is suspended" in (tmp_path / "out" / "report.html").read_text()
    marks = [
        event["alert"]["metadata"].get("guarantee")
        for event in read_events(tmp_path / "out")
        if event["alert"]["metadata"]["family"] == ["unknown"]
    ]
    assert ["suspended"] in marks
    assert None in marks  # before the martingale had seen enough


def test_every_group_of_unknown_records_is_written_held_back_or_put_down_to_chance(
    benign: Path, state: Path, tmp_path: Path, run_scan: Scan
) -> None:
    for path in (state / "calibration").glob("*.json"):
        values = json.loads(path.read_bytes())
        path.write_text(json.dumps(values | {"novelty_alpha": 0.01}))
    plain = run_scan([benign], tmp_path / "a", "alerts.false_discovery_rate=1.0")
    strict = run_scan([benign], tmp_path / "b", "alerts.false_discovery_rate=0.001")
    # No record is among the rarest 0.1 % of the calibration that it was in: nothing stands out.
    assert strict.alerts.written.get("unknown", 0) < plain.alerts.written["unknown"]
    assert strict.alerts.within_chance > plain.alerts.within_chance
    groups = [
        one.alerts.written.get("unknown", 0)
        + one.alerts.held_back.get("unknown", 0)
        + one.alerts.within_chance
        for one in (plain, strict)
    ]
    assert groups[0] == groups[1]
    assert strict.totals.unknown == plain.totals.unknown  # the verdict of a record stays
    assert "expected by chance" in (tmp_path / "b" / "report.html").read_text()
