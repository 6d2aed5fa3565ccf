"""What a scan promises its user, from files to files."""

from __future__ import annotations

import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pytest

from enricher.config import Settings
from enricher.detector.detector import Detector
from enricher.errors import EnricherError, InputError, OutputError, StateError
from enricher.logs import KINDS
from enricher.pipeline.calibration import calibrate_paths
from enricher.report.progress import progress
from enricher.report.summary import ScanSummary
from enricher.simulate import generate

Scan = Callable[..., ScanSummary]
ReadEvents = Callable[[Path], list[dict[str, Any]]]


def records_in(folder: Path) -> int:
    """Records of a directory of TSV logs, by nothing but their lines."""
    return sum(
        bool(line) and not line.startswith(b"#")
        for path in folder.rglob("*.log")
        for line in path.read_bytes().split(b"\n")
    )


def scores_of(out: Path) -> pl.DataFrame:
    return pl.read_parquet(out / "scores.parquet").sort("log", "uid", "ts", "path")


def assert_same_scores(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.height == other.height
    assert one["uid"].equals(other["uid"])
    for name in one.columns:
        if one[name].dtype == pl.Float32:
            # A p-value is a rank: a hair's breadth of novelty may be a place in it.
            near = 1e-3 if name == "p_value" else 1e-4
            np.testing.assert_allclose(one[name], other[name], rtol=1e-3, atol=near, err_msg=name)


def test_every_record_is_read_scored_and_written(
    site: Path, tmp_path: Path, run_scan: Scan
) -> None:
    summary = run_scan([site], tmp_path, scores=True)
    lines = records_in(site)
    assert summary.totals.read == lines
    assert summary.totals.scored + summary.totals.dropped_total == lines
    assert summary.balance() == []
    assert scores_of(tmp_path).height == summary.totals.scored
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "eve.json", "rejected.jsonl", "report.html", "scores.parquet", "summary.json",
    ]  # fmt: skip


def test_scores_have_the_promised_columns(site: Path, tmp_path: Path, run_scan: Scan) -> None:
    summary = run_scan([site], tmp_path, scores=True)
    scores = scores_of(tmp_path)
    fixed = ["log", "path", "uid", "ts", "score", "family", "novelty", "p_value"]
    assert scores.columns == fixed + [f"family:{name}" for name in summary.bundle.families]
    assert set(scores["log"]) == set(KINDS)
    families = scores.select(pl.col("^family:.*$"))
    assert (
        families.select(pl.all().is_between(0, 1)).select(pl.all_horizontal("*")).to_series().all()
    )
    assert scores["score"].equals(families.max_horizontal().alias("score"))
    assert set(scores["family"]) <= {"benign", "unknown", *summary.bundle.families}


@pytest.mark.parametrize("version", [7, 8])
def test_alerts_are_valid_suricata_events(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents, version: int,
    shared_data: Path,
) -> None:  # fmt: skip
    run_scan([site], tmp_path, f"outputs.eve_version={version}")
    schema = shared_data.parent / "reference" / f"eve-schema-{version}.0.json"
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_bytes()))
    found = read_events(tmp_path)
    assert found
    for event in found:
        validator.validate(event)
        assert event["alert"]["gid"] == 1001


