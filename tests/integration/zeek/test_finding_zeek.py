from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from enricher.integration.zeek import installation, processes
from enricher.integration.zeek.check import Machine, look
from enricher.integration.zeek.findings import findings_of
from enricher.integration.zeek.installation import find_installation, parse_version
from enricher.integration.zeek.processes import running

Prefix = Callable[..., Path]
Log = Callable[[str], bytes]
MakeProgram = Callable[[Path, str], None]
AddProcess = Callable[..., Path]


@pytest.mark.parametrize(
    ("printed", "version", "known"),
    [
        ("zeek version 6.0.1\n", "6.0.1", True),
        ("/usr/local/zeek/bin/zeek version 7.2.0-dev.132\n", "7.2.0-dev.132", True),
        ("zeek version 8.0.10-debug", "8.0.10-debug", True),
        ("zeek version 5.2.2", "5.2.2", False),
        ("zeek version 9.1.0", "9.1.0", False),
    ],
)
def test_the_version_is_what_zeek_says(printed: str, version: str, known: bool) -> None:
    found = parse_version(printed)
    assert found is not None
    assert (str(found), found.is_known) == (version, known)


@pytest.mark.parametrize("printed", ["", "hello", "version x.y", "version \x1b[31m8.0"])
def test_what_is_no_version_is_none(printed: str) -> None:
    assert parse_version(printed) is None


def test_a_version_that_it_is_not_made_for_is_a_warning(prefix: Prefix, nowhere: Machine) -> None:
    found = findings_of(look(prefix(version="5.2.2"), None, nowhere))
    (warning,) = [one for one in found if one.area == "zeek"]
    assert (warning.level, "5.2.2" in warning.message) == ("warning", True)
    assert "read all the same" in warning.advice


def test_a_program_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, nowhere: Machine, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_SECONDS", 0.05)
    make_program(tmp_path / "zeek", "exec sleep 600")
    (finding, *_) = findings_of(look(tmp_path / "zeek", None, nowhere))
    assert (finding.area, finding.level) == ("zeek", "problem")


def test_zeek_is_found_on_the_path_and_in_the_usual_places(
    prefix: Prefix, nowhere: Machine
) -> None:
    top = prefix()
    on_path = look(None, None, replace(nowhere, search=str(top / "bin")))
    usual = look(None, None, replace(nowhere, usual=(nowhere.proc, top)))
    for site in (on_path, usual):
        assert site.installation is not None
        assert (site.installation.prefix, site.installation.program) == (top, top / "bin/zeek")
        assert str(site.installation.version) == "8.0.10"


def test_a_link_to_the_program_leads_to_its_prefix(prefix: Prefix, tmp_path: Path) -> None:
    top = prefix()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/zeek").symlink_to(top / "bin/zeek")
    found = find_installation(tmp_path / "bin/zeek")
    assert found is not None
    assert found.prefix == top


def test_a_program_that_others_can_change_is_not_run(
    prefix: Prefix, nowhere: Machine, tmp_path: Path, make_program: MakeProgram
) -> None:
    top = prefix()
    make_program(top / "bin/zeek", f"touch {tmp_path}/was-run")
    (top / "bin/zeek").chmod(0o777)
    machine = replace(nowhere, usual=(top,))
    site = look(None, None, machine)
    assert not (tmp_path / "was-run").exists()
    (finding, *_) = findings_of(site)
    assert (finding.area, finding.level) == ("zeek", "warning")
    assert "not run" in finding.message
    # What it was built as is read, not run.
    (top / "bin/zeek-config").write_text('#!/bin/sh\nversion="8.0.10"\n')
    site = look(None, None, machine)
    assert site.installation is not None
    assert str(site.installation.version) == "8.0.10"
    assert not (tmp_path / "was-run").exists()


