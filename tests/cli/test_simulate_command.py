from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from enricher.cli.simulate import command
from enricher.errors import InputError


def test_it_writes_logs_and_says_what(tmp_path: Path) -> None:
    out = tmp_path / "logs"
    arguments = ["--out", str(out), "--seed", "3", "--hours", "0.2", "--hosts", "6"]
    result = CliRunner().invoke(
        command, [*arguments, "--families", "dga, vertical-scan"], catch_exceptions=False
    )
    assert result.exit_code == 0
    told = json.loads((out / "labels.json").read_text())
    assert set(told["families"]) == {"benign", "dga", "vertical-scan"}
    assert {p.name for p in out.iterdir()} == {
        "conn.log", "dns.log", "http.log", "ssl.log", "labels.json",
    }  # fmt: skip
    first = result.stdout.splitlines()
    assert first[0].split() == ["family", "conn", "http", "dns", "ssl"]
    assert f"{sum(told['records'].values()):,} records" in first[-1]


def test_unknown_families_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "logs"
    with pytest.raises(InputError, match="unknown family"):
        CliRunner().invoke(command, ["--out", str(out), "--families", "x"], catch_exceptions=False)
    assert not out.exists()
