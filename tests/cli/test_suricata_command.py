"""``enricher suricata``: what is printed, for people and for programs, and the exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from enricher.cli.suricata import command
from enricher.errors import EngineError, InputError, OutputError
from enricher.integration.suricata.include_file import MARK
from enricher.integration.suricata.surroundings import RULES
from enricher.rulegen.engine.classification import CLASSIFICATION

ROOT = Path(__file__).resolve().parents[2]
NO_ENGINE = "/no/such/suricata"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "classification.config").write_text(CLASSIFICATION)
    (tmp_path / "enricher.rules").write_text("")
    path = tmp_path / "suricata.yaml"
    path.write_text(
        "%YAML 1.1\n---\n"
        f"default-log-dir: {tmp_path}\n"
        f"classification-file: {tmp_path}/classification.config\n"
        "outputs:\n"
        "  - eve-log: {enabled: yes, filename: eve.json, types: [alert, flow]}\n"
        "unix-command: {enabled: auto}\n"
        "rule-files: []\n"
    )
    return path


def ask(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments])


def add_include(config: Path, include: Path) -> None:
    with config.open("a") as file:
        file.write(f"include: {include}\n")


def test_check_says_what_is_missing_until_the_include_is_there(config: Path) -> None:
    rules = config.with_name("enricher.rules")
    before = ask("check", "--config", config, "--rules", rules)
    assert before.exit_code == 1
    assert "http is not logged" in before.output
    include = config.with_name("include.yaml")
    done = ask("install", "--config", config, "--rules", rules, "--out", include)
    assert done.exit_code == 0, done.output
    add_include(config, include)
    after = ask("check", "--config", config, "--rules", rules)
    assert after.exit_code == 0, after.output
    assert f"\n# For enricher.yaml:\ninputs:\n- path: {config.parent}/" in after.output


def test_check_for_programs(config: Path) -> None:
    result = ask("check", "--config", config, "--json")
    found = json.loads(result.output)
    assert result.exit_code == 1
    assert (found["usable"], found["config"]) == (False, str(config))
    assert found["inputs"] == [{"path": f"{config.parent}/eve.json"}]
    assert {"area", "level", "message", "advice"} == set(found["findings"][0])
    assert {one["level"] for one in found["findings"]} == {"ok", "warning", "problem"}


def test_with_warnings_alone_it_is_usable(config: Path) -> None:
    types = "[flow, dns, http: {extended: yes}, tls: {extended: yes}]"
    config.write_text(config.read_text().replace("[alert, flow]", types))
    result = ask("check", "--config", config)
    assert "0 problems" in result.output
    assert "\nwarning " in result.output
    assert result.exit_code == 0
    assert json.loads(ask("check", "--config", config, "--json").output)["usable"] is True


def test_a_configuration_that_is_none_is_a_finding(tmp_path: Path) -> None:
    for content in (None, b"\x00\xff", b"- [", b"%YAML 1.1\n---\ninclude: suricata.yaml\n"):
        path = tmp_path / "suricata.yaml"
        if content is not None:
            path.write_bytes(content)
        result = ask("check", "--config", path, "--suricata", NO_ENGINE)
        assert result.exit_code == 1
        assert "problem  config" in result.output
        with pytest.raises(InputError):
            CliRunner().invoke(command, ["install", "--config", str(path)], catch_exceptions=False)


def test_nothing_in_a_configuration_reaches_the_terminal(config: Path) -> None:
    text = config.read_text().replace("eve.json", '"\\e]0;title\\a\\x9b2J\\u202e.json"')
    config.write_text(text)
    for more in ([], ["--json"]):
        output = ask("check", "--config", config, *more).output
        assert all(char.isprintable() or char == "\n" for char in output)
    output = ask("install", "--config", config).output
    assert all(char.isprintable() or char == "\n" for char in output)


def test_install_prints_a_file_that_yaml_takes_and_writes_nothing(config: Path) -> None:
    before = {path: path.read_bytes() for path in config.parent.iterdir()}
    result = ask("install", "--config", config, "--eve", "unix:/run/enricher/eve.sock")
    assert result.exit_code == 0
    assert result.output.startswith(MARK)
    output = yaml.safe_load(result.output)["outputs.enricher.eve-log"]
    assert output["filename"] == "/run/enricher/eve.sock"
    assert {path: path.read_bytes() for path in config.parent.iterdir()} == before


def test_install_writes_to_out_and_says_what_else_there_is_to_do(config: Path) -> None:
    out = config.with_name("own.yaml")
    result = ask("install", "--config", config, "--out", out)
    assert result.output.startswith(f"1. Save this file as {out}")
    assert out.read_text().startswith(MARK)
    out.write_text("the site's\n")
    arguments = ["install", "--config", str(config), "--out", str(out)]
    with pytest.raises(OutputError, match="--force"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert out.read_text() == "the site's\n"
    assert ask(*arguments, "--force").exit_code == 0
    assert ask("install", "--config", config, "--force").exit_code == 2


def test_install_for_programs(config: Path) -> None:
    found = json.loads(ask("install", "--config", config, "--no-rules", "--json").output)
    assert set(found) == {"include", "inputs", "classification", "steps", "notes"}
    assert found["inputs"] == [{"path": f"{config.parent}/enricher-eve.json"}]
    assert found["include"]["path"] == f"{config.parent}/include-enricher.yaml"
    assert "rule-files" not in yaml.safe_load(found["include"]["text"])


def test_rules_are_where_the_commands_look_for_them() -> None:
    for name in ("check", "install"):
        (option,) = [one for one in command.commands[name].params if one.name == "rules"]
        assert option.default == RULES


def test_a_suricata_that_is_named_has_to_be_one(config: Path) -> None:
    arguments = ["install", "--config", str(config), "--suricata", NO_ENGINE]
    with pytest.raises(EngineError, match="not on the PATH"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    result = ask("check", "--config", config, "--suricata", NO_ENGINE)
    assert "warning  engine" in result.output


def test_names_in_bytes_that_are_no_text_are_shown(config: Path) -> None:
    odd = str(config.parent / "x\udcff.yaml")
    for arguments in (["check"], ["check", "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "enricher.cli.main", "suricata", *arguments, "--config", odd],
            cwd=ROOT, capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (1, b"")
        assert b"dcff" in done.stdout