def test_folders_are_where_zeek_was_built_to_have_them(
    prefix: Prefix, nowhere: Machine, tmp_path: Path
) -> None:
    top = prefix()
    (tmp_path / "etc-zeek").mkdir()
    (top / "etc/zeekctl.cfg").rename(tmp_path / "etc-zeek/zeekctl.cfg")
    (tmp_path / "site").mkdir()
    (top / "bin/zeek-config").write_text(
        f'config_dir="{tmp_path}/etc-zeek"\nsite_dir="{tmp_path}/site"\n'
    )
    site = look(top, None, nowhere)
    assert site.control is not None
    assert site.control.file == tmp_path / "etc-zeek/zeekctl.cfg"
    assert site.installation is not None
    assert site.installation.site == tmp_path / "site"


def test_a_running_zeek_leads_to_its_logs(
    prefix: Prefix, nowhere: Machine, process: AddProcess, log: Log, tmp_path: Path
) -> None:
    top = prefix()
    (top / "etc/zeekctl.cfg").unlink()
    (top / "logs/current").unlink()
    for name in ("zeek", "."):
        if (top / "spool" / name).is_dir():
            (top / "spool" / name).rename(tmp_path / f"moved-{len(name)}")
    (tmp_path / "work").mkdir()
    (tmp_path / "work/dns.log").write_bytes(log("dns"))
    process(77, str(top / "bin/zeek"), str(tmp_path / "work"), (str(top / "bin/zeek"), "-i", "e0"))
    process(78, "/usr/bin/bash", "/", ("bash", "zeek"))
    site = look(None, None, nowhere)
    assert [one.pid for one in site.processes] == [77]
    assert site.installation is not None
    assert site.installation.prefix == top
    assert [place.live for place in site.places] == [tmp_path / "work"]
    assert any("Zeek runs: 77" in one.message for one in findings_of(site))


def test_a_folder_on_the_command_line_counts(
    nowhere: Machine, process: AddProcess, log: Log, tmp_path: Path
) -> None:
    (tmp_path / "its logs").mkdir()
    (tmp_path / "its logs/dns.log").write_bytes(log("dns"))
    process(5, None, None, ("zeek", f"Log::default_logdir={tmp_path}/its logs"))
    site = look(None, None, nowhere)
    assert [place.live for place in site.places] == [tmp_path / "its logs"]


def test_zeeks_of_other_users_are_seen_by_what_they_are_called(
    nowhere: Machine, process: AddProcess
) -> None:
    process(1, None, None, ("/opt/zeek/bin/zeek", "-i", "e0"))
    process(2, None, None, ("zeek", "-j"), comm="zeek.logger-1")
    process(3, None, None, ("zeekctl",), comm="zeekctl")
    process(4, None, None, ("/usr/sbin/other",), comm="zeek")
    assert [(one.pid, one.program) for one in running(nowhere.proc)] == [
        (1, Path("/opt/zeek/bin/zeek")),
        (2, None),
        (4, None),
    ]


def test_a_zeek_in_a_container_is_not_taken_for_one_of_this_machine(
    nowhere: Machine, process: AddProcess, prefix: Prefix, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = prefix()
    place = process(9, str(top / "bin/zeek"), str(top / "spool/zeek"), ("zeek",))

    # The kernel's link leads to the program that runs, whatever is at that path here.
    def status_of(path: Path) -> os.stat_result | None:
        return (Path("/") if path == place / "exe" else path).stat()

    monkeypatch.setattr(processes, "status_of", status_of)
    site = look(None, None, nowhere)
    assert site.processes[0].elsewhere
    assert (site.installation, site.places) == (None, ())
    advice = [one.advice for one in findings_of(site) if one.area == "process"]
    assert advice == ["Name the folder that its logs are in on this machine with --logs."]


def test_processes_that_end_while_they_are_looked_at_are_passed_by(
    nowhere: Machine, process: AddProcess
) -> None:
    (nowhere.proc / "12").mkdir()
    place = process(13, "/opt/zeek/bin/zeek (deleted)", None, ("zeek",))
    (place / "cmdline").unlink()
    (one,) = running(nowhere.proc)
    assert (one.pid, one.program, one.words) == (13, Path("/opt/zeek/bin/zeek"), ())
    assert running(nowhere.proc / "gone") == ()


def test_this_machine_has_no_process_that_stops_the_look() -> None:
    assert all(one.pid != os.getpid() for one in running())
