"""The include file and what is said with it: for any site, and never over what is not ours."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.config import load_settings
from enricher.errors import EngineError, InputError, OutputError
from enricher.integration.suricata.include_file import MARK, write
from enricher.integration.suricata.installing import Plan, Wish, plan
from enricher.integration.suricata.loading import load
from enricher.rulegen.engine.suricata import Engine

HEAD = "%YAML 1.1\n---\n"
SITE = """
default-log-dir: /logs
outputs:
  - eve-log: {enabled: yes, filename: eve.json, types: [alert]}
app-layer: {protocols: {tls: {enabled: yes}}}
rule-files: [suricata.rules]
"""
ENGINE = Engine(Path("/usr/bin/suricata"), "7.0.10", ja3=True, ja4=True)
Make = Callable[..., Plan]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """What is planned for a site's settings."""

    def planned(text: str, wish: Wish | None = None, engine: Engine | None = ENGINE) -> Plan:
        path = tmp_path / "suricata.yaml"
        path.write_text(HEAD + text)
        return plan(load(path), engine, wish or Wish())

    return planned


def said(found: Plan) -> str:
    return "\n".join(found.lines())


def tree(found: Plan, site: str, folder: Path) -> dict[str, str | None]:
    """Some of the settings that a site has with the include file as its last line."""
    found.include.write_text(found.text)
    path = folder / "with.yaml"
    path.write_text(f"{HEAD}{site}include: {found.include.name}\n")
    root = load(path).root
    names = ["outputs.0", "outputs.enricher", "outputs.enricher.eve-log.filename"]
    names += ["app-layer.protocols.tls.enabled", "app-layer.protocols.tls.ja3-fingerprints"]
    names += ["rule-files.0", "rule-files.enricher"]
    return {name.split(".", 1)[1]: root.text(name) for name in names}


def test_what_the_site_has_stays_and_ours_is_added(make: Make, tmp_path: Path) -> None:
    assert tree(make(SITE), SITE, tmp_path) == {
        "0": "suricata.rules",
        "enricher": "/etc/suricata/rules/enricher.rules",
        "enricher.eve-log.filename": "/logs/enricher-eve.json",
        "protocols.tls.enabled": "yes",
        "protocols.tls.ja3-fingerprints": "yes",
    }


def test_a_site_without_outputs_and_rules_gets_them(make: Make, tmp_path: Path) -> None:
    found = make("vars: {}\n")
    assert "rule-files:\n  - " in found.text
    assert tree(found, "vars: {}\n", tmp_path)["0"] == "/etc/suricata/rules/enricher.rules"


def test_the_settings_for_the_enricher_are_such(make: Make, tmp_path: Path) -> None:
    for eve in ("/logs/a b.json", "unix:/run/enricher/eve.sock", "unix:///run/x"):
        found = make(SITE, Wish(eve))
        (lines,) = [lines for _, lines in found.steps if lines and lines[0] == "inputs:"]
        file = tmp_path / "enricher.yaml"
        file.write_text("\n".join(lines))
        (given,) = load_settings(file, {}).settings.inputs
        assert given.path == eve.replace("unix:///", "unix:/")
        output = yaml.safe_load(found.text)["outputs.enricher.eve-log"]
        kinds = {True: "unix_stream", False: "regular"}
        assert output["filetype"] == kinds[eve.startswith("unix:")]
        assert output["filename"] == given.path.removeprefix("unix:")


def test_a_socket_comes_with_a_word_on_what_is_lost(make: Make) -> None:
    assert "never waits for a socket" in said(make(SITE, Wish("unix:/run/enricher/eve.sock")))
    assert "never waits" not in said(make(SITE))


