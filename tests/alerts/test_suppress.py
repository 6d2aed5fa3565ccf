"""A suppression hides what it says, as long as it says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.alerts import Alert, family_label, signature_id
from enricher.alerts.suppress import Suppressions
from enricher.config import SuppressionSettings

MakeAlert = Callable[..., Alert]

TS = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
RECORD = {"ts": TS, "id.orig_h": "10.0.0.1", "id.resp_h": "192.168.7.9"}


def suppressions(*rules: dict[str, Any]) -> Suppressions:
    return Suppressions.of([SuppressionSettings(reason="known", **rule) for rule in rules])


def signature(family: str) -> int:
    label = family_label(family)
    return signature_id(label.name, label.category, label.severity)


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [
        ({"source": "10.0.0.1"}, True),
        ({"source": "10.0.0.0/8"}, True),
        ({"source": "10.0.0.2"}, False),
        ({"source": "::/0"}, False),
        ({"destination": "192.168.7.0/24"}, True),
        ({"destination": "10.0.0.1"}, False),
        ({"family": "port-scan"}, True),
        ({"family": "port-scan-2"}, False),
        ({"kind": "conn"}, True),
        ({"kind": "dns"}, False),
        ({"signature": signature("port-scan")}, True),
        ({"signature": signature("unknown")}, False),
        ({"family": "port-scan", "until": datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)}, True),
        ({"family": "port-scan", "until": datetime(2026, 1, 1, 12, tzinfo=UTC)}, False),
    ],
)
def test_what_is_given_must_match(
    make_alert: MakeAlert, rule: dict[str, Any], hidden: bool
) -> None:
    assert (suppressions(rule).match(make_alert(RECORD)) == 0) is hidden


PARTS: dict[str, tuple[Any, Any]] = {
    "source": ("10.0.0.0/24", "10.9.0.0/24"),
    "destination": ("192.168.0.0/16", "10.0.0.1"),
    "family": ("port-scan", "c2"),
    "kind": ("conn", "ssl"),
    "signature": (signature("port-scan"), 1),
}


@given(chosen=st.dictionaries(st.sampled_from(sorted(PARTS)), st.booleans(), min_size=1))
def test_every_part_must_match(make_alert: MakeAlert, chosen: dict[str, bool]) -> None:
    rule = {name: PARTS[name][0 if right else 1] for name, right in chosen.items()}
    assert (suppressions(rule).match(make_alert(RECORD)) is not None) == all(chosen.values())


def test_the_first_that_matches_is_told(make_alert: MakeAlert) -> None:
    several = suppressions({"kind": "dns"}, {"source": "10.0.0.0/8"}, {"family": "port-scan"})
    assert several.match(make_alert(RECORD)) == 1
    assert several.words(1) == "source 10.0.0.0/8 (known)"
    assert len(several) == 3


@pytest.mark.parametrize("source", [None, "", "no address", "10.0.0.1/8", "fe80::1%eth0", "x" * 99])
def test_a_source_that_is_no_address_matches_no_network(
    make_alert: MakeAlert, source: str | None
) -> None:
    alert = make_alert({"id.orig_h": source})
    assert suppressions({"source": "10.0.0.0/8"}).match(alert) is None


def test_an_old_address_written_as_a_new_one_is_the_same(make_alert: MakeAlert) -> None:
    alert = make_alert({"id.orig_h": "::ffff:10.0.0.1"})
    assert suppressions({"source": "10.0.0.0/8"}).match(alert) == 0
    alert = make_alert({"id.orig_h": "2001:db8::1"})
    assert suppressions({"source": "2001:db8::/32"}).match(alert) == 0


def test_the_signature_is_that_of_the_family_as_the_bundle_describes_it(
    make_alert: MakeAlert,
) -> None:
    rules = [SuppressionSettings(signature=7, reason="known")]
    assert Suppressions.of(rules, lambda _: 7).match(make_alert(RECORD)) == 0
    assert Suppressions.of(rules, lambda _: 8).match(make_alert(RECORD)) is None
