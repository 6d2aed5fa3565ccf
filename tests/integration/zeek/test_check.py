from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from enricher.cli.zeek import command
from enricher.config import load_settings
from enricher.integration.finding import Finding
from enricher.integration.settings_text import Input, settings_text
from enricher.integration.zeek import check
from enricher.integration.zeek.check import Machine, Site, is_usable, look
from enricher.integration.zeek.findings import findings_of

Prefix = Callable[..., Path]
Log = Callable[[str], bytes]

KINDS = ("conn", "dns", "http", "ssl")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["check", *map(str, arguments)])


def messages(site: Site, level: str = "warning") -> str:
    return "\n".join(f"{one.message}. {one.advice}" for one in levels(site, level))


def levels(site: Site, level: str) -> list[Finding]:
    return [one for one in findings_of(site) if one.level == level]


def usable(site: Site) -> bool:
    return is_usable(site, findings_of(site))


@pytest.fixture
def json_site(prefix: Prefix, log: Log) -> Path:
    return prefix({f"{kind}.log": log(kind) for kind in KINDS})


def test_a_zeek_under_zeekcontrol_is_found_with_all_that_it_writes(
    json_site: Path, nowhere: Machine
) -> None:
    site = look(json_site, None, nowhere)
    assert usable(site)
    assert site.installation is not None
    assert str(site.installation.version) == "8.0.10"
    assert [(one.kind, one.style, one.times) for one in site.logs()] == [
        (kind, "JSON", "seconds") for kind in KINDS
    ]
    assert site.rotation == 900
    assert site.inputs == (Input(json_site / "logs/current", json_site / "logs"),)
    assert not levels(site, "problem")


def test_what_is_to_be_read_is_printed_as_the_settings_take_it(
    json_site: Path, tmp_path: Path
) -> None:
    done = run("--zeek", json_site)
    assert done.exit_code == 0
    settings = tmp_path / "enricher.yaml"
    settings.write_text(done.output.split("# For enricher.yaml:\n")[1])
    (found,) = load_settings(settings, {}).settings.inputs
    assert (found.path, found.archive) == (str(json_site / "logs/current"), json_site / "logs")


def test_programs_get_the_same_as_json(json_site: Path) -> None:
    done = run("--zeek", json_site / "bin/zeek", "--json")
    document = orjson.loads(done.output)
    assert (done.exit_code, document["usable"]) == (0, True)
    assert document["zeek"]["version"] == "8.0.10"
    assert [one["kind"] for one in document["logs"]] == list(KINDS)
    assert {one["level"] for one in document["findings"]} <= {"ok", "warning"}
    assert document["inputs"][0]["archive"] == str(json_site / "logs")


def test_tsv_is_fine_and_what_it_lacks_is_a_warning(
    prefix: Prefix, log: Log, nowhere: Machine
) -> None:
    site = look(prefix({"dns.log": log("dns tsv"), "ssl.log": log("ssl tsv")}), None, nowhere)
    assert usable(site)
    assert {one.style for one in site.logs()} == {"TSV"}
    said = messages(site)
    assert "no JSON. Nothing needs to be done" in said
    assert "no conn or http log" in said
    assert "ssl has no ja3 or ja4. Not needed" in said


def test_streamed_json_with_iso_times_is_told(prefix: Prefix, log: Log, nowhere: Machine) -> None:
    site = look(prefix({"json_streaming_dns.log": log("dns streaming")}), None, nowhere)
    (found,) = site.logs()
    assert (found.style, found.times, found.kind) == ("json-streaming", "ISO 8601", "dns")
    assert usable(site)


def test_other_separators_and_names_are_said_and_read(prefix: Prefix, nowhere: Machine) -> None:
    head = (
        b"#separator ;\n#set_separator;,\n#path;conn\n"
        b"#fields;ts;uid;id_orig_h;id_orig_p;id_resp_h;id_resp_p;proto;conn_state;community_id\n"
        b"1.5;C1;10.0.0.1;1;10.0.0.2;2;tcp;SF;1:x\n"
    )
    site = look(prefix({"conn.log": head}), None, nowhere)
    (found,) = site.logs()
    assert (found.separator, found.scope, found.times) == (b";", "_", "seconds")
    said = messages(site)
    assert "separated by ';'" in said
    assert "id_orig_h" in said
    assert "conn has no duration, orig_bytes, resp_bytes or history" in said
    assert "community_id" not in said
    assert usable(site)


