from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import assume, example, given
from hypothesis import strategies as st
from zeekscript import Script

from enricher.cli.zeek import command
from enricher.errors import InputError
from enricher.integration.settings_text import ALERTS
from enricher.integration.zeek.installation import find_installation
from enricher.integration.zeek.local_script import with_block
from enricher.integration.zeek.scripts import read_script
from enricher.integration.zeek.setting_up import Setup
from enricher.resources import resource_dir

Prefix = Callable[..., Path]

SCRIPT = Path("local.zeek")
# Paths as people name folders, and as nobody does.
paths = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).map("/".__add__)
printable = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="/"),
    min_size=1,
    max_size=40,
).map("/".__add__)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["install", *map(str, arguments)])


def parses(text: bytes) -> bool:
    return bool(Script(io.BytesIO(text)).parse())


def test_the_lines_for_both_sides_are_shown_and_nothing_is_written(
    prefix: Prefix, tmp_path: Path
) -> None:
    top = prefix()
    before = sorted(tmp_path.rglob("*"))
    done = run("--zeek", top, "--logs", "/srv/zeek logs", "--verdicts", "/srv/verdicts")
    assert done.exit_code == 0
    script, settings, then = done.output.split("\n\n")
    assert script.splitlines() == [
        f"# {top}/share/zeek/site/local.zeek:",
        f"@load {resource_dir('zeek_scripts')}",
        'redef Enricher::directory = "/srv/zeek logs";',
        'redef Enricher::verdicts_file = "/srv/verdicts/verdicts.dat";',
        'redef Enricher::intel_file = "/srv/verdicts/intel.dat";',
    ]
    assert yaml.safe_load(settings) == {
        "inputs": [{"path": "/srv/zeek logs"}],
        "outputs": {"eve": ALERTS, "zeek": "/srv/verdicts"},
    }
    assert f"{top}/bin/zeekctl deploy" in then
    assert sorted(tmp_path.rglob("*")) == before


def test_verdicts_can_be_left_out(prefix: Prefix) -> None:
    done = run("--zeek", prefix(), "--no-verdicts")
    assert "verdicts_file" not in done.output
    assert "  zeek: " not in done.output


def test_without_zeekcontrol_the_script_is_tried_and_zeek_restarted(prefix: Prefix) -> None:
    top = prefix()
    (top / "bin/zeekctl").unlink()
    assert f"{top}/bin/zeek -a local" in run("--zeek", top).output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--zeek", "{tmp}/none"),
        ("--zeek", "{tmp}"),
        ("--force",),
        ("--verdicts", "/v", "--no-verdicts"),
    ],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert run(*(one.format(tmp=tmp_path) for one in arguments)).exit_code == 2


@given(logs=printable, verdicts=printable, package=printable)
@example(logs='/a"b', verdicts="/a\\", package="/a#b;{")
@example(logs='/\\"', verdicts="/${x}%s\u00e9", package='/"')
def test_the_lines_are_zeek_script_and_say_the_paths_whatever_they_are(
    logs: str, verdicts: str, package: str
) -> None:
    assume(not any(char.isspace() for char in package))
    setup = Setup(Path(package), Path(logs), Path(verdicts))
    after, done = with_block(b"@load base/frameworks/notice", setup.lines(), SCRIPT)
    assert (done, parses(after)) == ("added", True)
    script = read_script(after)
    assert script.loads == ("base/frameworks/notice", str(setup.package))
    assert script.options == {
        "Enricher::directory": str(setup.logs),
        "Enricher::verdicts_file": str(setup.verdicts) + "/verdicts.dat",
        "Enricher::intel_file": str(setup.verdicts) + "/intel.dat",
    }


@given(before=st.binary(max_size=300), logs=paths, later=paths)
@example(before=b"no newline at its end", logs="/a", later="/b")
def test_lines_are_added_once_and_go_as_they_came(before: bytes, logs: str, later: str) -> None:
    assume(b"# enricher: " not in before)
    try:
        lines = Setup(Path("/p"), Path(logs)).lines()
        other = Setup(Path("/p"), Path(later)).lines()
    except InputError as error:
        assert "control characters" in error.message  # noqa: PT017
        return
    once, _ = with_block(before, lines, SCRIPT)
    assert with_block(once, lines, SCRIPT) == (once, "unchanged")
    assert once.startswith(before)
    assert once.count(b"# enricher: begin") == 1
    changed, done = with_block(once, other, SCRIPT)
    assert (changed == once) == (other == lines) == (done == "unchanged")
    assert with_block(changed, lines, SCRIPT)[0] == once
    # What stands after the lines stays there.
    assert with_block(once + b"redef x = 1;", other, SCRIPT)[0] == changed + b"redef x = 1;"


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x00", "\x85", "\u2028", "\udcff"])
def test_control_characters_are_refused(char: str) -> None:
    for setup in (Setup(Path(f"/a{char}b")), Setup(Path("/p"), Path(f"/a{char}b"))):
        with pytest.raises(InputError, match="control characters") as raised:
            setup.lines()
        assert str(raised.value).isprintable()


