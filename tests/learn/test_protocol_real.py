"""The quick part of the few-shot protocol, on real logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from enricher.cli.evaluate import command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("few-shot")
    arguments = ["--data", str(shared_data), "--out", str(out), "--protocol", "p1", "--quick"]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "worst" in (out / "few-shot.md").read_text()
    content = json.loads((out / "few-shot.json").read_text())
    assert isinstance(content, dict)
    return content


def lines(result: dict[str, Any], shots: int, *, recorded: bool = True) -> list[dict[str, Any]]:
    origin = "recorded" if recorded else "synthetic"
    return [line for line in result["lines"] if line["shots"] == shots and line["origin"] == origin]


def test_every_kind_is_measured_at_every_number_of_records(result: dict[str, Any]) -> None:
    for shots in (0, 1, 10):
        tables = {line["table"] for line in lines(result, shots)}
        assert {"conn", "dns tunnels"} <= tables


def test_ten_records_of_an_unseen_family_tell_it_from_benign_traffic(
    result: dict[str, Any],
) -> None:
    ours = [line for line in lines(result, 10) if line["role"] == "ours"]
    assert ours
    for line in ours:
        assert line["figures"]["auroc"] > 0.9, line


def test_no_baseline_that_sees_labels_is_under_chance(result: dict[str, Any]) -> None:
    forests = [line for line in lines(result, 10) if line["method"].startswith("random forest")]
    assert forests
    assert all(line["figures"]["auroc"] > 0.5 for line in forests)


def test_ours_and_the_best_baseline_are_held_against_each_other(result: dict[str, Any]) -> None:
    assert result["gate"]
    for duel in result["gate"]:
        assert 0.0 <= duel["miss"] <= 1.0
        assert duel["worst"][0]
