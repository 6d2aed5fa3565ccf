"""What corrections promise: they cover what is near a false alarm, and never a known attack."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import BENIGN, UNKNOWN
from enricher.detector.corrections import SMALLEST, Corrections, distances, radii, spacing
from enricher.detector.scores import Scores
from enricher.pipeline.scoring import correct

FloatArray = npt.NDArray[np.float32]
SIZE = 6


def some(count: int, seed: int, scale: float = 1.0) -> FloatArray:
    noise = np.random.default_rng(seed).normal(size=(count, SIZE))
    return np.asarray(noise * scale, dtype=np.float32)


def ones(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def scores_of(embedding: FloatArray) -> Scores:
    count = len(embedding)
    zeros = np.zeros(count, np.float32)
    return Scores(
        kind="conn", families=("a", "b"), family_scores=np.zeros((count, 2), np.float32),
        novelty=zeros, p_value=zeros, embedding=embedding, attack=np.zeros((count, 2), np.float32),
    )  # fmt: skip


def test_what_is_near_a_false_alarm_of_its_family_is_covered_and_nothing_else() -> None:
    centre = some(1, 0)
    corrections = Corrections(["scan"], centre, ones(1.0))
    step = np.zeros((1, SIZE), np.float32)
    step[0, 0] = 1.0
    near, far = centre + 0.9 * step, centre + 1.1 * step
    asked = np.concatenate((centre, near, far)).astype(np.float32)
    assert corrections.covers("scan", asked).tolist() == [True, True, False]
    assert not corrections.covers("other", asked).any()
    assert corrections.covers("scan", asked[:0]).tolist() == []


@given(seed=st.integers(0, 10_000), widest=st.floats(0.0, 100.0), count=st.integers(1, 8))
@settings(deadline=None, max_examples=60)
def test_no_correction_covers_a_known_attack_however_wide_it_may_be(
    seed: int, widest: float, count: int
) -> None:
    attacks, embedding = some(40, seed), some(count, seed + 1, 3.0)
    radius = radii(embedding, widest, attacks)
    corrections = Corrections(["x"] * count, embedding, radius)
    assert not corrections.covers("x", attacks).any()
    nearest = distances(embedding, attacks).min(axis=1)
    assert (radius <= nearest / 2 + 1e-5).all()


def test_a_record_that_is_the_same_as_one_of_an_attack_corrects_nothing() -> None:
    embedding = some(2, 3)
    radius = radii(embedding, 5.0, embedding[:1])
    assert radius[0] == 0.0
    assert radius[1] > 0.0
    corrections = Corrections(["x", "y"], embedding, radius)
    assert corrections.families == ("y",)
    assert not corrections.covers("x", embedding).any()


def test_a_false_alarm_itself_is_covered_where_all_benign_records_are_the_same() -> None:
    embedding = some(1, 4)
    same = np.repeat(some(1, 5), 50, axis=0)
    widest = spacing(same, 99.0)
    assert widest == pytest.approx(0.0, abs=1e-3)
    corrections = Corrections(["x"], embedding, radii(embedding, widest, same[:0]))
    assert corrections.covers("x", embedding + np.float32(SMALLEST / 10)).all()


@given(seed=st.integers(0, 1000), cut=st.integers(0, 60))
@settings(deadline=None, max_examples=30)
def test_what_is_covered_does_not_depend_on_batches(seed: int, cut: int) -> None:
    corrections = Corrections(["x"] * 5, some(5, seed), np.full(5, 2.0, np.float32))
    asked = some(60, seed + 1, 1.5)
    parts = [corrections.covers("x", part) for part in (asked[:cut], asked[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts), corrections.covers("x", asked))


def test_spacing_is_the_distance_to_the_nearest_other_record() -> None:
    line = np.zeros((5, SIZE), np.float32)
    line[:, 0] = [0.0, 1.0, 2.0, 3.0, 13.0]
    assert spacing(line, 0.0) == pytest.approx(1.0)
    assert spacing(line, 100.0) == pytest.approx(10.0)
    assert spacing(line[:1], 99.0) == 0.0


def test_distances_of_large_embeddings_are_exact_enough_for_a_small_radius() -> None:
    far = some(50, 8) + np.float32(1e3)
    assert distances(far, far).diagonal().max() < SMALLEST / 100


def test_the_verdict_becomes_benign_for_the_corrected_family_alone() -> None:
    embedding = some(4, 9)
    same = np.repeat(embedding[:1], 4, axis=0)
    verdicts = np.array([0, 1, UNKNOWN, BENIGN], dtype=np.int32)
    assert correct(verdicts, scores_of(same), Corrections(["b"], same[:1], ones(1.0))) == 1
    assert verdicts.tolist() == [0, BENIGN, UNKNOWN, BENIGN]
    unknown = Corrections(["unknown", "gone"], same[:2], ones(1.0, 1.0))
    assert correct(verdicts, scores_of(same), unknown) == 1
    assert verdicts.tolist() == [0, BENIGN, BENIGN, BENIGN]


def test_corrections_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="as many"):
        Corrections(["x"], some(2, 0), ones(1.0, 1.0))