def test_without_a_community_id_it_is_said_that_it_is_not_needed(
    json_site: Path, nowhere: Machine
) -> None:
    said = messages(look(json_site, None, nowhere))
    assert "conn has no community_id" in said
    assert "Not needed" in said
    assert "policy/protocols/conn/community-id-logging" in said


def test_records_that_are_written_in_two_forms_are_read_once(
    prefix: Prefix, log: Log, nowhere: Machine
) -> None:
    top = prefix({"dns.log": log("dns tsv"), "json_streaming_dns.log": log("dns streaming")})
    site = look(top, None, nowhere)
    assert site.inputs == (Input(top / "logs/current/dns.log", top / "logs"),)
    assert "dns in two forms" in messages(site)


def test_rotated_logs_of_another_form_are_no_second_form(
    prefix: Prefix, log: Log, nowhere: Machine
) -> None:
    top = prefix(
        {"dns.log": log("dns"), "dns.2026-01-01-12-00-00.log": log("dns tsv"), "dns.1.log": b"x"}
    )
    site = look(top, None, nowhere)
    assert site.inputs == (Input(top / "logs/current", top / "logs"),)


def test_each_logger_of_a_cluster_is_an_input(prefix: Prefix, log: Log, nowhere: Machine) -> None:
    top = prefix()
    (top / "etc/node.cfg").write_text(
        "[manager]\ntype=manager\nhost=10.0.0.1\n[logger-1]\ntype = logger\nhost: 10.0.0.1\n"
        "[logger-2]\ntype=logger\nhost=10.0.0.1\n[worker-1]\ntype=worker\nhost=10.0.0.2\n"
    )
    for name in ("logger-1", "logger-2"):
        (top / "spool" / name).mkdir()
        (top / "spool" / name / "dns.log").write_bytes(log("dns"))
    site = look(top, None, nowhere)
    assert site.inputs == tuple(
        Input(top / "spool" / name, top / "logs") for name in ("logger-1", "logger-2")
    )


def test_a_logger_on_another_machine_is_said(prefix: Prefix, nowhere: Machine) -> None:
    top = prefix()
    (top / "etc/node.cfg").write_text(
        "[logger]\ntype=logger\nhost=logs.example\n[w]\ntype=worker\nhost=localhost\n"
    )
    assert "logs.example" in messages(look(top, None, nowhere))


def test_a_stopped_zeek_is_judged_by_its_archive(
    prefix: Prefix, log: Log, nowhere: Machine
) -> None:
    top = prefix()
    (top / "spool/zeek").rmdir()  # what `current` leads to
    day = top / "logs/2026-01-02"
    day.mkdir()
    (top / "logs/2026-01-01").mkdir()
    (day / "dns.10:00:00-11:00:00.log.gz").write_bytes(gzip.compress(log("dns")))
    site = look(top, None, nowhere)
    assert usable(site)
    assert [one.kind for one in site.logs()] == ["dns"]
    assert site.inputs == (Input(top / "logs/current", top / "logs"),)
    assert "Start Zeek" in messages(site)


def test_logs_alone_are_enough(tmp_path: Path, log: Log, nowhere: Machine) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/dns.log").write_bytes(log("dns"))
    site = look(None, tmp_path / "logs", nowhere)
    assert usable(site)
    assert site.inputs == (Input(tmp_path / "logs"),)


@pytest.mark.parametrize("named", ["logs", "logs/current"])
def test_the_folder_of_all_logs_and_the_live_one_are_the_same_to_name(
    json_site: Path, nowhere: Machine, named: str
) -> None:
    (json_site / "logs/2026-01-01").mkdir()
    site = look(None, json_site / named, nowhere)
    assert site.inputs == (Input(json_site / "logs/current", json_site / "logs"),)


