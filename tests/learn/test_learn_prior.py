"""Made-up families are seeded, whole, consistent, and differ from each other and from benign."""

from __future__ import annotations

import csv
import gzip
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from enricher.features import ContextTracker, extract
from enricher.learn.prior import ATTACKS, ORDINARY, sample_logs, sample_site
from enricher.learn.prior.common import frame
from enricher.learn.wrapping import WrappedLog
from enricher.logs import KINDS, PROVENANCE, SCHEMAS, Kind

OPEN = ("SF", "S1", "S2", "S3", "RSTO", "RSTR")
ALL = [
    (kind, construct)
    for kind in KINDS
    for table in (ATTACKS[kind], ORDINARY[kind])
    for construct in table
]


@cache
def logs(seed: int) -> dict[Kind, WrappedLog]:
    return {log.batch.kind: log for log in sample_logs(seed, families=12)}


def test_the_same_seed_gives_the_same_logs_and_another_seed_others() -> None:
    first, again, other = (sample_logs(seed, families=4) for seed in (5, 5, 6))
    for one, same, different in zip(first, again, other, strict=True):
        assert one.batch.frame.equals(same.batch.frame)
        assert one.families == same.families
        assert not one.batch.frame.equals(different.batch.frame)


def test_a_log_does_not_depend_on_the_other_kinds_that_are_asked_for() -> None:
    (alone,) = sample_logs(5, families=4, kinds=["ssl"])
    together = sample_logs(5, families=4)[-1]
    assert alone.batch.frame.equals(together.batch.frame)
    assert alone.families == together.families


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_has_every_canonical_column_in_order_of_time_and_its_families(kind: Kind) -> None:
    log = logs(1)[kind]
    assert log.capture == "prior-1"
    assert log.batch.frame.schema == {**SCHEMAS[kind], **PROVENANCE}
    assert log.batch.frame["ts"].is_sorted()
    assert log.batch.frame["ts"].null_count() == 0
    assert log.batch.frame["_line"].to_list() == list(range(1, len(log.batch) + 1))
    first = 12 * KINDS.index(kind)
    named = {f"prior-1-{number}" for number in range(first, first + 12)}
    assert set(log.families) == {"benign", *named}
    counts = pl.Series(log.families).value_counts(name="n").filter(pl.col("") != "benign")["n"]
    assert set(counts) <= {60, 120, 240}


@pytest.mark.parametrize("kind", KINDS)
def test_families_run_beside_ordinary_traffic_and_each_other(kind: Kind) -> None:
    changes = np.array(logs(1)[kind].families)
    assert (changes[1:] != changes[:-1]).mean() > 0.1


