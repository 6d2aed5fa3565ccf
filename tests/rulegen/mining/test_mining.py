"""From records of a family and benign ones to the substance of rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.logs import SCHEMAS, Kind
from enricher.rulegen.mining.cover import Bounds
from enricher.rulegen.mining.evidence import Evidence
from enricher.rulegen.mining.mine import mine
from enricher.rulegen.mining.mined import Finding
from enricher.rulegen.mining.substrings import repeats
from enricher.rulegen.policy import load_ordinary, load_policy

BOUNDS = Bounds(rules=5, conditions=3, bits=30.0, gain=0.04)


def records(
    kind: Kind, rows: Sequence[dict[str, Any]], source: str = "192.168.1.5"
) -> pl.DataFrame:
    common = {"id.orig_h": source, "id.orig_p": 40000, "id.resp_h": "203.0.113.9"}
    ports = {"http": 80, "dns": 53, "ssl": 443, "conn": 443}
    filled = [
        {"ts": 1_700_000_000.0 + number, "id.resp_p": ports[kind], **common, **row}
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(filled, schema=SCHEMAS[kind])


def mined(kind: Kind, family: pl.DataFrame, benign: pl.DataFrame) -> Finding:
    return mine(Evidence(kind, family, benign, load_ordinary()), BOUNDS)


BENIGN_WEB = records(
    "http",
    [
        {"method": "GET", "uri": f"/page/{n}?sort=name", "host": f"www{n % 40}.example",
         "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"}
        for n in range(2000)
    ],
)  # fmt: skip


@given(st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=8, unique=True))
def test_a_repeat_is_in_exactly_the_values_that_it_names(values: list[bytes]) -> None:
    values = [value.replace(b"\0", b"0") for value in values]
    for one in repeats(values, shortest=2, longest=8, least=2):
        assert [place for place, value in enumerate(values) if one.part in value] == list(
            one.values
        )


def test_what_a_family_shares_and_nobody_else_has_is_found() -> None:
    family = records(
        "http",
        [
            {"method": "POST", "uri": f"/panel/gate.php?id={n}", "host": f"c{n}.bad"}
            for n in range(20)
        ],
    )  # fmt: skip
    found = mined("http", family, BENIGN_WEB)
    assert len(found.rules) == 1
    assert found.covered[0].all()
    assert any("gate.php" in about for about in found.rules[0].about)
    assert found.refusals == []


def test_what_is_ordinary_everywhere_is_refused_though_no_benign_record_has_it() -> None:
    rows = [{"method": "GET", "uri": "/wp-login.php", "host": "a.bad", "user_agent": "curl/8.4.0"}]
    found = mined("http", records("http", rows * 10, "198.51.100.7"), BENIGN_WEB)
    assert found.rules == []
    assert found.refusals[0].records == 10
    assert "detector" in found.refusals[0].reason


def test_a_browsers_name_alone_makes_no_rule() -> None:
    agent = (
        "Mozilla/5.0 (Windows NT 6.3) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/61.0 "
        "Safari/537.36"
    )
    rows = [{"method": "GET", "uri": "/", "host": "a.bad", "user_agent": agent}] * 20
    assert mined("http", records("http", rows, "198.51.100.7"), BENIGN_WEB).rules == []


def test_a_request_from_outside_is_not_told_by_the_host_that_it_attacks() -> None:
    rows = [{"method": "GET", "uri": "/", "host": "victim.example.org", "user_agent": "x"}] * 20
    assert mined("http", records("http", rows, "198.51.100.7"), BENIGN_WEB).rules == []


NAMES = records(
    "dns", [{"query": f"www.site{n}.com", "proto": "udp"} for n in range(3000)], "192.168.1.7"
)


def test_a_domain_of_a_tunnel_is_found_and_how_it_behaves_beside_it() -> None:
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz0123456789"))
    family = records(
        "dns",
        [
            {"query": "".join(rng.choice(letters, 50)) + ".t.evil-zone.net", "ts": n / 5}
            for n in range(200)
        ],
    )  # fmt: skip
    found = mined("dns", family, NAMES)
    texts = [" ".join(map(str, one.options)) for one in found.rules]
    assert "dotprefix" in texts[0]
    assert ".evil-zone.net" in texts[0]
    assert found.rules[1].rate is not None
    assert "evil-zone" not in texts[1]


def test_names_under_a_domain_that_many_share_are_not_told_by_it() -> None:
    rows = [{"query": f"host{n}.dyndns.org", "proto": "udp"} for n in range(20)]
    texts = [str(one.options) for one in mined("dns", records("dns", rows), NAMES).rules]
    assert not any("dotprefix" in text for text in texts)


def test_a_scan_gets_a_rate_far_above_what_benign_hosts_do() -> None:
    syn = {"proto": "tcp", "conn_state": "S0", "history": "S", "orig_pkts": 1}
    family = records(
        "conn", [{**syn, "id.resp_h": f"10.0.{n // 250}.{n % 250}", "id.resp_p": 445, "ts": n / 50}
                 for n in range(1000)],
    )  # fmt: skip
    normal = {"proto": "tcp", "conn_state": "SF", "history": "ShADadFf", "orig_pkts": 9}
    benign = records("conn", [{**normal, "ts": n * 3.0} for n in range(2000)], "192.168.1.7")
    (rule,) = mined("conn", family, benign).rules
    assert rule.rate is not None
    assert rule.rate.count > 2 * 20
    assert rule.port == "445"


def test_connections_that_differ_only_in_their_figures_are_refused_with_the_reason() -> None:
    normal = {"proto": "tcp", "conn_state": "SF", "history": "ShADadFf", "orig_pkts": 9}
    benign = records("conn", [{**normal, "ts": n * 1.0} for n in range(3000)], "192.168.1.7")
    family = records("conn", [{**normal, "orig_bytes": 9999, "ts": n * 60.0} for n in range(50)])
    found = mined("conn", family.with_columns(pl.lit("192.168.9.9").alias("id.resp_h")), benign)
    assert found.rules == []
    assert "not expressible in Suricata" in found.refusals[0].reason


@pytest.mark.parametrize("kind", ["http", "dns", "ssl", "conn"])
def test_one_record_without_values_and_no_benign_ones_stop_nothing(kind: Kind) -> None:
    found = mined(kind, records(kind, [{}]), records(kind, []))
    assert found.rules == [] or found.covered[0].any()


def test_the_policy_that_ships_can_be_read() -> None:
    assert load_policy().rules_per_family == 5
    assert b"/robots.txt" in load_ordinary()["http.uri"]