def test_the_batch_size_changes_no_result(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    for size in (997, 65_536):
        run_scan([site], tmp_path / str(size), f"detector.batch_records={size}", scores=True)
    assert_same_scores(scores_of(tmp_path / "997"), scores_of(tmp_path / "65536"))
    ids = [
        [event["alert"]["metadata"]["alert_id"] for event in read_events(tmp_path / name)]
        for name in ("997", "65536")
    ]
    assert ids[0] == ids[1]


def test_tsv_and_json_of_the_same_traffic_have_the_same_scores(
    site: Path, tmp_path: Path, run_scan: Scan
) -> None:
    generate(tmp_path / "json", seed=3, hours=2, hosts=10, form="json")
    run_scan([site], tmp_path / "a", scores=True)
    run_scan([tmp_path / "json"], tmp_path / "b", scores=True)
    assert_same_scores(scores_of(tmp_path / "a"), scores_of(tmp_path / "b"))


def test_compression_changes_no_result(site: Path, tmp_path: Path, run_scan: Scan) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    for path in site.glob("*.log"):
        content = path.read_bytes()
        if path.stem in {"conn", "dns"}:
            (packed / f"{path.name}.gz").write_bytes(gzip.compress(content))
        else:
            (packed / f"{path.name}.xz").write_bytes(lzma.compress(content, preset=0))
    run_scan([site], tmp_path / "a", scores=True)
    run_scan([packed], tmp_path / "b", scores=True)
    assert_same_scores(scores_of(tmp_path / "a"), scores_of(tmp_path / "b"))


def test_alerts_keep_to_the_daily_budget_and_the_rest_is_counted(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    everything = run_scan([site], tmp_path / "all", "alerts.per_day=100000")
    few = run_scan([site], tmp_path / "few", "alerts.per_day=2")
    assert everything.alerts.held_back_total == 0
    assert everything.alerts.written_total > 2
    days = {event["timestamp"][:10] for event in read_events(tmp_path / "few")}
    assert few.alerts.written_total <= 2 * len(days)
    total = few.alerts.written_total + few.alerts.held_back_total
    assert total == everything.alerts.written_total


def test_every_record_gives_an_alert_for_each_flagged_record(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    summary = run_scan([site], tmp_path, "alerts.every_record=true")
    assert summary.totals.found_total > 0
    assert len(read_events(tmp_path)) == summary.totals.found_total


def test_an_alert_says_why(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    run_scan([site], tmp_path)
    for event in read_events(tmp_path):
        metadata = event["alert"]["metadata"]
        assert metadata["reasons"]
        assert metadata["zeek_uid"][0].startswith("C")
        assert 0 <= float(metadata["score"][0]) <= 1
        assert int(metadata["count"][0]) >= 1


def test_a_damaged_file_is_told_and_the_rest_is_scanned(
    site: Path, tmp_path: Path, run_scan: Scan
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "conn.log").write_bytes((site / "conn.log").read_bytes())
    whole = gzip.compress((site / "dns.log").read_bytes())
    (logs / "dns.log.gz").write_bytes(whole[: len(whole) * 3 // 4])
    summary = run_scan([logs], tmp_path / "out")
    assert [note.path for note in summary.inputs.failed] == [str(logs / "dns.log.gz")]
    assert summary.kinds["conn"].scored > 0
    assert summary.kinds["dns"].scored > 0
    assert summary.balance() == []


def test_bad_lines_are_counted_by_reason_and_kept_with_their_place(
    site: Path, tmp_path: Path, run_scan: Scan
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = (site / "conn.log").read_bytes().splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if not line.startswith(b"#"))
    lines[first] = b"\x1b[31mno record\x00\xff\n"
    lines[first + 1] = b"x" * 3_000_000 + b"\n"
    (logs / "conn.log").write_bytes(b"".join(lines))
    summary = run_scan([logs], tmp_path / "out")
    assert summary.kinds["conn"].dropped_total == 2
    kept = (tmp_path / "out" / "rejected.jsonl").read_bytes().splitlines()
    rows = sorted((json.loads(line) for line in kept), key=lambda row: row["line"])
    assert [row["line"] for row in rows] == [first + 1, first + 2]
    assert rows[1]["reason"] == "line_too_long"
    assert all(len(line) < 5000 for line in kept)
    assert all(b"\x1b" not in line for line in kept)


def test_only_so_many_bad_lines_are_kept(tmp_path: Path, site: Path, run_scan: Scan) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    head = (site / "conn.log").read_bytes()
    (logs / "conn.log").write_bytes(head + b"junk\n" * 500)
    summary = run_scan([logs], tmp_path / "out", "reading.max_rejected=100")
    assert summary.kinds["conn"].dropped_total == 500
    assert len((tmp_path / "out" / "rejected.jsonl").read_bytes().splitlines()) == 100
    assert any("400 more" in note.text for note in summary.notes)


def test_a_folder_that_cannot_be_written_is_a_clear_error(
    site: Path, tmp_path: Path, run_scan: Scan
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="--out"):
        run_scan([site], tmp_path / "file")


def test_nothing_to_scan_is_a_clear_error(tmp_path: Path, run_scan: Scan) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no Zeek or Suricata log"):
        run_scan([tmp_path / "empty"], tmp_path / "out")


def test_a_bundle_that_is_not_there_is_a_clear_error(
    site: Path, tmp_path: Path, run_scan: Scan
) -> None:
    with pytest.raises(EnricherError, match="nowhere"):
        run_scan([site], tmp_path / "out", "detector.bundle=nowhere")
    assert not (tmp_path / "out" / "eve.json").exists()


def test_calibration_keeps_to_its_budget_on_what_it_was_made_from(
    tmp_path: Path, run_scan: Scan, settings_with: Callable[..., Settings]
) -> None:
    benign = tmp_path / "benign"
    generate(benign, seed=11, hours=3, hosts=10, families=[])
    settings = settings_with("alerts.per_day=24")
    learned = calibrate_paths(
        [benign], settings, lambda size, label: progress(size, label=label, quiet=True)
    )
    assert set(learned.site) == set(KINDS)
    assert learned.failed == []
    summary = run_scan([benign], tmp_path / "out", "alerts.per_day=100000")
    assert summary.calibration.source == "site"
    trimmed = sum(one.trimmed_records for one in learned.site.values())
    hours = 4  # flow time spans at most so many
    assert summary.alerts.written_total <= 24 * hours / 24 + (trimmed > 0) * 5 + 1


def test_a_first_look_calibrates_on_the_first_records(
    site: Path, tmp_path: Path, run_scan: Scan
) -> None:
    summary = run_scan([site], tmp_path, calibrate_first=0.2)
    assert summary.calibration.source == "site"
    calibrated_on = sum(one.records for one in summary.calibration.kinds.values())
    assert 0.1 * summary.totals.scored < calibrated_on <= 0.21 * summary.totals.scored + 4
    assert any("first 20%" in note.text for note in summary.notes)


def test_a_calibration_of_another_model_is_refused(
    site: Path, tmp_path: Path, run_scan: Scan, settings_with: Callable[..., Settings]
) -> None:
    settings = settings_with()
    calibrate_paths([site], settings, lambda size, label: progress(size, label=label, quiet=True))
    stored = settings.state / "calibration" / "conn.json"
    values = json.loads(stored.read_bytes())
    stored.write_bytes(json.dumps({**values, "bundle": "0" * 64}).encode())
    with pytest.raises(StateError, match="enricher calibrate"):
        run_scan([site], tmp_path / "out")


def test_suricata_events_are_scored_and_keep_suricatas_flow_id(
    shared_data: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    summary = run_scan(
        [shared_data / "eve" / "dns-tunnels", shared_data / "eve" / "alerts"], tmp_path
    )
    assert summary.balance() == []
    assert summary.kinds["dns"].scored > 10_000
    ids = set()
    for path in (shared_data / "eve").rglob("*.gz"):
        if path.parent.name in {"dns-tunnels", "alerts"}:
            lines = gzip.decompress(path.read_bytes()).splitlines()
            ids |= {json.loads(line)["flow_id"] for line in lines}
    found = read_events(tmp_path)
    assert found
    assert all(event["flow_id"] in ids for event in found)


def test_hostile_names_and_values_do_no_harm(tmp_path: Path, run_scan: Scan) -> None:
    logs = tmp_path / "a\x1b[2J<script>\u202e"
    logs.mkdir()
    line = (
        "1700000000.0\tC1\t10.0.0.1\t1\t192.0.2.1\t80\t1\tGET\t<img src=x onerror=alert(1)>\t"
        "/{{7*7}}?a=\x1b]0;x\x07&b=$(id)';--\t\"</script>\n"
    )
    (logs / "http.log").write_text(
        "#separator \\x09\n#path\thttp\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\t"
        "id.resp_p\ttrans_depth\tmethod\thost\turi\tuser_agent\n" + line * 50
    )
    summary = run_scan([logs], tmp_path / "out", "alerts.every_record=true")
    assert summary.kinds["http"].scored == 50
    for name in ("eve.json", "summary.json", "report.html"):
        content = (tmp_path / "out" / name).read_bytes()
        assert b"\x1b" not in content
        assert b"\x07" not in content
    assert b"<img src=x" not in (tmp_path / "out" / "report.html").read_bytes()


def test_a_file_name_that_is_no_text_does_no_harm(
    site: Path, tmp_path: Path, run_scan: Scan, read_events: ReadEvents
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    folder.mkdir()
    (folder / "conn.log").write_bytes((site / "conn.log").read_bytes() + b"junk\n")
    summary = run_scan([folder], tmp_path / "out", "alerts.every_record=true", scores=True)
    assert summary.balance() == []
    assert "\\udcff" in scores_of(tmp_path / "out")["path"][0]
    assert all("conn.log:" in e["alert"]["metadata"]["log_origin"][0]
               for e in read_events(tmp_path / "out"))  # fmt: skip


def test_records_of_a_kind_that_the_model_lacks_are_counted_as_dropped(
    site: Path, tmp_path: Path, run_scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Detector, "kinds", ("conn",))
    summary = run_scan([site], tmp_path)
    assert summary.balance() == []
    assert summary.kinds["dns"].scored == 0
    assert summary.kinds["dns"].dropped == {"not_in_model": summary.kinds["dns"].read}
    assert summary.totals.read == records_in(site)
