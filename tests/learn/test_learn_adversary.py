"""An attacker grows what is in its hand, and nothing else in a log changes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, get_args
from urllib.parse import parse_qsl, unquote

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.features.rows import rows_of
from enricher.features.tensors import Features, TextColumn
from enricher.learn.adversary.growth import Growth, grown
from enricher.learn.adversary.measuring import ADAPTED, THRESHOLD, Cell
from enricher.learn.adversary.records import Limits, collect
from enricher.learn.adversary.report import markdown
from enricher.learn.adversary.strings import (
    padded_agent,
    padded_name,
    padded_referrer,
    padded_uri,
)
from enricher.learn.dataset import NOT_BELIEVED, NOT_LABELLED, LabelledLog
from enricher.learn.manifest import BENIGN
from enricher.logs import PROVENANCE, SCHEMAS, Kind, LogBatch

MAY_GROW: dict[Kind, tuple[set[str], set[str]]] = {
    "conn": (
        {"duration", "orig_bytes", "orig_pkts", "orig_ip_bytes"},
        {"resp_bytes", "resp_pkts", "resp_ip_bytes"},
    ),
    "http": ({"request_body_len", "uri", "referrer", "user_agent"}, {"response_body_len"}),
    "dns": (set(), {"query"}),
    "ssl": (set(), {"server_name"}),
}
"""What may change of any attack, and what besides where the attacker runs the far end."""

ALPHABET = "abcxyz0129.-_/?=&%+ \N{SNOWMAN}"
LABELS = st.sampled_from(
    [BENIGN, NOT_LABELLED, NOT_BELIEVED, "horizontal-scan", "beaconing", "dga", "sql-injection"]
)
GROWTHS = st.builds(
    Growth, st.sampled_from([1.0, 1.1, 2.0, 10.0]), st.booleans(), st.integers(0, 99)
)


def drawn(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret


def value(dtype: pl.DataType, rng: random.Random) -> Any:
    if rng.random() < 0.2:
        return None
    if dtype == pl.Float64():
        return rng.choice([0.0, 1e-6, rng.uniform(0, 10), 1e9])
    if dtype == pl.Boolean():
        return rng.random() < 0.5
    if dtype == pl.String():
        return "".join(rng.choices(ALPHABET, k=rng.randrange(12)))
    if isinstance(dtype, pl.List):
        return []
    most = 2**62 if dtype == pl.Int64() else 2**31 - 1
    return rng.choice([0, 1, rng.randrange(3000), rng.randrange(most)])


@st.composite
def logs(draw: st.DrawFn) -> tuple[LogBatch, pl.Series]:
    kind: Kind = draw(st.sampled_from(get_args(Kind)))
    families = draw(st.lists(LABELS, min_size=1, max_size=6))
    rng = drawn(draw(st.integers(0, 2**32)))
    columns = [
        pl.Series(name, [value(dtype, rng) for _ in families], dtype=dtype)
        for name, dtype in {**SCHEMAS[kind], **PROVENANCE}.items()
    ]
    return LogBatch(kind, pl.DataFrame(columns)), pl.Series(families, dtype=pl.String)


def size(amount: Any) -> Any:
    return len(amount) if isinstance(amount, str) else amount


@settings(max_examples=100, deadline=None)
@given(logs(), GROWTHS)
def test_only_what_is_in_the_attackers_hand_changes_and_it_only_grows(
    log: tuple[LogBatch, pl.Series], growth: Growth
) -> None:
    batch, families = log
    before = batch.frame.clone()
    after = grown(batch, families, growth)
    assert batch.frame.equals(before)
    assert after.frame.schema == batch.frame.schema
    of_any, of_own = MAY_GROW[batch.kind]
    for family, old, new in zip(
        families, before.iter_rows(named=True), after.frame.iter_rows(named=True), strict=True
    ):
        allowed: set[str] = set()
        if family in ("horizontal-scan", "beaconing", "dga", "sql-injection"):
            allowed = of_any | (of_own if family in ("beaconing", "dga") else set())
        for name in old:
            if name not in allowed or growth.largest == 1.0 or old[name] is None:
                assert new[name] == old[name], name
            elif name != "user_agent" or not growth.varied:  # which may become a browser's
                assert size(new[name]) >= size(old[name]), name


def conn(**columns: Sequence[Any]) -> LogBatch:
    count = len(next(iter(columns.values())))
    schema = {**SCHEMAS["conn"], **PROVENANCE}
    return LogBatch(
        "conn",
        pl.DataFrame({name: columns.get(name, [None] * count) for name in schema}, schema=schema),
    )


@settings(deadline=None)
@given(
    st.integers(0, 10**9),
    st.integers(1, 10**6),
    st.integers(20, 60),
    st.booleans(),
    st.floats(1, 99),
)
def test_bytes_on_the_wire_hold_the_payload_and_the_headers_of_all_packets(
    payload: int, packets: int, headers: int, varied: bool, factor: float
) -> None:
    batch = conn(
        orig_bytes=[payload], orig_pkts=[packets], orig_ip_bytes=[payload + headers * packets]
    )
    frame = grown(batch, pl.Series(["horizontal-scan"]), Growth(factor, varied)).frame
    sent, number, wire = frame.select("orig_bytes", "orig_pkts", "orig_ip_bytes").row(0)
    assert wire >= sent + headers * number
    assert number * 1460 >= min(sent, packets * 1460 + sent - payload)


def test_a_single_packet_with_room_does_not_become_two_by_a_tenth() -> None:
    batch = conn(orig_bytes=[60], orig_pkts=[1], orig_ip_bytes=[88])
    frame = grown(batch, pl.Series(["horizontal-scan"]), Growth(1.1)).frame
    assert frame.select("orig_bytes", "orig_pkts", "orig_ip_bytes").row(0) == (66, 1, 94)


def test_what_was_one_name_stays_one_name_unless_growth_is_varied() -> None:
    schema = {**SCHEMAS["ssl"], **PROVENANCE}
    names = ["c2.example"] * 50
    frame = pl.DataFrame(
        {name: names if name == "server_name" else [None] * 50 for name in schema}, schema=schema
    )
    counts = [
        grown(LogBatch("ssl", frame), pl.Series(["beaconing"] * 50), growth).frame["server_name"]
        for growth in (Growth(3.0), Growth(3.0, varied=True))
    ]
    assert counts[0].n_unique() == 1
    assert counts[1].n_unique() > 10


def test_every_amount_grows_by_the_factor() -> None:
    batch = conn(
        duration=[2.0], orig_bytes=[100], orig_pkts=[4], orig_ip_bytes=[260], resp_bytes=[10]
    )
    row = grown(batch, pl.Series(["ssh-bruteforce"]), Growth(10.0)).frame.row(0, named=True)
    assert row["duration"] == pytest.approx(20.0)
    assert (row["orig_bytes"], row["orig_pkts"], row["orig_ip_bytes"]) == (1000, 40, 2600)
    assert row["resp_bytes"] == 10


def test_factors_of_varied_growth_differ_between_records_and_stay_within_bounds() -> None:
    batch = conn(duration=[1.0] * 200, orig_bytes=[1000] * 200)
    frame = grown(batch, pl.Series(["njrat-cnc"] * 200), Growth(10.0, varied=True)).frame
    for name, one in (("duration", 1.0), ("orig_bytes", 1000)):
        values = frame[name].to_numpy() / one
        assert len(np.unique(values)) > 150
        assert values.min() >= 1.0
        assert 8.0 < values.max() <= 10.001


def test_an_attacker_does_not_shrink() -> None:
    with pytest.raises(ValueError, match="only grows"):
        Growth(0.5)
    with pytest.raises(ValueError, match="only grows"):
        Growth(float("nan"))


NAMES = st.lists(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=63),
    min_size=1,
    max_size=3,
).map(".".join)


@settings(deadline=None)
@given(NAMES, st.floats(1, 20), st.integers(0, 9))
def test_a_padded_name_is_valid_and_in_the_same_zone(name: str, factor: float, seed: int) -> None:
    padded = padded_name(name, factor, drawn(seed))
    assert padded == name or padded.endswith("." + name)
    assert len(padded) <= max(253, len(name))
    assert len(padded) <= max(len(name), np.ceil(len(name) * factor))
    for label in padded.split("."):
        assert 1 <= len(label) <= 63
        assert not label.startswith("-")
        assert not label.endswith("-")


def test_a_padded_name_is_as_long_as_it_is_to_be() -> None:
    name = "x5f3k9.tunnel.example"
    assert len(padded_name(name, 2.0, drawn(0))) in (2 * len(name), 2 * len(name) - 1)


@pytest.mark.parametrize("name", ["", ".", "1.0.0.127.in-addr.arpa", "arpa"])
def test_names_that_nobody_may_add_to_stay(name: str) -> None:
    assert padded_name(name, 10.0, drawn(0)) == name


PARAMETERS = st.lists(
    st.tuples(
        st.text("abc", min_size=1, max_size=3), st.text("abc1%'<> 2", min_size=1, max_size=9)
    ),
    max_size=3,
)


@settings(deadline=None)
@given(PARAMETERS, st.floats(1, 10), st.integers(0, 9))
def test_a_padded_uri_says_the_same_to_the_server(
    parameters: list[tuple[str, str]], factor: float, seed: int
) -> None:
    query = "&".join(f"{name}={text.replace('%', '%25')}" for name, text in parameters)
    uri = "/shop/item.php" + (f"?{query}" if query else "")
    padded = padded_uri(uri, factor, drawn(seed), own_server=False)
    path, _, rest = padded.partition("?")
    assert unquote(path) == "/shop/item.php"
    assert parse_qsl(rest)[: len(parameters)] == parse_qsl(query)
    assert len(padded) >= len(uri)


@pytest.mark.parametrize("uri", ["*", "host.example:443", "http://host.example/a", ""])
def test_what_is_no_path_is_not_padded(uri: str) -> None:
    assert padded_uri(uri, 10.0, drawn(0), own_server=True) == uri


def test_segments_go_before_the_path_only_at_the_attackers_own_server() -> None:
    own = [padded_uri("/gate.php?a=1", 4.0, drawn(s), own_server=True) for s in range(9)]
    assert any(not uri.startswith("/gate.php") for uri in own)
    assert all("/gate.php?" in uri for uri in own)


@settings(deadline=None)
@given(st.text(ALPHABET, min_size=1, max_size=40), st.floats(1, 10))
def test_agents_and_referrers_get_something_behind_them(text: str, factor: float) -> None:
    for pad in (padded_agent, padded_referrer):
        padded = pad(text, factor, drawn(0))
        assert padded.startswith(text)
        assert len(padded) >= min(1000, len(text) * factor)


def log(values: Sequence[float], families: Sequence[str]) -> LabelledLog:
    count = len(values)
    numeric = np.array(values, np.float32)[:, None]
    features = Features("conn", 1, numeric, np.zeros((count, 1), np.int32), dict[str, TextColumn]())
    zeros = np.zeros(count)
    return LabelledLog("a", False, features, np.array(families), zeros, zeros.astype(np.int64))


def test_the_same_records_are_drawn_from_a_log_whatever_its_values() -> None:
    families = [BENIGN] * 300 + ["a"] * 300 + [NOT_LABELLED] * 5 + [NOT_BELIEVED] * 5
    limits = Limits(benign=20, pool=30, query=40)
    values = [float(number) for number in range(610)]
    later = [number + 1000 for number in values]
    one = collect([log(values, families), log(later, families)], limits)
    fewer = Limits(benign=0, pool=30, query=40)
    negative = [[-number for number in some] for some in (values, later)]
    two = collect([log(some, families) for some in negative], fewer)
    key: tuple[Kind, str] = ("conn", "a")
    assert set(one.query) == set(one.support) == {key}
    assert (one.query[key].numeric == -two.query[key].numeric).all()
    assert one.support[key].numeric[:, 0].tolist() == list(range(300, 330))
    assert len(one.query[key]) == 80
    assert not set(one.support[key].numeric[:, 0]) & set(one.query[key].numeric[:, 0])
    assert (one.benign["conn"].numeric % 1000 < 150).all()
    held = one.held["conn"].numeric % 1000
    assert ((held >= 150) & (held < 300)).all()
    assert len(held) == 40
    assert len(rows_of(one.held["conn"], np.arange(2))) == 2


def test_the_report_names_the_worst_family_and_says_where_a_goal_is_missed() -> None:
    cells = [
        Cell("dns", family, 100, measure, False, factor, 1.0, after)
        for measure in (ADAPTED, THRESHOLD)
        for family, factor, after in (
            ("dga", 2.0, 0.85),
            ("dns-tunnel", 2.0, 1.0),
            ("dga", 10.0, 0.2),
            ("dns-tunnel", 10.0, 0.6),
        )
    ]
    lines = markdown(cells, "A note.").splitlines()
    summary = [line for line in lines if line.startswith("| dns | adapted")]
    assert summary[0].endswith("| 2x | 1.000 | 0.925 | 7.5 | dga 15.0 | met; worst family missed |")
    assert summary[1].endswith(
        "| 10x | 1.000 | 0.400 | 60.0 | dga 80.0 | missed; worst family missed |"
    )
    assert "| dns | dga | 100 | adapted | 1.000 | 15.0 | 80.0 |" in lines
