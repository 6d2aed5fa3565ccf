from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.integration.settings_text import Input
from enricher.integration.zeek.check import Machine, is_usable, look
from enricher.integration.zeek.findings import findings_of
from enricher.resources import resource_dir

Prefix = Callable[..., Path]
Log = Callable[[str], bytes]


def told(prefix: Path, machine: Machine) -> str:
    found = findings_of(look(prefix, None, machine))
    return "\n".join(f"{f.level} {f.message}. {f.advice}" for f in found if f.area == "package")


def test_without_the_package_it_works_and_that_is_said(prefix: Prefix, nowhere: Machine) -> None:
    said = told(prefix(), nowhere)
    assert said.startswith("warning Zeek does not load the enricher's package")
    assert "works without" in said
    assert "enricher zeek install" in said


@pytest.mark.parametrize(
    "line", ["@load enricher", "@load ./enricher # ours", "  @load\t/usr/share/enricher", "ours"]
)
def test_a_package_that_is_loaded_and_writes_nothing_is_said(
    prefix: Prefix, nowhere: Machine, line: str
) -> None:
    top = prefix()
    line = f"@load {resource_dir('zeek_scripts')}" if line == "ours" else line
    with (top / "share/zeek/site/local.zeek").open("a") as script:
        script.write(f'{line}\nredef Enricher::directory = "{top}/none"; # where\n')
    said = told(top, nowhere)
    assert f"no log is in {top}/none" in said
    assert "zeekctl deploy" in said


def test_a_comment_loads_nothing(prefix: Prefix, nowhere: Machine) -> None:
    top = prefix()
    (top / "share/zeek/site/local.zeek").write_text(
        '# @load enricher\n# redef Enricher::directory = "/x";\n'
    )
    assert "does not load" in told(top, nowhere)


def test_logs_of_the_package_are_what_is_to_be_read(
    prefix: Prefix, log: Log, nowhere: Machine, tmp_path: Path
) -> None:
    top = prefix({"dns.log": log("dns tsv")})
    ours = tmp_path / "its # logs"
    ours.mkdir()
    (ours / "dns.log").write_bytes(log("dns"))
    (ours / "dns.1.log").write_bytes(log("dns"))
    (top / "share/zeek/site/local.zeek").write_text(
        f'@load enricher\nredef Enricher::directory = "{ours}";\n'
    )
    site = look(top, None, nowhere)
    assert site.inputs == (Input(ours),)
    assert is_usable(site, findings_of(site))
    assert f"ok the package writes dns to {ours}" in told(top, nowhere)


def test_scripts_on_the_command_line_are_read(
    prefix: Prefix, log: Log, nowhere: Machine, process: Callable[..., Path], tmp_path: Path
) -> None:
    top = prefix()
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/dns.log").write_bytes(log("dns"))
    (tmp_path / "sensor.zeek").write_text(f'redef Enricher::directory = "{tmp_path}/ours";\n')
    process(5, str(top / "bin/zeek"), str(tmp_path), ("zeek", "-i", "e0", "./sensor.zeek", ".zeek"))
    site = look(None, None, nowhere)
    assert site.package.script == tmp_path / "sensor.zeek"
    assert site.inputs == (Input(tmp_path / "ours"),)


def test_loaded_scripts_tell_what_the_running_zeek_has(
    prefix: Prefix, log: Log, nowhere: Machine
) -> None:
    scripts = log("loaded_scripts tsv")
    top = prefix({"dns.log": log("dns"), "loaded_scripts.log": scripts})
    (top / "share/zeek/site/local.zeek").write_text("@load enricher\n")
    assert "the running Zeek has not loaded it yet" in told(top, nowhere)
    (top / "spool/zeek/loaded_scripts.log").unlink()
    (top / "logs/2026-01-01").mkdir()
    with_it = scripts + b"  /spool/installed-scripts-do-not-touch/site/enricher/__load__.zeek\n"
    (top / "logs/2026-01-01/loaded_scripts.00:00:00-01:00:00.log.gz").write_bytes(
        gzip.compress(with_it)
    )
    assert look(top, None, nowhere).package.runs
    assert "not loaded it yet" not in told(top, nowhere)