def test_the_include_goes_to_the_end(make: Make, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(HEAD + "x: 1\n")
    include = tmp_path / "include-enricher.yaml"
    config = tmp_path / "suricata.yaml"
    assert f"last line of {config}, unless it is there:\n     include: {include}" in said(
        make(SITE)
    )
    assert f"a second include, which Suricata warns of:\n     include: {include}" in said(
        make("include: other.yaml\n" + SITE)
    )
    for form in ("include: other.yaml\n", "include:\n  - other.yaml\n"):
        found = said(make(SITE + form))
        assert f"     include:\n       - {tmp_path / 'other.yaml'}\n       - {include}" in found
        assert re.search(r"line (9|10), let it be the last", found)
    include.write_text(MARK + make(SITE).text)
    assert "unless it is there" in said(make(SITE + "include: include-enricher.yaml\n"))


def test_made_anew_it_is_the_same(make: Make) -> None:
    for site in (SITE, "vars: {}\n"):
        first = make(site)
        first.include.write_text(first.text)
        again = make(f"{site}include: {first.include}\n")
        assert (again.text, again.notes) == (first.text, first.notes)
        first.include.unlink()


def test_what_the_site_has_said_of_fingerprints_stays(make: Make) -> None:
    found = make(SITE.replace("{enabled: yes}}", "{ja3-fingerprints: no, ja4-fingerprints: on}}"))
    assert "fingerprints: yes" not in found.text
    assert "ja3-fingerprints is no" in said(found)
    assert "fingerprints" not in make(SITE, Wish(fingerprints=False)).text.split("---")[1]
    assert "ja4" not in make(SITE, engine=Engine(Path("x"), "7.0.2", ja3=True)).text


def test_rules_that_the_site_loads_already_are_not_loaded_twice(make: Make) -> None:
    for names in ("[suricata.rules, /etc/suricata/rules/enricher.rules]", "[/etc/*/rules/*.rules]"):
        found = make(SITE.replace("[suricata.rules]", names))
        assert "rule-files" not in found.text.split("---")[1]
        assert "names /etc/suricata/rules/enricher.rules already" in said(found)
    assert "rule-files" not in make(SITE, Wish(rules=None)).text


def test_an_output_that_has_all_is_told_of(make: Make) -> None:
    site = SITE.replace(
        "[alert]",
        "[flow, {http: {extended: yes}}, dns, {tls: {extended: yes, ja4: yes}}], community-id: yes",
    )
    assert "logged to /logs/eve.json is enough" in said(make(site))


def test_classtypes_that_are_missing_are_printed_as_lines(make: Make, tmp_path: Path) -> None:
    (tmp_path / "classes").write_text("# none\n")
    found = make(SITE + f"classification-file: {tmp_path / 'classes'}\n")
    assert found.classes == [
        "config classification: trojan-activity,A Network Trojan was detected, 1"
    ]
    assert f"Add to {tmp_path / 'classes'}:\n     config classification: troj" in said(found)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish("eve.json"), "full path"),
        (Wish("/logs/"), "full path"),
        (Wish("/logs/a\nb"), "full path"),
        (Wish("/logs/\ud800"), "full path"),
        (Wish("/logs/%d.json"), "time for the %"),
        (Wish("unix:"), "full path"),
        (Wish(f"unix:/{'x' * 120}"), "too long"),
        (Wish("/logs/eve.json"), "writes there already"),
        (Wish(rules=Path("/etc/*.rules")), "pattern"),
        (Wish(rules=Path("own.rules")), "full path"),
        (Wish(include=Path("/etc/a\nb.yaml")), "printable"),
    ],
    ids=range(11),
)
def test_what_suricata_could_not_use_is_refused(make: Make, wish: Wish, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make(SITE, wish)


def test_an_engine_that_cannot_add_by_an_include_is_refused(make: Make) -> None:
    with pytest.raises(EngineError, match=r"6\.0\.20 cannot add"):
        make(SITE, engine=Engine(Path("x"), "6.0.20"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("/logs"),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=4), of, max_size=3),
    max_leaves=10,
)
KEYS = ("outputs", "rule-files", "default-log-dir", "classification-file", "app-layer", "x")


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES | st.lists(st.just({"eve-log": None}))))
def test_for_any_settings_there_is_a_file_that_can_be_read_or_an_error(
    document: dict[str, Any],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "suricata.yaml"
        path.write_text(HEAD + yaml.safe_dump(document))
        try:
            found = plan(load(path), ENGINE, Wish())
        except InputError as error:
            assert "printable" in str(error)  # noqa: PT017 - it may be one, or none
            return
        found.include.write_text(found.text)
        assert all(line.isprintable() for line in found.text.splitlines())
        root = load(found.include).root
        assert root.text("outputs.enricher") == "eve-log"
        assert root.text("outputs.enricher.eve-log.filename") == found.eve


def test_nothing_of_the_site_gets_out_of_a_comment(make: Make, tmp_path: Path) -> None:
    hostile = '"/x\\noutputs: []\\n\\e[2J/y"'
    found = make(SITE + f"classification-file: {hostile}\n", Wish())
    lines = found.text.split("%YAML")[0].splitlines()
    assert all(line.startswith("# ") and line.isprintable() for line in lines)
    with pytest.raises(InputError, match="full path"):
        make(SITE.replace("/logs", hostile))
    assert (tmp_path / "suricata.yaml").is_file()


def test_it_is_written_whole_and_only_over_one_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "include.yaml"
    write(path, MARK + "one\n")
    write(path, MARK + "two\n")
    assert path.read_text() == MARK + "two\n"
    assert path.stat().st_mode & 0o777 == 0o644
    path.write_text("the site's own\n")
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    for other in (path, link):
        with pytest.raises(OutputError, match="--force"):
            write(other, MARK)
    assert path.read_text() == "the site's own\n"
    write(link, MARK, force=True)
    assert path.read_text() == "the site's own\n"
    assert not link.is_symlink()
    write(path, MARK, force=True)
    assert path.read_text() == MARK
    assert sorted(one.name for one in tmp_path.iterdir()) == ["include.yaml", "link.yaml"]


def test_where_it_can_not_be_written_it_says_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, says in (("none/x.yaml", "Make the folder"), ("pipe", "no ordinary file")):
        with pytest.raises(OutputError, match=says):
            write(tmp_path / name, MARK, force=True)
    with pytest.raises(OutputError, match="no ordinary file"):
        write(tmp_path, MARK, force=True)
