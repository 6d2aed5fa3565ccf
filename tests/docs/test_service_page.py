"""The page on the service and its samples: settings load, commands run, tools take the samples."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
import yaml
from prometheus_client import generate_latest

from enricher.cli.main import group
from enricher.config import load_settings
from enricher.pipeline.live.accounting import Accounting, KindAccount
from enricher.pipeline.live.metrics import Metrics
from enricher.simulate import generate

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "service.md").read_text()
SAMPLES = ROOT / "docs" / "samples"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SETTINGS = [block for block in BLOCKS if not block.startswith("# suricata.yaml")]


@pytest.mark.parametrize("block", SETTINGS)
def test_the_settings_of_the_page_load(block: str, tmp_path: Path) -> None:
    file = tmp_path / "enricher.yaml"
    file.write_text(block)
    settings = load_settings(file, {}).settings
    assert settings.inputs or settings.suppressions


def test_the_lines_for_suricata_name_the_socket_that_is_listened_on() -> None:
    (suricata,) = [yaml.safe_load(block) for block in BLOCKS if block not in SETTINGS]
    log = suricata["outputs"][0]["eve-log"]
    assert log["filetype"] == "unix_stream"
    assert any(f"path: unix:{log['filename']}\n" in block for block in SETTINGS)


def test_the_commands_of_the_page_run_with_its_first_settings(tmp_path: Path) -> None:
    generate(tmp_path / "opt/zeek/logs/current", seed=2, hours=1, hosts=5, families=[])
    (tmp_path / "alerts").mkdir()
    text = SETTINGS[0].replace("/opt/zeek", f"{tmp_path}/opt/zeek")
    text = text.replace("/var/log/enricher", f"{tmp_path}/alerts").replace("9415", "0")
    (tmp_path / "enricher.yaml").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "xdg")}
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    assert lines
    for line in lines:
        name, *arguments = shlex.split(line)
        assert name == "enricher"
        done = subprocess.run(
            [sys.executable, "-m", "enricher.cli.main", *arguments],
            cwd=tmp_path, env=environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "alerts" / "alerts.json").is_file()


def test_the_commands_and_options_of_the_page_exist() -> None:
    lines = re.findall(r"^(?:sudo -u enricher )?(enricher .*)$", PAGE, re.MULTILINE)
    assert len(lines) >= 6
    for line in lines:
        _, name, *arguments = shlex.split(line.split(" > ")[0])
        command = group.get_command(click.Context(group), name)
        assert command is not None, line
        if isinstance(command, click.Group):
            command = command.commands[arguments[0]]
        options = {option for one in command.params for option in one.opts}
        assert {word for word in arguments if word.startswith("-")} <= options, line


def test_the_page_lists_the_metrics_that_are_served() -> None:
    account = KindAccount(read=2, scored=1)
    account.dropped["repeated"] = 1
    accounting = Accounting(kinds={"conn": account})
    accounting.alerts["dga"] = accounting.held_back["dga"] = 1
    metrics = Metrics()
    metrics.update(accounting, {"lags": [{"path": "/x", "bytes": 1}], "waiting_for": None})
    text = generate_latest(metrics._registry).decode()
    served = set(
        re.findall(r"^(enricher_\w+?)(?:_bucket|_count|_sum|_created)?[ {]", text, re.MULTILINE)
    )
    assert set(re.findall(r"^\| `(enricher_\w+)`", PAGE, re.MULTILINE)) == served


def test_every_sample_is_on_the_page_and_all_of_the_page_are_there() -> None:
    named = set(re.findall(r"\(samples/([\w.-]+)\)", PAGE))
    assert named == {path.name for path in SAMPLES.iterdir()}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yml")), ids=lambda p: p.name)
def test_samples_in_yaml_parse(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


def test_prometheus_looks_where_the_first_settings_serve() -> None:
    jobs = yaml.safe_load((SAMPLES / "prometheus.yml").read_text())["scrape_configs"]
    (target,) = jobs[0]["static_configs"][0]["targets"]
    assert yaml.safe_load(SETTINGS[0])["service"]["metrics"] == target


def test_wazuh_rules_are_local_ones_and_know_our_generator_id() -> None:
    rules = ET.parse(SAMPLES / "wazuh-rules.xml").getroot().findall("rule")  # noqa: S314
    numbers = [int(rule.attrib["id"]) for rule in rules]
    assert all(100_000 <= number < 120_000 for number in numbers)
    parents = [int(n) for rule in rules for n in (rule.findtext("if_sid") or "").split(",")]
    assert set(parents) <= {86601, *numbers}
    gid = load_settings().settings.alerts.gid
    assert rules[0].findtext("field[@name='alert.gid']") == f"^{gid}$"
    local = ET.parse(SAMPLES / "wazuh-localfile.xml").getroot()  # noqa: S314
    assert local.findtext("location") == "/var/log/enricher/alerts.json"


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="needs logrotate")
def test_logrotate_takes_its_sample(tmp_path: Path) -> None:
    log = tmp_path / "alerts.json"
    log.write_text("{}\n")
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    text = (SAMPLES / "logrotate").read_text()
    text = text.replace("/var/log/enricher/alerts.json", str(log))
    text = text.replace("enricher enricher\n", f"{user} {group}\n")
    (tmp_path / "conf").write_text(text)
    (tmp_path / "conf").chmod(0o644)
    done = subprocess.run(
        ["logrotate", "--debug", "--force", "--state", tmp_path / "state", tmp_path / "conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower()
    assert "systemctl reload enricher.service" in done.stderr
