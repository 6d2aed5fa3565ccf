"""What is said of a Suricata's settings: what is there, what is missing, and what to do."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.integration.finding import Finding
from enricher.integration.suricata.checking import Report, examine, find_configuration
from enricher.rulegen.engine.classification import CLASSIFICATION
from enricher.rulegen.engine.suricata import Engine

HEAD = "%YAML 1.1\n---\n"
WHOLE = """
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      community-id: yes
      types: [flow, {http: {extended: yes}}, dns, {tls: {extended: yes, ja4: yes}}]
app-layer: {protocols: {tls: {ja3-fingerprints: yes, ja4-fingerprints: yes}}}
unix-command: {enabled: auto}
"""
Look = Callable[..., Report]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Looks at settings, on a machine with an engine of this kind, or none."""
    (tmp_path / "classification.config").write_text(CLASSIFICATION)
    (tmp_path / "enricher.rules").write_text("")

    def examined(text: str, engine: Engine | None = None) -> Report:
        monkeypatch.setattr("enricher.integration.suricata.checking.find_engine", lambda _: engine)
        path = tmp_path / "suricata.yaml"
        path.write_text(
            f"{HEAD}classification-file: {tmp_path}/classification.config\n"
            f"default-log-dir: /logs\ndefault-rule-path: {tmp_path}\n"
            f"rule-files: [enricher.rules]\n{text}"
        )
        return examine(path, None, tmp_path / "enricher.rules")

    return examined


def engine(version: str = "7.0.10", *, ja3: bool = True, ja4: bool = True) -> Engine:
    return Engine(Path("/usr/bin/suricata"), version, ja3=ja3, ja4=ja4)


AREAS = {"config", "engine", "eve-log", "events", "tls", "rules", "classtype", "control"}


def to_do(report: Report) -> list[tuple[str, str, str]]:
    return [(one.area, one.level, one.message) for one in report.findings if one.level != "ok"]


def only(report: Report) -> Finding:
    (found,) = [one for one in report.findings if one.level != "ok"]
    return found


def test_where_all_is_there_nothing_is_to_be_done(look: Look) -> None:
    for known in (None, engine()):
        report = look(WHOLE, known)
        assert (to_do(report), report.usable, report.inputs) == ([], True, ["/logs/eve.json"])
    assert {one.area for one in report.findings} == AREAS


@pytest.mark.parametrize(
    ("before", "after", "area", "level", "says"),
    [
        ("      enabled: yes\n", "", "eve-log", "problem", "no eve-log is enabled"),
        ("enabled: yes\n", "enabled: maybe\n", "eve-log", "problem", "no eve-log is enabled"),
        ("community-id: yes", "community-id: no", "eve-log", "warning", "no community id"),
        ("yes\n      types", "yes\n      community-id-seed: 7\n      types", "eve-log", "warning",
         "seed of the community id is 7"),
        ("yes\n      types", "yes\n      community-id-seed: x\n      types", "eve-log", "warning",
         "seed of the community id is x"),
        ("[flow, ", "[", "events", "problem", "flow is not logged"),
        ("[flow, ", "[{flow: {enabled: off}}, ", "events", "problem", "flow is not logged"),
        ("{http: {extended: yes}}", "http", "events", "problem", "http has no method"),
        (" dns,", " {dns: {responses: no}},", "events", "problem", "dns has no responses"),
        (" dns,", " {dns: {requests: maybe}},", "events", "problem", "dns has no requests"),
        (" dns,", " {dns: {types: [a]}},", "events", "warning", "some record types only"),
        (" dns,", " {dns: {formats: [grouped]}},", "events", "warning", "no time to live"),
        ("{tls: {extended: yes, ja4: yes}}", "tls", "events", "problem", "tls has no server name"),
        ("extended: yes, ja4: yes", "extended: yes", "events", "warning", "tls has no JA4"),
        ("extended: yes, ja4: yes", "custom: [sni, version, ja4]", "events", "warning",
         "tls has no subject, issuer, session_resumed, fingerprint, ja3, ja3s"),
        ("extended: yes, ja4: yes", "custom: [subject, ja4]", "events", "problem", "tls has no"),
        ("extended: yes, ja4: yes", "extended: yes, ja4: yes, session-resumption: no", "events",
         "warning", "sessions that are resumed"),
        ("ja3-fingerprints: yes", "ja3-fingerprints: auto", "tls", "warning", "is auto"),
        ("ja4-fingerprints: yes", "x: y", "tls", "warning", "ja4-fingerprints is not set"),
        ("{tls: {ja3", "{http: {enabled: no}, tls: {ja3", "events", "problem",
         "app-layer.protocols.http is not enabled (no)"),
        ("{tls: {ja3", "{dns: {udp: {enabled: detection-only}}, tls: {ja3", "events", "problem",
         "app-layer.protocols.dns.udp is not enabled"),
        ("filetype: regular", "filetype: unix_dgram", "eve-log", "problem", "cannot be followed"),
        ("filetype: regular", "filetype: redis", "eve-log", "problem", "cannot be followed"),
        ("filetype: regular", "filetype: syslog", "eve-log", "problem", "cannot be followed"),
        ("filetype: regular", "prefix: '@cee: '", "eve-log", "problem", "no JSON"),
        ("filename: eve.json", "filename: /dev/null", "eve-log", "problem", "cannot be followed"),
        ("{enabled: auto}", "{enabled: no}", "control", "warning", "can not reload"),
        ("unix-command: {enabled: auto}", "", "control", "warning", "can not reload"),
        ("unix-command: {enabled: auto}", "unix-command: {enabled: yes}\nrule-files: [x.rules]",
         "rules", "warning", "does not name"),
        ("unix-command", "rule-files.b: '*.rules'\nunix-command", "rules", "warning", "once"),
    ],
)  # fmt: skip
def test_each_thing_that_is_missing_is_said_with_what_to_do(
    look: Look, before: str, after: str, area: str, level: str, says: str
) -> None:
    assert before in WHOLE
    report = look(WHOLE.replace(before, after), engine())
    found = [
        one for one in report.findings
        # What cannot be followed brings no events either, and a list that is replaced is told of.
        if one.level != "ok" and not one.message.startswith("rule-files (")
        and not (area == "eve-log" and level == "problem" and one.area == "events")
    ]  # fmt: skip
    assert [(one.area, one.level) for one in found] == [(area, level)], found
    assert says in found[0].message
    assert found[0].advice
    assert to_do(report)
    assert report.usable == all(one.level != "problem" for one in report.findings)