def test_neither_a_zeek_nor_logs_is_status_1(
    nowhere: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "Machine", lambda: nowhere)
    done = run()
    assert done.exit_code == 1
    assert "--zeek" in done.output
    assert "--logs" in done.output
    (tmp_path / "empty").mkdir()
    assert run("--logs", tmp_path / "empty").exit_code == 1
    assert run("--logs", tmp_path / "gone").exit_code == 1


def test_a_prefix_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert run("--zeek", tmp_path / "none").exit_code == 2


def test_a_zeek_that_has_never_run_can_be_stood_beside(prefix: Prefix, nowhere: Machine) -> None:
    top = prefix()
    (top / "logs/current").unlink()
    for folder in ("spool/zeek", "spool", "logs"):
        (top / folder).rmdir()
    site = look(top, None, nowhere)
    assert usable(site)
    assert [one.message for one in levels(site, "warning") if one.area == "logs"] == [
        "no folder of logs was found"
    ]


def test_something_else_than_zeek_is_a_problem(
    tmp_path: Path, nowhere: Machine, make_program: Callable[[Path, str], None]
) -> None:
    make_program(tmp_path / "zeek", "echo hello")
    site = look(tmp_path / "zeek", None, nowhere)
    assert "does not answer as Zeek would" in messages(site, "problem")
    assert not usable(site)
    (tmp_path / "prefix").mkdir()
    assert not usable(look(tmp_path / "prefix", None, nowhere))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_logs_that_this_user_must_not_read_are_a_problem_with_a_remedy(
    json_site: Path, nowhere: Machine
) -> None:
    look(json_site, None, nowhere)  # what is imported on use is imported as root
    (json_site / "spool/zeek").chmod(0o700)
    for folder in list(json_site.parents)[:-2]:
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        site = look(json_site, None, nowhere)
        said = findings_of(site)
    finally:
        os.seteuid(0)
    (problem,) = [one for one in said if one.level == "problem"]
    assert "must not be read by this user" in problem.message
    assert "--group" in problem.advice


def test_odd_things_where_logs_belong_stop_nothing(prefix: Prefix, nowhere: Machine) -> None:
    top = prefix()
    spool = top / "spool/zeek"
    os.mkfifo(spool / "conn.log")
    (spool / "dns.log").mkdir()
    (spool / "ssl.log").symlink_to("ssl.log")
    (spool / "http.log").write_bytes(b"\x7fELF\0\0\0")
    (spool / "loaded_scripts.log").symlink_to("/nowhere")
    (top / "share/zeek/site/local.zeek").unlink()
    os.mkfifo(top / "share/zeek/site/local.zeek")
    site = look(top, None, nowhere)
    assert list(site.logs()) == []
    assert findings_of(site)


def test_a_loop_of_links_is_no_folder(prefix: Prefix, nowhere: Machine) -> None:
    top = prefix()
    (top / "logs/current").unlink()
    (top / "logs/current").symlink_to("current")
    (top / "logs/2026-01-01").symlink_to("../logs")
    assert findings_of(look(top, None, nowhere))


def test_names_cannot_do_anything_to_a_terminal(prefix: Prefix) -> None:
    top = prefix()
    folder = top / "\x1b]0;owned\x07logs"
    (folder / "current").mkdir(parents=True)
    (top / "etc/zeekctl.cfg").write_text(f"LogDir = {folder}\n")
    output = run("--zeek", top).output
    assert "owned" in output
    assert output.replace("\n", "").isprintable()
    assert "\x1b" not in settings_text([Input(folder)])
    assert run("--zeek", top, "--json").output.replace("\n", "").isprintable()


def test_json_is_printed_of_names_that_are_no_text(prefix: Prefix) -> None:
    top = prefix()
    folder = os.fsdecode(os.fsencode(top) + b"/\xff\xfe")
    (Path(folder) / "current").mkdir(parents=True)
    (top / "etc/zeekctl.cfg").write_bytes(b"LogDir = " + os.fsencode(folder) + b"\n")
    document = orjson.loads(run("--zeek", top, "--json").output)
    assert "\\udcff" in document["places"][0]["live"]