def test_a_package_that_zeek_cannot_load_from_there_is_to_be_copied() -> None:
    with pytest.raises(InputError, match="--out"):
        Setup(Path("/home/a user/zeek_scripts")).lines()


def test_writing_adds_the_lines_once_and_keeps_a_copy(prefix: Prefix) -> None:
    top = prefix()
    script = top / "share/zeek/site/local.zeek"
    script.chmod(0o664)
    before = script.read_bytes()
    first = run("--zeek", top, "--write", script)
    written = script.read_bytes()
    assert "were added" in first.output
    assert parses(written)
    copy = script.with_name("local.zeek.before-enricher")
    assert copy.read_bytes() == before
    assert (script.stat().st_mode & 0o777, copy.stat().st_mode & 0o777) == (0o664, 0o664)
    again = run("--zeek", top, "--write", script)
    assert "in it already" in again.output
    assert (script.read_bytes(), copy.read_bytes()) == (written, before)
    changed = run("--zeek", top, "--logs", "/srv/zeek", "--write", script)
    assert "brought up to date" in changed.output
    assert script.read_bytes() == written.replace(b"/var/log/enricher/zeek", b"/srv/zeek")
    assert sorted(path.name for path in script.parent.iterdir()) == [
        "local.zeek", "local.zeek.before-enricher",
    ]  # fmt: skip


def test_a_link_to_the_script_stays_a_link(prefix: Prefix, tmp_path: Path) -> None:
    script = prefix() / "share/zeek/site/local.zeek"
    (tmp_path / "link.zeek").symlink_to(script)
    assert run("--write", tmp_path / "link.zeek").exit_code == 0
    assert (tmp_path / "link.zeek").is_symlink()
    assert b"@load" in script.read_bytes()


@pytest.mark.parametrize(
    "damaged",
    [b"# enricher: begin\n", b"# enricher: end.\n# enricher: begin\n", b"# enricher: end\n" * 2],
)
def test_a_script_with_half_of_the_lines_is_left_alone(tmp_path: Path, damaged: bytes) -> None:
    script = tmp_path / "local.zeek"
    script.write_bytes(damaged)
    done = run("--write", script)
    assert isinstance(done.exception, InputError)
    assert "remove them" in str(done.exception)
    assert script.read_bytes() == damaged


def test_a_script_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    done = run("--write", tmp_path / "local.zeek")
    assert isinstance(done.exception, InputError)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_among_the_scripts_of_the_site_is_loaded_by_its_name(prefix: Prefix) -> None:
    top = prefix()
    site = top / "share/zeek/site"
    done = run("--zeek", top, "--out", site / "enricher", "--write", site / "local.zeek")
    assert done.exit_code == 0
    assert read_script((site / "local.zeek").read_bytes()).loads == (
        "misc/loaded-scripts",
        "enricher",
    )
    ours = {path.name for path in resource_dir("zeek_scripts").glob("*.zeek")}
    assert ours <= {path.name for path in (site / "enricher").iterdir()}
    assert f"@load {site.parent}/x" in run("--zeek", top, "--out", site.parent / "x").output


def test_in_a_cluster_it_is_said_where_the_package_has_to_be(prefix: Prefix) -> None:
    top = prefix()
    (top / "etc/node.cfg").write_text(
        "[manager]\ntype=manager\nhost=localhost\n[w]\ntype=worker\nhost=w.example\n"
    )
    found = find_installation(top)
    assert any("--out" in one for one in Setup(Path("/p"), installation=found).cautions())
    there = top / "share/zeek/site/enricher"
    assert not any("node.cfg" in one for one in Setup(there, installation=found).cautions())


def test_a_package_that_not_everybody_may_read_is_to_be_copied(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir(mode=0o755)
    for folder in list((tmp_path / "package").parents)[:-2]:
        folder.chmod(0o755)
    setup = Setup(tmp_path / "package")
    assert not any("--out" in one for one in setup.cautions())
    tmp_path.chmod(0o700)
    assert any("--out" in one for one in setup.cautions())


def test_names_in_what_is_printed_do_nothing_to_a_terminal(prefix: Prefix) -> None:
    top = prefix()
    site = top / "\x1b[31msite"
    site.mkdir()
    (site / "local.zeek").write_text("")
    (top / "etc/zeekctl.cfg").write_text(f"SitePolicyPath = {site}\n")
    output = run("--zeek", top).output
    assert "site/local.zeek" in output
    assert "\x1b" not in output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_script_that_must_not_be_written_stays_as_it_is(tmp_path: Path) -> None:
    script = tmp_path / "local.zeek"
    script.write_text("")
    tmp_path.chmod(0o555)
    assert run("--write", script).exit_code == 1
    tmp_path.chmod(0o755)
    assert script.read_text() == ""
