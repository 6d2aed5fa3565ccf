from __future__ import annotations

import logging
import sys

import pytest

from enricher.rulegen.engine.linting import IGNORED, lint_rule

END = (
    "reference:url,example.org/r; classtype:trojan-activity; sid:1000001; rev:1; "
    "metadata:attack_target Client_Endpoint, created_at 2026_01_01, deployment Perimeter, "
    "performance_impact Low, signature_severity Major, updated_at 2026_01_01;)"
)
LIMIT = "threshold:type limit, track by_src, count 1, seconds 600; target:src_ip; "
GOOD = (
    'alert http $HOME_NET any -> $EXTERNAL_NET any (msg:"LOCAL MALWARE Win32/Fam CnC Checkin"; '
    'flow:established,to_server; http.method; content:"POST"; http.uri; '
    f'content:"|2f|gate.php"; fast_pattern; {LIMIT}{END}'
)


@pytest.mark.parametrize(
    "rule",
    [
        GOOD,
        (
            'alert dns $HOME_NET any -> any any (msg:"LOCAL MALWARE Win32/Fam DNS Query"; '
            'flow:to_server; dns.query; dotprefix; content:".evil.com"; endswith; fast_pattern; '
            f"nocase; {LIMIT}{END}"
        ),
        (
            'alert tls $HOME_NET any -> $EXTERNAL_NET any (msg:"LOCAL MALWARE Fam TLS SNI"; '
            'flow:established,to_server; tls.sni; bsize:8; content:"evil.com"; fast_pattern; '
            f"{LIMIT}{END}"
        ),
        (
            'alert tcp $EXTERNAL_NET any -> $HOME_NET any (msg:"LOCAL SCAN Fam TCP SYN Scan"; '
            "flow:to_server; flags:S; detection_filter:track by_src, count 100, seconds 60; "
            f"target:dest_ip; {END}"
        ),
    ],
)
def test_a_well_written_rule_has_no_finding(rule: str) -> None:
    assert lint_rule(rule) == ()


def test_findings_begin_with_their_code() -> None:
    found = lint_rule('alert tcp any any -> any any (msg:"possible thing"; sid:5;)')
    assert len(found) > 3
    assert all(text.split(": ")[0].isalnum() and "\n" not in text for text in found)
    assert not {text.split(":")[0] for text in found} & IGNORED.keys()


@pytest.mark.parametrize(
    "rule",
    [
        *("", "garbage", "alert tcp any", "alert\n(x)", "\0", "a" * 9000),
        GOOD.replace("rev:1;", "rev;"),
        GOOD.replace("2026_01_01;)", '";)'),
        GOOD.replace("sid:1000001", "sid:abc"),
    ],
)
def test_what_is_no_rule_is_a_finding(rule: str) -> None:
    assert lint_rule(rule) == ("PARSE: the linter cannot read the rule",)


def test_the_linter_neither_prints_nor_changes_the_program(
    capfd: pytest.CaptureFixture[str],
) -> None:
    path, handlers = list(sys.path), list(logging.getLogger().handlers)
    lint_rule(GOOD)
    lint_rule(GOOD.replace("http.uri;", "http.uri; unheard_of:1;"))
    assert capfd.readouterr() == ("", "")
    assert sys.path == path
    assert logging.getLogger().handlers == handlers
