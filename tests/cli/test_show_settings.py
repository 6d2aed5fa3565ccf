from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from enricher.cli.show_settings import command
from enricher.config import load_settings


@pytest.fixture(autouse=True)
def _no_site_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/analyst")
    for name in ("XDG_STATE_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


def test_json_lists_every_setting_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "e.yaml"
    file.write_text("outputs:\n  eve_version: 8\ninputs:\n- path: /logs\n")
    monkeypatch.setenv("ENRICHER_DETECTOR__DEVICE", "cpu")
    result = CliRunner().invoke(
        command, ["-c", str(file), "--set", "alerts.per_day=7", "--json"], catch_exceptions=False
    )
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert set(rows) == {setting.name for setting in load_settings()}
    assert rows["outputs.eve_version"]["origin"] == f"{file}:2"
    assert rows["inputs"]["value"] == [{"path": "/logs"}]
    assert rows["detector.device"]["origin"] == "environment variable ENRICHER_DETECTOR__DEVICE"
    assert (rows["alerts.per_day"]["value"], rows["alerts.per_day"]["layer"]) == (7, "set")
    assert rows["state"]["value"] == "/home/analyst/.local/state/enricher"


def test_plain_output_has_one_line_per_setting_and_no_control_characters() -> None:
    result = CliRunner().invoke(
        command, ["--set", "outputs.sensor=\x1b[31mred"], catch_exceptions=False
    )
    lines = result.stdout.splitlines()
    assert len(lines) == len(list(load_settings()))
    assert "alerts.per_day = 50  # default" in lines
    assert "\x1b" not in result.stdout
