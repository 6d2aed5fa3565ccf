from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from enricher.errors import EngineError
from enricher.rulegen.engine.configuration import write_configuration
from enricher.rulegen.engine.control import Control
from enricher.rulegen.engine.outcome import FailedRule, RulesetStats
from enricher.rulegen.engine.suricata import Engine

GOOD = 'alert tcp any any -> any any (msg:"good"; flow:to_server; content:"abc"; sid:100000{};)\n'


@dataclass
class Running:
    control: Control
    rules: Path
    other: Path


@pytest.fixture(scope="module")
def running(engine: Engine) -> Iterator[Running]:
    """Suricata on the loopback interface."""
    if os.geteuid() != 0 or shutil.which("suricatasc") is None:
        pytest.skip("a running Suricata needs root and suricatasc")
    # A socket's path may be no longer than 108 bytes, so not in pytest's folder.
    with tempfile.TemporaryDirectory(prefix="enricher-live-") as name:
        folder = Path(name)
        rules, other = folder / "ours.rules", folder / "other.rules"
        configuration = write_configuration(engine, folder)
        settings = yaml.safe_load(configuration.read_text())
        settings["unix-command"] = {"enabled": True, "filename": str(folder / "socket")}
        settings["default-rule-path"] = str(folder)
        settings["rule-files"] = [rules.name, other.name]
        configuration.write_text(f"%YAML 1.1\n---\n{yaml.safe_dump(settings)}")
        rules.write_text(GOOD.format(1))
        other.write_text(GOOD.format(2))
        command = [str(engine.path), "-c", str(configuration), "-l", name, "--pcap=lo"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
            try:
                control = Control(folder / "socket")
                until = time.monotonic() + 60
                while not _answers(control):
                    assert p.poll() is None
                    assert time.monotonic() < until
                    time.sleep(0.2)
                yield Running(control, rules, other)
            finally:
                p.kill()


def _answers(control: Control) -> bool:
    try:
        control.version()
    except EngineError:
        return False
    return True


@pytest.fixture(autouse=True)
def _rules(request: pytest.FixtureRequest) -> None:
    if "running" in request.fixturenames:
        live: Running = request.getfixturevalue("running")
        live.rules.write_text(GOOD.format(1))
        live.other.write_text(GOOD.format(2))


def test_the_running_engine_tells_its_version_and_uptime(running: Running, engine: Engine) -> None:
    assert running.control.version().startswith(engine.version)
    assert running.control.uptime() >= 0


def test_a_reload_loads_what_the_rules_file_has_now(running: Running) -> None:
    running.rules.write_text(GOOD.format(1) + GOOD.format(3))
    outcome = running.control.reload(ours=running.rules, expected=3)
    assert (outcome.succeeded, outcome.reason) == (True, "")
    assert outcome.stats == RulesetStats(loaded=3, failed=0, skipped=0)


def test_a_reload_in_which_one_of_ours_fails_is_no_success(running: Running) -> None:
    running.rules.write_text(GOOD.format(1) + GOOD.format(3).replace("content", "contend"))
    outcome = running.control.reload(ours=running.rules)
    assert not outcome.succeeded
    assert [(rule.file, rule.line) for rule in outcome.failed] == [(running.rules, 2)]
    assert "contend" in outcome.failed[0].rule
    assert "line 2" in outcome.reason


def test_a_rule_that_fails_in_another_file_is_not_ours(running: Running) -> None:
    running.other.write_text("garbage\n")
    outcome = running.control.reload(ours=running.rules)
    assert outcome.succeeded
    assert [rule.file for rule in outcome.failed_elsewhere] == [running.other]
    assert not running.control.reload().succeeded


def test_a_reload_without_the_rules_file_is_no_success(running: Running) -> None:
    running.rules.unlink()
    outcome = running.control.reload(ours=running.rules, expected=2)
    assert not outcome.succeeded
    assert "1 rules are loaded, 2 were expected" in outcome.reason


def test_reloads_that_follow_each_other_at_once_all_end(running: Running) -> None:
    assert all(running.control.reload(expected=2).succeeded for _ in range(3))


def test_a_command_that_the_engine_does_not_know_is_an_error(running: Running) -> None:
    with pytest.raises(EngineError, match="no-such-command"):
        running.control.command(["no-such-command"])


def test_a_command_that_the_engine_refuses_is_an_error(running: Running) -> None:
    with pytest.raises(EngineError, match="refused"):
        running.control.command(["conf-get", "no.such.variable"])


def test_without_a_socket_it_is_said_what_to_do(tmp_path: Path) -> None:
    if shutil.which("suricatasc") is None:
        pytest.skip("suricatasc is not installed")
    with pytest.raises(EngineError, match="unix-command enabled"):
        Control(tmp_path / "none").version()
    with pytest.raises(EngineError, match="no-such-client is not on the PATH"):
        Control(tmp_path / "none", program="no-such-client").version()


@pytest.mark.parametrize("words", [[], [""], ["version", "a b"], ["a\nb"]])
def test_a_word_cannot_become_two(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(EngineError, match="without space"):
        Control(tmp_path / "none").command(words)


@pytest.mark.parametrize("answer", [None, 1, [1], [{}], {"a": 1}, [{"rules_loaded": "x"}]])
def test_an_answer_of_another_shape_is_an_error(answer: object) -> None:
    with pytest.raises(EngineError, match="ruleset-stats"):
        RulesetStats.of(answer)
    with pytest.raises(EngineError, match="ruleset-failed-rules"):
        FailedRule.all_of(answer)
