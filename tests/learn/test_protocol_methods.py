"""Every method of the tables finds what is easy, is fair, and keeps to the contract."""

from __future__ import annotations

import numpy as np
import pytest

from enricher.learn.protocol.catalogue import all_methods, baselines
from enricher.learn.protocol.method import Meta, Method, Traits
from enricher.learn.protocol.methods.nearest import OneThreshold, mean_distance
from enricher.learn.protocol.methods.novelty import TailProbabilities
from enricher.learn.protocol.metrics import auroc
from enricher.learn.protocol.scaling import TableScaler
from enricher.learn.views import View

SUPPORT = np.arange(10)
QUERY_ATTACK = np.arange(10, 50)
BENIGN = np.arange(50, 350)
QUERY_BENIGN = np.arange(350, 650)
QUERY = np.concatenate([QUERY_ATTACK, QUERY_BENIGN])


def world() -> tuple[View, Meta]:
    """Attacks are large in column 2; column 0 has gaps; column 5 is a category."""
    rng = np.random.default_rng(3)
    # The last 350 records are some of training: two families and benign ones.
    table = rng.normal(size=(1000, 6)).astype(np.float32)
    table[:50, 2] += 6.0
    table[650:700, 2] += 5.0
    table[700:750, 3] += 5.0
    table[rng.random(1000) < 0.2, 0] = np.nan
    table[:, 5] = rng.integers(0, 3, 1000)
    meta_table = rng.normal(size=(400, 6)).astype(np.float32)
    meta_table[:, 5] = rng.integers(0, 3, 400)
    attack = np.arange(400) < 100
    meta_table[attack, 2] += 4.0
    scaler = TableScaler.fit(meta_table, 1)
    embedding = np.nan_to_num(table[:, :5])
    view = View("conn", table, embedding, table[:, 2], np.abs(embedding).sum(axis=1))
    samples = np.repeat(np.array([1, 2, 0], np.int16), [50, 50, 250])
    return view, Meta(meta_table, attack, scaler.apply(table), samples)


METHODS = all_methods(meta_steps=40)
HARD = "K benign"


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.traits.name)
def test_an_easy_family_is_found(method: Method) -> None:
    view, meta = world()
    ready = method.prepared(view, meta, 0)
    support = SUPPORT[:0] if method.traits.zero_shot else SUPPORT
    benign = BENIGN[: method.traits.benign_count(len(support), len(BENIGN))]
    scores = ready.scores(view, support, benign, QUERY, 1)
    assert scores.shape == QUERY.shape
    assert not np.isnan(scores).any()
    area = auroc(scores[: len(QUERY_ATTACK)], np.sort(scores[len(QUERY_ATTACK) :]))
    assert area > (0.65 if method.traits.name.endswith(HARD) or method.traits.zero_shot else 0.9)
    again = ready.scores(view, support, benign, QUERY[::-1].copy(), 1)
    assert np.allclose(scores[::-1], again, rtol=1e-4, atol=1e-4)
    if method.traits.probabilities:
        assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize(
    "method", [m for m in METHODS if not m.traits.zero_shot], ids=lambda m: m.traits.name
)
def test_one_record_is_enough_to_run(method: Method) -> None:
    view, meta = world()
    benign = BENIGN[: method.traits.benign_count(1, len(BENIGN))]
    scores = method.prepared(view, meta, 0).scores(view, SUPPORT[:1], benign, QUERY, 0)
    assert scores.shape == QUERY.shape
    assert not np.isnan(scores).any()


def test_every_baseline_of_the_protocol_is_there() -> None:
    names = " | ".join(method.traits.name for method in baselines(1))
    for wanted in (
        "one threshold", "kNN", "nearest centroid", "logistic regression", "ridge",
        "random forest", "extra trees", "LightGBM", "boosting on all families",
        "frozen embedding", "ProtoNet", "MAML", "FOMAML", "ANIL", "Reptile",
        "isolation forest", "ECOD", "Mahalanobis", "autoencoder",
    ):  # fmt: skip
        assert wanted in names
    with pytest.raises(ValueError, match="two methods are called 'ECOD'"):
        all_methods([TailProbabilities(Traits("ECOD", "ours", zero_shot=True))])


def test_labels_that_a_method_is_given_are_those_it_asks_for() -> None:
    assert Traits("a").benign_count(5, 7_000) == 7_000
    assert Traits("a", benign=1_000).benign_count(5, 7_000) == 1_000
    assert Traits("a", benign=1_000).benign_count(5, 300) == 300
    assert Traits("a", as_many=True).benign_count(5, 7_000) == 5


def test_one_threshold_takes_the_feature_and_the_side_that_tell_best() -> None:
    view, _ = world()
    scores = OneThreshold(Traits("t")).scores(view, SUPPORT, BENIGN, QUERY, 0)
    assert np.allclose(scores, view.table[QUERY, 2])
    low = View("conn", -view.table, view.embedding, view.base, view.novelty)
    flipped = OneThreshold(Traits("t")).scores(low, SUPPORT, BENIGN, QUERY, 0)
    assert np.allclose(flipped, view.table[QUERY, 2])


def test_distances_are_those_of_a_double_loop() -> None:
    rng = np.random.default_rng(0)
    asked, known = (rng.normal(size=(n, 4)).astype(np.float32) for n in (5, 7))
    pairs = np.sort(np.linalg.norm(asked[:, None] - known[None], axis=2), axis=1)
    assert np.allclose(mean_distance(asked, known, 2), pairs[:, :2].mean(axis=1), atol=1e-4)
    assert np.allclose(mean_distance(asked, known[:1], 3), np.linalg.norm(asked - known[0], axis=1))


def test_scaled_tables_know_nothing_but_the_records_of_training() -> None:
    trained = np.array([[0, 1, 0], [10, 1, 2], [20, np.nan, 2]], np.float32)
    scaler = TableScaler.fit(trained, 1)
    scaled = scaler.apply(np.array([[-5, 1, 2], [99, 1, 7], [np.nan, np.nan, 0]], np.float32))
    # One varied number, one flag for 'missing', and a column for each of two categories.
    assert scaled[:, 0].tolist() == [-1.0, 1.0, 0.0]
    assert scaled[:, 1].tolist() == [0.0, 0.0, 1.0]
    assert scaled[:, 2:].tolist() == [[0, 1], [0, 0], [1, 0]]
