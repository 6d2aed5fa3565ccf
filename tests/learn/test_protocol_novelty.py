"""Novelty of a calibrated site in the protocol: what a detector with that distance would say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from enricher.detector.adaptation.points import Points
from enricher.detector.table_distance import TableDistance
from enricher.features import SPECS
from enricher.learn.protocol.methods.novelty import view_methods
from enricher.learn.views import View

COUNT = 600
BENIGN, QUERY, NONE = np.arange(400), np.arange(400, COUNT), np.empty(0, np.int64)


def view(*, with_points: bool) -> View:
    """Conn records of which the last hundred have one odd number."""
    rng = np.random.default_rng(0)
    spec = SPECS["conn"]
    numbers = rng.normal(size=(COUNT, len(spec.numeric))).astype(np.float32)
    numbers[500:, 5] = 30.0
    codes = rng.integers(0, 2, size=(COUNT, len(spec.categorical))).astype(np.float32)
    table = np.concatenate([numbers, codes], axis=1)
    embedding = rng.normal(size=(COUNT, 4)).astype(np.float32)
    base, novelty = rng.normal(size=(2, COUNT)).astype(np.float32)
    if not with_points:
        return View("conn", table, embedding, base, novelty)
    points = Points("conn", table, embedding, np.stack([base, base], axis=1))
    scaling = np.stack([np.zeros(len(spec.numeric)), np.ones(len(spec.numeric))])
    return View("conn", table, embedding, base, novelty, points, scaling=scaling.astype(np.float32))


def test_the_calibrated_novelty_is_the_sum_that_the_detector_scores() -> None:
    own = view(with_points=True)
    _, plain, site = view_methods()
    assert own.points is not None
    assert own.scaling is not None
    table, numbers = own.points.table, len(SPECS["conn"].numeric)
    distance = TableDistance.fit(
        table[BENIGN], SPECS["conn"].categorical_sizes, torch.from_numpy(own.scaling)
    )
    added = distance(
        torch.from_numpy(table[QUERY, :numbers].copy()),
        torch.from_numpy(table[QUERY, numbers:].astype(np.int64)),
    ).numpy()
    found = site.scores(own, NONE, BENIGN, QUERY, 0)
    assert found == pytest.approx(plain.scores(own, NONE, BENIGN, QUERY, 0) + added, abs=1e-5)
    assert np.median(found[100:]) > np.quantile(found[:100], 0.9)


def test_without_the_records_of_a_detector_it_is_the_novelty_alone() -> None:
    own = view(with_points=False)
    _, plain, site = view_methods()
    assert np.array_equal(
        site.scores(own, NONE, BENIGN, QUERY, 0), plain.scores(own, NONE, BENIGN, QUERY, 0)
    )
