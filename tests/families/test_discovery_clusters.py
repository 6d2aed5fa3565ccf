"""Clusters by density, the sample that they are made of, and their ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from enricher.families.discovery.candidates import (
    PER_DESTINATION,
    PER_SERVICE,
    PER_SOURCE,
    CandidateSampler,
)
from enricher.families.discovery.clustering import FEWEST, cluster, share_near, spread
from enricher.families.discovery.matching import Known, match
from enricher.features.rows import take
from enricher.features.spec import SPECS
from enricher.features.tensors import Features, TextColumn

Points = npt.NDArray[np.float32]
seeds = st.integers(0, 2**32 - 1)


def clouds(seed: int, sizes: tuple[int, ...] = (40, 25, 8, 3)) -> Points:
    """Clouds of several densities, and noise."""
    random = np.random.default_rng(seed)
    parts = [
        random.normal(10.0 * random.normal(size=6), random.uniform(0.1, 1.5), size=(size, 6))
        for size in sizes
    ]
    return np.concatenate([*parts, random.uniform(-20, 20, size=(20, 6))]).astype(np.float32)


def sets_of(clusters: list[npt.NDArray[np.int64]]) -> set[frozenset[int]]:
    return {frozenset(rows.tolist()) for rows in clusters}


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.3, 6.0))
def test_clusters_are_those_of_the_library(seed: int, radius: float) -> None:
    points = clouds(seed).astype(np.float64)
    library = DBSCAN(eps=radius, min_samples=FEWEST).fit(points)
    core = set(library.core_sample_indices_.tolist())
    theirs = {
        frozenset(np.flatnonzero(library.labels_ == label).tolist()) & core
        for label in set(library.labels_.tolist()) - {-1}
    }
    found = cluster(points.astype(np.float32), radius)
    assert {one & core for one in sets_of(found)} == theirs
    assert {row for rows in found for row in rows.tolist()} == set(
        np.flatnonzero(library.labels_ >= 0).tolist()
    )


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.3, 6.0))
def test_the_order_of_records_does_not_matter(seed: int, radius: float) -> None:
    points = clouds(seed)
    order = np.random.default_rng(seed).permutation(len(points))
    shuffled = cluster(points[order], radius)
    assert sets_of([order[rows] for rows in shuffled]) == sets_of(cluster(points, radius))


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.3, 6.0), st.integers(1, 95))
def test_more_records_never_break_a_cluster(seed: int, radius: float, first: int) -> None:
    points = clouds(seed)
    shuffled = points[np.random.default_rng(seed).permutation(len(points))]
    before, after = cluster(shuffled[:first], radius), cluster(shuffled, radius)
    where = {row: place for place, rows in enumerate(after) for row in rows.tolist()}
    assert {row for rows in before for row in rows.tolist()} <= set(where)
    # Those with few neighbours may change sides; those that make a cluster stay together.
    near = np.linalg.norm(shuffled[:first, None] - shuffled[None, :first], axis=2) <= radius
    core = near.sum(axis=1) >= FEWEST
    for rows in before:
        assert len({where[row] for row in rows.tolist() if core[row]}) == 1


def test_nothing_and_too_little_are_no_cluster() -> None:
    assert cluster(np.empty((0, 4), dtype=np.float32), 1.0) == []
    assert cluster(np.zeros((FEWEST - 1, 4), dtype=np.float32), 1.0) == []
    assert len(cluster(np.zeros((FEWEST, 4), dtype=np.float32), 0.0)) == 1


def test_records_that_stand_for_all_begin_in_the_middle_and_reach_the_edges() -> None:
    line = np.arange(11, dtype=np.float32)[:, None]
    assert spread(line, 3).tolist()[0] == 5
    assert set(spread(line, 3).tolist()) == {0, 5, 10}
    assert len(spread(np.zeros((9, 2), dtype=np.float32), 3)) == 1


@given(seeds)
def test_the_share_that_is_near_is_the_share_that_is_near(seed: int) -> None:
    points = clouds(seed)
    assert share_near(points, points[:1], 1e9) == 1.0
    assert share_near(points[:7], points[:7], 0.01) == 1.0
    assert share_near(points, points + np.float32(1e3), 1.0) == 0.0


def records(rows: list[tuple[str, str, int]], first: int = 0) -> dict[str, Any]:
    """Candidates from some sources to some ports of some destinations."""
    count, spec = len(rows), SPECS["conn"]
    frame = pl.DataFrame(
        {
            "ts": [1.7e9 + first + n for n in range(count)],
            "uid": [f"C{first + n}" for n in range(count)],
            "id.orig_h": [source for source, _, _ in rows],
            "id.orig_p": [1024] * count,
            "id.resp_h": [destination for _, destination, _ in rows],
            "id.resp_p": [port for _, _, port in rows],
            "history": ["S" * 9000] * count,
            "tunnel_parents": [["C" * 2000] * 100] * count,
            "_file": [0] * count,
            "_line": [first + n for n in range(count)],
        },
        schema_overrides={"_file": pl.UInt32(), "_line": pl.UInt64()},
    )
    numeric = np.full((count, len(spec.numeric)), first, dtype=np.float32)
    categorical = np.zeros((count, len(spec.categorical)), dtype=np.int32)
    empty = TextColumn(
        np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64), np.full(count, -1, np.int32)
    )
    features = Features(
        "conn", spec.version, numeric, categorical, dict.fromkeys(spec.text_names, empty)
    )
    embedding = np.arange(first, first + count, dtype=np.float32)[:, None].repeat(4, axis=1)
    return {
        "frame": frame, "features": features, "embedding": embedding,
        "scores": np.zeros((count, 2), dtype=np.float32),
    }  # fmt: skip


def sample(*parts: dict[str, Any], capacity: int = 4000) -> pl.DataFrame:
    sampler = CandidateSampler(capacity)
    for part in parts:
        sampler.add(**part)
    candidates = sampler.candidates()
    assert candidates is not None
    whole = candidates.frame.with_columns(pl.Series("weight", candidates.weight))
    # All that is known of a record stays in its row.
    assert (candidates.embedding[:, 0] == whole["_line"].to_numpy()).all()
    return whole


def test_a_noisy_source_does_not_drown_the_others() -> None:
    flood = records([("10.0.0.66", "10.0.1.1", 80)] * 3000)
    quiet = records([(f"10.0.0.{n}", "10.0.2.2", 443) for n in range(20)], first=10_000)
    kept = sample(flood, quiet)
    loud = kept.filter(pl.col("id.orig_h") == "10.0.0.66")
    assert loud.height == PER_SERVICE
    assert loud["weight"].sum() == pytest.approx(3000)
    assert kept.filter(pl.col("id.resp_p") == 443).height == 20


def test_neither_a_scan_of_all_ports_nor_a_flood_from_everywhere_fills_the_sample() -> None:
    scan = records([("10.0.0.66", f"10.1.{n % 99}.1", n) for n in range(2000)])
    spoofed = records([(f"11.0.{n // 99}.{n % 99}", "10.0.9.9", 53) for n in range(2000)], 5000)
    kept = sample(scan, spoofed)
    assert kept.filter(pl.col("id.orig_h") == "10.0.0.66").height == PER_SOURCE
    assert kept.filter(pl.col("id.resp_h") == "10.0.9.9").height == PER_DESTINATION


def test_the_sample_is_bounded_and_every_source_is_in_it() -> None:
    rows = [(f"10.0.0.{n % 50}", f"10.1.{n % 40}.1", n % 7) for n in range(3000)]
    kept = sample(*(records(rows[n : n + 500], first=n) for n in range(0, 3000, 500)), capacity=200)
    assert kept.height == 200
    assert kept["id.orig_h"].n_unique() == 50


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 9), st.sampled_from([60, 4000]))
def test_the_sample_does_not_depend_on_the_order_or_on_batches(
    seed: int, batches: int, capacity: int
) -> None:
    rows = [(f"10.0.0.{n % 3}", f"10.1.{n % 5}.1", n % 2) for n in range(900)]
    whole = records(rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    parts = [
        {
            "frame": whole["frame"][index],
            "features": take(whole["features"], index),
            "embedding": whole["embedding"][index],
            "scores": whole["scores"][index],
        }
        for index in np.array_split(order, batches)
    ]
    some, again = sample(whole, capacity=capacity), sample(*parts, capacity=capacity)
    assert some.select("_line", "weight").rows() == again.select("_line", "weight").rows()
    assert some.height == min(capacity, 6 * PER_SERVICE)


def test_long_values_are_cut_before_they_are_kept() -> None:
    kept = sample(records([("10.0.0.1", "10.0.0.2", 80)]))
    assert kept["history"].str.len_chars().max() == 4096
    assert kept["tunnel_parents"].list.len().max() == 64
    assert kept["tunnel_parents"].explode().str.len_chars().max() == 512


def cloud(centre: float, count: int = 40) -> Points:
    return np.random.default_rng(7).normal(centre, 0.2, size=(count, 3)).astype(np.float32)


def test_a_cluster_that_grew_keeps_its_id_whatever_the_order() -> None:
    known = [Known(4, "open", cloud(0.0, 10)), Known(9, "open", cloud(50.0))]
    assert match([cloud(50.0, 90), cloud(0.0, 300), cloud(-50.0)], known, 1.0).numbers == [
        9,
        4,
        None,
    ]
    grown = np.concatenate((cloud(0.0), cloud(3.0, 900)))
    assert match([grown], known, 1.0).numbers == [4]


def test_of_two_that_grew_together_the_older_id_stays() -> None:
    known = [Known(3, "open", cloud(0.0)), Known(8, "open", cloud(9.0))]
    matches = match([np.concatenate((cloud(0.0), cloud(9.0)))], known, 1.0)
    assert (matches.numbers, matches.merged) == ([3], {8: 3})


def test_one_that_fell_apart_is_the_nearer_part_and_the_other_is_new() -> None:
    known = [Known(3, "open", np.concatenate((cloud(0.0, 30), cloud(9.0, 10))))]
    assert match([cloud(9.0, 10), cloud(0.0, 30)], known, 1.0).numbers.count(3) == 1


@pytest.mark.parametrize("status", ["named", "dismissed"])
def test_what_grows_around_a_settled_one_is_not_hidden_by_it(status: Any) -> None:
    known = [Known(3, status, cloud(0.0))]
    assert match([cloud(0.0)], known, 1.0).numbers == [3]
    attack = np.concatenate((cloud(0.0, 40), cloud(5.0, 200)))
    matches = match([attack], known, 1.0)
    assert (matches.numbers, matches.merged) == ([None], {})