@pytest.mark.parametrize(
    ("says", "follow"),
    [
        ("filename: /var/x/eve.json", "/var/x/eve.json"),
        ("filename: eve.json", "/logs/eve.json"),
        ("filetype: file", "/logs/eve.json"),
        ("filetype: unix_stream\n      filename: /run/e.sock", "unix:/run/e.sock"),
        ("threaded: yes\n      filename: /var/x/eve.json", "/var/x"),
        ("rotate-interval: hour\n      filename: /var/x/eve-%Y-%m-%d-%H.json", "/var/x"),
    ],
)
def test_the_input_that_follows_an_output_is_named(look: Look, says: str, follow: str) -> None:
    report = look(WHOLE.replace("filetype: regular\n      filename: eve.json", says))
    assert (to_do(report), report.inputs) == ([], [follow])


def test_the_output_that_has_most_is_followed_and_the_others_are_let_be(look: Look) -> None:
    other = WHOLE.replace("yes\n      types", "no\n      types").split("\napp-layer")[0]
    both = other + WHOLE.replace("outputs:\n", "").replace("eve.json", "own.json")
    report = look(both)
    assert (to_do(report), report.inputs) == ([], ["/logs/own.json"])
    assert any("/logs/eve.json is not needed" in one.message for one in report.findings)


def test_events_that_go_to_several_outputs_are_all_followed(look: Look) -> None:
    first = WHOLE.replace("flow, {http", "{http").split("\napp-layer")[0]
    second = WHOLE.replace("outputs:\n", "").replace("eve.json", "flow.json")
    second = second.replace("[flow, {http: {extended: yes}}, dns, {tls: ", "[flow, {alert: ")
    report = look(first + second)
    assert (to_do(report), report.inputs) == ([], ["/logs/eve.json", "/logs/flow.json"])


def test_a_folder_that_is_followed_must_not_have_another_output_in_it(look: Look) -> None:
    first = WHOLE.replace("yes\n      types", "no\n      types").split("\napp-layer")[0]
    second = WHOLE.replace("outputs:\n", "").replace("eve.json", "my.json\n      threaded: yes")
    assert "would be followed as a whole" in only(look(first + second)).message


def test_fingerprints_that_the_engine_cannot_make_are_not_asked_for(look: Look) -> None:
    text = WHOLE.replace("ja4: yes", "x: y").replace("ja4-fingerprints: yes", "x: y")
    assert to_do(look(text, engine(ja4=False))) == []
    custom = text.replace("extended: yes, x: y", "custom: [subject, issuer, session_resumed, "
                          "chain, sni, version]")  # fmt: skip
    custom = custom.replace("ja3-fingerprints: yes", "x: y")
    assert to_do(look(custom, engine("7.0.2", ja3=False, ja4=False))) == []


def test_suricata_8_logs_ja4_unasked(look: Look) -> None:
    text = WHOLE.replace("extended: yes, ja4: yes", "extended: yes")
    assert to_do(look(text, engine("8.0.1"))) == []


def test_old_engines_are_told_of_and_dns_of_version_1(look: Look) -> None:
    text = WHOLE.replace(" dns,", " {dns: {version: 1}},")
    assert [area for area, _, _ in to_do(look(text, engine("6.0.20")))] == ["engine", "events"]
    assert to_do(look(text, engine("7.0.10"))) == []


