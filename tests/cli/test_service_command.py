"""``enricher service install --print`` gives a unit that systemd takes and that holds tight."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from enricher.cli.service import command
from enricher.config import load_settings
from enricher.errors import ConfigError
from enricher.pipeline.live.unit import UnitOptions, service_unit, sysusers

BESIDE_BOTH = """\
inputs:
- path: /opt/zeek/logs/current
  archive: /opt/zeek/logs
- path: /var/log/suricata/eve.json
- path: unix:/run/enricher/eve.sock
outputs: {eve: /var/log/enricher/alerts.json}
"""


def unit_of(text: str, tmp_path: Path, **options: object) -> list[str]:
    """The lines of the unit for a settings file."""
    file = tmp_path / "enricher.yaml"
    file.write_text(text)
    settings = load_settings(file, {"STATE_DIRECTORY": "/var/lib/enricher"}).settings
    given: dict[str, object] = {
        "program": Path("/opt/enricher/bin/enricher"),
        "config": Path("/etc/enricher/enricher.yaml"),
        "program_files": (Path("/opt/enricher"),),
    }
    return service_unit(settings, UnitOptions(**(given | options))).splitlines()  # type: ignore[arg-type]


def ask(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["install", *map(str, arguments)])


def test_it_may_write_its_own_folders_and_nothing_else(tmp_path: Path) -> None:
    lines = unit_of(BESIDE_BOTH, tmp_path)
    for line in (
        "User=enricher",
        "StateDirectory=enricher",
        "RuntimeDirectory=enricher",
        "LogsDirectory=enricher",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "CapabilityBoundingSet=",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "SystemCallFilter=@system-service",
        "MemoryMax=4G",
        "Restart=on-failure",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "KillSignal=SIGTERM",
        "IPAddressDeny=any",
        "ReadOnlyPaths=-/opt/zeek/logs -/opt/zeek/logs/current -/var/log/suricata",
    ):
        assert line in lines, line
    assert not [line for line in lines if line.startswith(("ReadWritePaths", "BindPaths"))]
    assert "Before=suricata.service" in lines


def test_what_the_settings_name_is_opened_and_no_more(tmp_path: Path) -> None:
    lines = unit_of(
        "inputs: [{path: /home/zeek/logs}]\n"
        "outputs: {eve: /srv/alerts/eve.json, enriched: /srv/records/all.json}\n"
        "state: /srv/state\n"
        "service: {metrics: '10.0.0.5:9415'}\n"
        "detector: {device: cuda}\n",
        tmp_path, user="ids", groups=("zeek",), memory_max="900M",
    )  # fmt: skip
    assert "ReadWritePaths=/srv/alerts /srv/records /srv/state" in lines
    assert "ProtectHome=tmpfs" in lines
    assert "BindReadOnlyPaths=-/home/zeek/logs" in lines
    assert "SupplementaryGroups=zeek" in lines
    assert "MemoryMax=900M" in lines
    starts = {line.split("=")[0] for line in lines}
    assert not starts & {"StateDirectory", "IPAddressDeny", "PrivateDevices", "LogsDirectory"}
    assert {"User=ids", "Group=ids"} <= set(lines)


def test_alerts_may_stand_beside_the_logs(tmp_path: Path) -> None:
    lines = unit_of(
        "inputs: [{path: /var/log/suricata/eve.json}]\n"
        "outputs: {eve: /var/log/suricata/enricher.json}\n",
        tmp_path,
    )
    assert "ReadWritePaths=/var/log/suricata" in lines
    assert not [line for line in lines if line.startswith("ReadOnlyPaths")]


def test_words_that_systemd_would_expand_are_escaped(tmp_path: Path) -> None:
    lines = unit_of(
        "inputs: [{path: '/logs/100% $HOME'}]\noutputs: {eve: '-'}\n",
        tmp_path, config=Path("/etc/my conf/50%$x.yaml"), state=Path("/var/lib/en%richer"),
    )  # fmt: skip
    assert 'ReadOnlyPaths="-/logs/100%% $HOME"' in lines
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    assert start == (
        'ExecStart=/opt/enricher/bin/enricher run --config "/etc/my conf/50%%$$x.yaml" '
        "--state /var/lib/en%%richer"
    )
    assert "StateDirectory=en%%richer" in lines


@given(st.text(min_size=1, max_size=20))
def test_no_path_makes_a_line_of_its_own(name: str) -> None:
    settings = load_settings(
        None, {}, ["inputs=[{path: /logs}]", "outputs.eve=-", "state=/var/lib/enricher"]
    ).settings
    config = Path("/etc") / f"x{name}"
    try:
        options = UnitOptions(Path("/bin/enricher"), config, state=config)
        unit = service_unit(settings, options)
    except ConfigError:
        return
    plain = UnitOptions(Path("/bin/enricher"), Path("/etc/x"), state=Path("/etc/x"))
    assert unit.count("\n") == service_unit(settings, plain).count("\n")
    assert not set('\\"') & set(str(config))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outputs: {eve: /a/b}\n", "'inputs'"),
        ("inputs: [{path: /logs}]\n", "'outputs.eve'"),
        ("inputs: [{path: '-'}]\noutputs: {eve: /a/b}\n", "standard input"),
        ("inputs: [{path: logs}]\noutputs: {eve: /a/b}\n", "absolute"),
        ("inputs: [{path: /logs}]\noutputs: {eve: /a/../b}\n", "absolute"),
        ('inputs: [{path: "/lo\\ngs"}]\noutputs: {eve: /a/b}\n', "cannot hold"),
        ("inputs: [{path: '/a:b'}]\noutputs: {eve: /a/b}\n", "cannot hold"),
    ],
)
def test_settings_that_no_service_can_run_with_are_refused(
    text: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        unit_of(text, tmp_path)


@pytest.mark.parametrize(
    "options", [{"user": "a b"}, {"user": "x\nRoot"}, {"groups": ("%u",)}, {"memory_max": "much"}]
)
def test_a_user_or_size_that_is_none_is_refused(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        unit_of(BESIDE_BOTH, tmp_path, **options)


def test_without_print_it_changes_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    done = ask("--config", tmp_path / "none.yaml")
    assert done.exit_code == 2
    assert "--print" in done.output
    assert "/etc/systemd/system/enricher.service" in done.output


def test_what_is_printed_can_be_saved_as_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "enricher.yaml"
    file.write_text(BESIDE_BOTH)
    done = ask("--print", "--config", file, "--user", "ids")
    assert done.exit_code == 0, done.output
    assert sysusers("ids") in done.stdout
    before = done.stdout[: done.stdout.index("[Unit]")]
    assert all(line.startswith("#") for line in before.splitlines() if line)
    assert f"run --config {file}" in done.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    lines = unit_of(BESIDE_BOTH, tmp_path, program=Path(sys.executable))
    unit = tmp_path / "enricher.service"
    unit.write_text("\n".join(lines) + "\n")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in verified.stderr.splitlines() if "enricher.service" in line]
    assert (verified.returncode, ours) == (0, [])
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in judged.stderr:
        pytest.skip("this systemd-analyze judges no files")
    assert judged.returncode == 0, judged.stdout
    assert re.search(r"exposure level for enricher\.service: [01]\.\d", judged.stdout)


def test_the_folder_of_verdicts_for_zeek_may_be_written_and_need_not_be_there(
    tmp_path: Path,
) -> None:
    def lines(zeek: str, eve: str = "/var/log/enricher/alerts.json") -> list[str]:
        return unit_of(
            f"inputs: [{{path: /opt/zeek/logs}}]\noutputs: {{eve: '{eve}', zeek: '{zeek}'}}\n",
            tmp_path,
        )

    assert "ReadWritePaths=-/opt/zeek/verdicts" in lines("/opt/zeek/verdicts")
    assert "ReadWritePaths=-/opt/zeek/verdicts /srv/a" in lines(
        "/opt/zeek/verdicts", "/srv/a/e.json"
    )
    assert "ReadWritePaths=/srv/a" in lines("/srv/a", "/srv/a/e.json")
    assert "BindPaths=-/home/zeek/verdicts" in lines("/home/zeek/verdicts")
    # What systemd makes for the service is there, and is the service's.
    for made in ("/run/enricher/zeek", "/run/enricher", "/var/lib/enricher/zeek"):
        assert not [line for line in lines(made) if line.startswith("ReadWritePaths")]
    with pytest.raises(ConfigError, match="absolute"):
        lines("verdicts")
