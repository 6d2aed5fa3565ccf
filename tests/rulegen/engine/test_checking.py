from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.errors import InputError
from enricher.rulegen.engine.checking import check_rules
from enricher.rulegen.engine.suricata import Engine

GOOD = (
    'alert http any any -> any any (msg:"good"; flow:established,to_server; http.uri; '
    'content:"|2f|gate.php"; sid:1000001;)'
)


def rule(options: str, sid: int, proto: str = "tcp") -> str:
    return (
        f'alert {proto} any any -> any any (msg:"a rule"; flow:established,to_server; '
        f"{options}; sid:{sid};)"
    )


def test_a_good_rule_is_accepted_without_a_warning(engine: Engine) -> None:
    [check] = check_rules(engine, [GOOD])
    assert (check.accepted, check.errors, check.warnings) == (True, (), ())


def test_nothing_to_check_needs_no_engine() -> None:
    assert check_rules(Engine(path=Path("none"), version="0"), []) == []


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (rule("nonsense:1", 1000002), "unknown rule keyword"),
        (rule('content:"a', 1000002), ""),
        (rule('http.host; content:"ABC"', 1000002, "http"), "uppercase"),
        (rule('content:"a"; nocase; nocase', 1000002), "nocase"),
        ('alert tcp any any -> any any (msg:"no end"; sid:1000002)', "terminating"),
        ("garbage", ""),
        (rule('content:"b"', 1000001), "Duplicate signature"),
        (rule('requires:version >= 99.0.0; content:"b"', 1000002), "requirements"),
        (rule("http.uri; dataset:isset,x,type string,load none.lst", 1000002), "none.lst"),
    ],
)
def test_a_rejected_rule_has_its_reason_and_takes_no_other_with_it(
    engine: Engine, bad: str, says: str
) -> None:
    other = rule('content:"xyz"', 1000009)
    first, rejected, last = check_rules(engine, [GOOD, bad, other])
    assert first.accepted
    assert last.accepted
    assert not rejected.accepted
    assert says in " ".join(rejected.errors)
    assert rejected.errors


@pytest.mark.parametrize(
    "bad",
    [
        GOOD.replace("good", "go\nod"),
        GOOD.replace("good", "go\0od"),
        GOOD.replace("good", "g" * 9000),
        GOOD.replace("good", "go\udc80od"),
        GOOD + " \\",
        GOOD + "\\",
        "# " + GOOD,
        "",
        " ",
    ],
)
def test_a_rule_that_no_line_can_hold_is_refused_before_the_engine_sees_it(
    engine: Engine, bad: str
) -> None:
    other = rule('content:"xyz"', 1000009)
    refused, accepted = check_rules(engine, [bad, other])
    assert not refused.accepted
    assert refused.errors
    assert accepted.accepted


def test_a_rule_of_which_the_engine_cuts_its_own_message_is_still_the_one_that_is_rejected(
    engine: Engine,
) -> None:
    bad = rule("nonsense:1", 1000002).replace("a rule", "x" * 6000)
    checks = check_rules(engine, [GOOD, bad, rule('content:"xyz"', 1000009)])
    assert [check.accepted for check in checks] == [True, False, True]
    assert "unknown rule keyword" in " ".join(checks[1].errors)


def test_warnings_stand_with_the_rule_that_they_are_about(engine: Engine) -> None:
    unknown = [rule(f'content:"abcd"; classtype:foo{n}', 1000010 + n) for n in (1, 1, 2)]
    unknown[1] = unknown[1].replace("1000011", "1000013")
    no_flow = 'alert tcp any any -> any any (msg:"x"; content:"abcd"; flags:A; sid:1000020;)'
    reference = rule('content:"abcd"; reference:nokind,x', 1000021)
    checks = check_rules(engine, [GOOD, *unknown, no_flow, reference])
    assert all(check.accepted for check in checks)
    assert not checks[0].warnings
    assert all("unknown classtype" in " ".join(check.warnings) for check in checks[1:4])
    assert "both the request and the response" in " ".join(checks[4].warnings)
    assert "nokind" in " ".join(checks[5].warnings)
    assert "nokind" not in " ".join(checks[4].warnings)


def test_a_rule_finds_the_dataset_that_it_loads(engine: Engine) -> None:
    isset = rule("dns.query; dataset:isset,fam,type string,load fam.lst", 1000002, "dns")
    isset = isset.replace("established,", "")
    [check] = check_rules(engine, [isset], datasets={"fam.lst": b"ZXZpbC5jb20=\n"})
    assert check.accepted
    with pytest.raises(InputError, match="not a path"):
        check_rules(engine, [isset], datasets={"../fam.lst": b""})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    hostile=st.lists(
        st.one_of(
            st.text(max_size=60),
            st.builds(
                'alert tcp any any -> any any (msg:"{}"; content:"{}"; sid:{};)'.format,
                st.text(max_size=20),
                st.text(alphabet='"; |\\:()#ab', max_size=20),
                st.integers(1000002, 1000004),
            ),
        ),
        max_size=6,
    ),
    place=st.integers(0, 6),
)
def test_whatever_stands_beside_a_good_rule_it_is_accepted(
    engine: Engine, hostile: list[str], place: int
) -> None:
    rules = [*hostile[:place], GOOD, *hostile[place:]]
    checks = check_rules(engine, rules)
    assert len(checks) == len(rules)
    assert checks[rules.index(GOOD)].accepted
    assert all(check.accepted != bool(check.errors) for check in checks)