def test_settings_that_a_later_one_replaces_are_told_of(look: Look, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(HEAD + "outputs.x: fast\noutputs.x.fast.enabled: no\n")
    found = only(look("include: more.yaml\n" + WHOLE))
    assert found.area == "config"
    assert f"replaces all that {tmp_path / 'more.yaml'}:3 says" in found.message


def test_aliases_are_told_of(look: Look) -> None:
    assert "aliases" in only(look(WHOLE + "x: &x 1\ny: *x\n")).message


def test_a_rules_file_that_is_not_there_or_of_somebody_else_is_told_of(
    look: Look, tmp_path: Path
) -> None:
    rules = tmp_path / "enricher.rules"
    rules.write_text("alert ip any any -> any any (sid: 1;)\n")
    report = look(WHOLE)
    assert "is no rules file of the enricher" in only(report).message
    rules.unlink()
    found = only(examine(report.config, None, rules))
    assert "'suricata -T' fails" in found.message
    assert f"touch {rules}" in found.advice


def test_classtypes_of_rules_that_the_site_lacks_are_given_as_lines(
    look: Look, tmp_path: Path
) -> None:
    look(WHOLE)
    file = tmp_path / "classification.config"
    file.write_text(CLASSIFICATION.replace("trojan-activity", "another"))
    found = only(examine(tmp_path / "suricata.yaml", None, tmp_path / "enricher.rules"))
    line = "config classification: trojan-activity,A Network Trojan was detected, 1"
    assert found.advice == f"add the line '{line}'"
    file.unlink()
    found = only(examine(tmp_path / "suricata.yaml", None, tmp_path / "enricher.rules"))
    assert "is not there" in found.message


def test_without_a_configuration_it_says_how_to_name_one(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look("")
    monkeypatch.setattr("enricher.integration.suricata.checking.find_configuration", lambda _: None)
    found = only(examine(None))
    assert (found.area, found.level) == ("config", "problem")
    assert "--config" in found.advice
    found = only(examine(tmp_path / "none.yaml"))
    assert "is not there" in found.message


def test_the_engine_says_where_its_configuration_is(tmp_path: Path) -> None:
    for name in ("of-engine", "usual"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "suricata.yaml").write_text(HEAD)
    usual = [str(tmp_path / "none"), str(tmp_path / "usual")]
    one = Engine(Path("suricata"), "7.0.10", settings=tmp_path / "of-engine")
    assert find_configuration(one, usual) == tmp_path / "of-engine" / "suricata.yaml"
    assert find_configuration(None, usual) == tmp_path / "usual" / "suricata.yaml"
    assert find_configuration(None, []) is None


_WORDS = """
    outputs eve-log enabled yes no types flow http tls dns custom filetype regular unix_stream
    filename % a/b community-id extended community-id-seed app-layer protocols ja3-fingerprints
    rule-files [z-a]* classification-file unix-command default-log-dir default-rule-path include
    enricher.rules threaded prefix formats version
"""
WORDS = st.sampled_from([*_WORDS.split(), "\x1b[2J", "9" * 5000])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda of: st.lists(of, max_size=4) | st.dictionaries(WORDS | st.integers(), of, max_size=4),
    max_leaves=40,
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "outputs": st.lists(st.dictionaries(st.just("eve-log"), VALUES, max_size=1)) | VALUES,
        "app-layer": VALUES,
        "rule-files": st.lists(WORDS) | VALUES,
        "classification-file": VALUES,
        "unix-command": VALUES,
        "default-log-dir": VALUES,
    },
)
EVE = st.fixed_dictionaries(
    {"enabled": st.just("yes"), "types": st.lists(WORDS | st.dictionaries(WORDS, VALUES)) | VALUES},
    optional=dict.fromkeys(("filename", "filetype", "community-id-seed", "prefix"), VALUES),
)


def assert_findings(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "suricata.yaml"
        path.write_bytes(data)
        report = examine(path, "/no/such/suricata", Path(name) / "enricher.rules")
        assert report.findings
        assert {one.area for one in report.findings} <= AREAS
        assert all(bool(one.advice) == (one.level != "ok") for one in report.findings)


@settings(deadline=None)
@given(SETTINGS | EVE.map(lambda of: {"outputs": [{"eve-log": of}]}) | VALUES)
def test_any_yaml_gives_findings(document: Any) -> None:
    assert_findings((HEAD + yaml.safe_dump(document)).encode())


@settings(deadline=None)
@given(st.binary(max_size=100) | st.text(max_size=100).map(lambda text: (HEAD + text).encode()))
def test_any_bytes_give_findings(data: bytes) -> None:
    assert_findings(data)


@pytest.mark.parametrize("filename", ["a", "%Y"])
def test_outputs_that_are_nested_deeply_are_compared(look: Look, filename: str) -> None:
    name = ".".join("a" * 500)
    one = f"eve-log: {{filename: '{filename}', enabled: yes, types: [flow], {name}: {{{name}: x}}}}"
    report = look(f"outputs: [{{{one}}}, {{{one}}}]\n", engine())
    assert report.inputs


def test_findings_are_plain_for_programs(look: Look) -> None:
    report = look(WHOLE.replace("eve.json", '"\\e[2J.json"'))
    text = json.dumps([one.message for one in report.findings])
    assert "\\u001b[2J" in text
