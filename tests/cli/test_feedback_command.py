"""``enricher feedback`` from the outside: usage, what is printed, and that nothing escapes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from enricher.cli.feedback import command
from enricher.errors import InputError
from enricher.families.feedback import Feedback, FeedbackStore

ROOT = Path(__file__).resolve().parents[2]
ALERT = "00112233445566ff"


def run(state: Path, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--state", str(state)])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--list"),
        ((ALERT,), "--false-positive and --true-positive"),
        ((ALERT, "--false-positive", "--true-positive"), "--false-positive and --true-positive"),
        ((ALERT, "--false-positive", "--family", "x"), "teaches no family"),
        ((ALERT, "--true-positive", "--reason", "a\x1b[31m"), "--reason"),
        ((ALERT, "--true-positive", "--reason", "x" * 501), "--reason"),
        ((ALERT, "--list"), "stands alone"),
        (("--list", "--false-positive"), "stands alone"),
    ],
)
def test_wrong_usage_says_what_is_right(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    result = run(tmp_path, *words)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []


def test_an_alert_that_is_not_known_leaves_the_state_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for alert in (ALERT, "'; DROP TABLE alerts; --", "\x1b]0;title\x07"):
        result = run(state, alert, "--false-positive")
        assert result.exit_code == 1
        assert isinstance(result.exception, InputError)
        assert result.exception.message.isprintable()
    assert not state.exists()


def test_a_list_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    result = run(tmp_path / "state", "--list")
    assert result.exit_code == 0
    assert "enricher feedback ALERT_ID" in result.output
    assert not (tmp_path / "state").exists()
    assert json.loads(run(tmp_path / "state", "--list", "--json").output) == {
        "families": {}, "feedback": [],
    }  # fmt: skip


def test_the_list_shows_counts_and_words_and_no_escapes(tmp_path: Path) -> None:
    hostile = Feedback(
        ALERT, "false-positive", "conn", "[red]scan\x1b[31m", None, "ana", 1e9,
        "because \u202eof\x07 it", b"evidence",
    )  # fmt: skip
    FeedbackStore(tmp_path).put(hostile)
    result = run(tmp_path, "--list")
    assert result.exit_code == 0
    assert ALERT in result.output
    assert "[red]scan" in result.output
    assert [c for c in result.output if c in "\x1b\x07\u202e"] == []
    plain = json.loads(run(tmp_path, "--list", "--json").output)
    assert plain["families"] == {"[red]scan\x1b[31m": {"confirmed": 0, "false": 1}}
    assert plain["feedback"][0]["alert_id"] == ALERT
    assert "evidence" not in plain["feedback"][0]


def test_the_list_does_not_wait_for_heavy_libraries(tmp_path: Path) -> None:
    said = Feedback(ALERT, "false-positive", "conn", "scan", None, "ana", 1e9, "", b"evidence")
    FeedbackStore(tmp_path).put(said)
    code = (
        "import sys; from enricher.cli.feedback import command; "
        "command(['--list', '--state', sys.argv[1]], standalone_mode=False); "
        "heavy = ('torch', 'numba', 'polars', 'numpy', 'matplotlib', 'yaml'); "
        "print([x for x in heavy if x in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
