"""``enricher families discover``, ``name`` and ``dismiss`` as their user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ESCAPE = "\x1b]0;owned\x07"


def enricher(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "enricher.cli.main", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=ROOT, env=dict(os.environ),
    )  # fmt: skip


def discover(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return enricher("families", "discover", *arguments)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Requests that no site has, with a terminal's escapes in them."""
    path = tmp_path_factory.mktemp("cli") / "http.log"
    rows = [
        {
            "ts": 1.7e9 + n, "uid": f"C{ESCAPE}{n}", "id.orig_h": "10.0.0.7",
            "id.orig_p": 1024 + n, "id.resp_h": "10.0.1.1", "id.resp_p": 31337, "method": "BREW",
            "host": f"{ESCAPE}[bold]x", "uri": "/" + "\u202e%00" * 40 + str(n),
            "user_agent": "\x07" * 30, "status_code": 418, "request_body_len": 10**9,
        }
        for n in range(30)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def state(log: Path) -> Path:
    """A state whose discoveries are those of the log."""
    state = log.parent / "state"
    done = discover(log, "--state", state)
    assert done.returncode == 0, done.stderr
    for escape in ("\x1b", "\x07", "\u202e"):
        assert escape not in done.stdout
    for promise in ("d1: new", "10.0.0.7 (", "31337 (", "apart: ", "method=BREW", "[bold]x"):
        assert promise in done.stdout
    assert "ordinary records are not known" in done.stdout
    return state


def test_what_was_found_is_shown_again_without_logs_also_as_json(state: Path) -> None:
    shown = discover("--state", state)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "d1: known since" in shown.stdout
    plain = json.loads(discover("--state", state, "--json").stdout)
    assert plain["discoveries"][0]["id"] == "d1"
    assert plain["discoveries"][0]["figures"]["exemplars"][0]["fields"]["method"] == "BREW"


def test_as_json_all_that_a_program_needs_is_there(log: Path, tmp_path: Path) -> None:
    plain = json.loads(discover(log, "--state", tmp_path / "state", "--json").stdout)
    (one,) = plain["discoveries"]
    assert plain["new"] == [one["id"]] == ["d1"]
    assert plain["scored"] == {"http": 30}
    assert plain["clustered"]["http"] <= plain["sampled"]["http"] <= plain["candidates"]["http"]
    assert (plain["settled"], plain["failed"]) == ([], [])


def test_naming_and_dismissing_say_what_follows(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    discover(log, "--state", state)
    named = enricher("families", "name", "d1", "teapot", "--state", state, "--why", "418")
    assert named.returncode == 0, named.stderr
    assert "Family teapot is adapted" in named.stdout
    assert "teapot" in enricher("families", "list", "--state", state).stdout
    refused = enricher("families", "dismiss", "d1", "--state", state)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "named 'teapot' already" in refused.stderr
    assert "d1: named teapot" in discover("--state", state).stdout


def test_dismissing_as_json(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    discover(log, "--state", state)
    done = enricher("families", "dismiss", "d1", "--state", state, "--why", "ours", "--json")
    plain = json.loads(done.stdout)
    assert (plain["status"], plain["why"], plain["covered"]) == ("dismissed", "ours", 1.0)
    assert "There is no family here" in discover(log, "--state", state).stdout


@pytest.mark.parametrize("why", ["x" * 501, "a\x1b[31m"])
def test_a_reason_that_can_not_be_shown_is_refused(tmp_path: Path, why: str) -> None:
    for command in (["dismiss", "d1"], ["name", "d1", "x"]):
        done = enricher("families", *command, "--state", tmp_path, "--why", why)
        assert done.returncode == 2
        assert "--why" in done.stderr


def test_a_site_without_discoveries_has_none(tmp_path: Path) -> None:
    done = discover("--state", tmp_path / "none")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no family here" in done.stdout
    assert not (tmp_path / "none").exists()