@pytest.mark.parametrize(
    ("kind", "construct"), ALL, ids=lambda value: getattr(value, "__name__", value)
)
def test_every_construction_draws_records_that_have_features(kind: Kind, construct: object) -> None:
    assert callable(construct)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        site = sample_site(rng, 40)
        draw = construct(rng, site)
        for number in (1, 25):
            made = frame(kind, draw(rng, number), number, rng)
            assert made.schema == SCHEMAS[kind]
            assert made["ts"].min() >= site.start  # type: ignore[operator]
            assert made["ts"].max() <= site.start + site.seconds + 1.0  # type: ignore[operator]


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_tree_tells_most_pairs_of_families_apart_and_each_from_benign(kind: Kind) -> None:
    log = logs(2)[kind]
    features = extract(log.batch, ContextTracker(kind))
    numeric = np.nan_to_num(features.numeric, nan=-1.0)
    table = np.concatenate([numeric, features.categorical], axis=1)
    labels = np.array(log.families)
    rng = np.random.default_rng(0)
    names = sorted(set(log.families))
    right = []
    for place, one in enumerate(names):
        for other in names[:place]:
            parts = [rng.permutation(np.flatnonzero(labels == name))[:60] for name in (one, other)]
            known = np.concatenate([part[:20] for part in parts])
            new = np.concatenate([part[20:] for part in parts])
            tree = DecisionTreeClassifier(max_depth=3, random_state=0)
            found = tree.fit(table[known], labels[known]).predict(table[new])
            right.append((found == labels[new]).mean())
    assert np.mean(np.array(right) > 0.8) > 0.85


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31))
def test_connections_are_consistent_in_themselves(seed: int) -> None:
    (log,) = sample_logs(seed, families=6, records_per_family=15, kinds=["conn"])
    rows = log.batch.frame.with_columns(
        pl.col("orig_bytes", "resp_bytes").fill_null(0),
        sent_header=pl.col("proto").replace_strict({"tcp": 40, "udp": 28, "icmp": 28}),
    )
    for side in ("orig", "resp"):
        packets, size, wire = (rows[f"{side}_{what}"] for what in ("pkts", "bytes", "ip_bytes"))
        assert (wire >= size + rows["sent_header"] * packets).all()
        assert ((packets > 0) | (size == 0)).all()
        assert (wire <= 70_000 * packets).all()
        assert (size <= 2e10).all()
    assert rows.filter(pl.col("orig_pkts") + pl.col("resp_pkts") < 1).is_empty()
    alone = rows.filter(pl.col("orig_pkts") + pl.col("resp_pkts") == 1)
    assert alone["duration"].null_count() == len(alone)
    assert (rows["duration"].drop_nulls() > 0).all()
    tcp = rows.filter(pl.col("proto") == "tcp", pl.col("history").is_not_null())
    assert ((tcp["orig_bytes"] > 0) == tcp["history"].str.contains("D", literal=True)).all()
    assert ((tcp["resp_bytes"] > 0) == tcp["history"].str.contains("d", literal=True)).all()
    silent = tcp.filter(~pl.col("conn_state").is_in(OPEN))
    assert (silent["orig_bytes"] + silent["resp_bytes"] == 0).all()
    assert (tcp.filter(pl.col("conn_state") == "S0")["resp_pkts"] == 0).all()
    assert (rows.filter(pl.col("proto") == "icmp")["conn_state"] == "OTH").all()


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31))
def test_text_is_bounded_and_names_are_no_longer_than_names_may_be(seed: int) -> None:
    made = {
        log.batch.kind: log.batch.frame
        for log in sample_logs(seed, families=6, records_per_family=15, kinds=["dns", "http"])
    }
    queries = made["dns"]["query"].str.replace_all(r"\\x[0-9a-f]{2}", "x")
    assert queries.str.len_chars().max() <= 253  # type: ignore[operator]
    assert queries.str.split(".").list.eval(pl.element().str.len_chars()).list.max().max() <= 63  # type: ignore[operator]
    for column in ("uri", "user_agent", "referrer", "host"):
        assert (made["http"][column].str.len_chars().max() or 0) <= 4000  # type: ignore[operator]
    assert made["http"]["uri"].null_count() == 0


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31))
def test_answers_and_certificates_are_only_there_where_they_can_be(seed: int) -> None:
    made = {
        log.batch.kind: log.batch.frame
        for log in sample_logs(seed, families=6, records_per_family=15, kinds=["dns", "ssl"])
    }
    dns = made["dns"]
    answered = dns.filter(pl.col("answers").is_not_null())
    assert (answered["rcode"] == 0).all()
    assert (answered["answers"].list.len() == answered["TTLs"].list.len()).all()
    assert dns.filter(pl.col("rcode") == 3)["answers"].null_count() == len(
        dns.filter(pl.col("rcode") == 3)
    )
    ssl = made["ssl"]
    hidden = ssl.filter((pl.col("version") == "TLSv13") | pl.col("resumed"))
    assert hidden["subject"].null_count() == len(hidden)
    assert (ssl.filter(pl.col("last_alert").is_not_null())["established"].not_()).all()


def test_no_listed_name_is_made_up(shared_data: Path) -> None:
    with gzip.open(shared_data / "lists" / "dga.csv.gz", "rt") as stream:
        listed = {row["domain"] for row in csv.DictReader(stream) if row["label"] == "dga"}
    assert len(listed) > 1000
    made = {name for seed in (1, 2) for name in logs(seed)["dns"].batch.frame["query"]}
    assert len(made) > 1000
    assert made.isdisjoint(listed)


@pytest.mark.parametrize("wrong", [{"families": 0}, {"records_per_family": 0}])
def test_a_number_that_makes_no_log_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sample_logs(1, **wrong)  # type: ignore[arg-type]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'files' is no kind"):
        sample_logs(1, kinds=["files"])  # type: ignore[list-item]
