"""From a few records to a head: what it finds, what it promises, and what a file may do to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from enricher.detector.adaptation.adapting import Adapted, AdaptOptions, adapt
from enricher.detector.adaptation.family_head import FLOOR, FamilyHead
from enricher.detector.adaptation.points import Points
from enricher.detector.adaptation.serving import AdaptedHeads
from enricher.detector.adaptation.shares import Shares
from enricher.features import SPECS, Features, TextColumn

OPTIONS = AdaptOptions(trees=16)


def adapted(support: Points, benign: Points, *, context: bool = True) -> Adapted:
    return adapt(support, benign, bundle="abc", context=context, shares=Shares(), options=OPTIONS)


@pytest.fixture(scope="module")
def example(make_points: Any) -> Adapted:
    return adapted(make_points(10, 1, shift=4.0), make_points(2_000, 2))


@pytest.mark.parametrize("shots", [1, 2, 5, 50])
@pytest.mark.parametrize("context", [True, False])
def test_later_records_of_the_family_score_above_nearly_all_benign_ones(
    make_points: Any, shots: int, context: bool
) -> None:
    found = adapted(make_points(shots, 1, shift=4.0), make_points(2_000, 2), context=context)
    attack = found.head.scores(make_points(200, 3, shift=4.0))
    benign = np.sort(found.head.scores(make_points(2_000, 4)))
    assert (attack > benign[-20]).mean() > 0.95
    assert (attack >= found.head.threshold).mean() > 0.8


def test_new_benign_records_stay_under_the_promised_bound(make_points: Any) -> None:
    found = adapted(make_points(20, 1, shift=3.0), make_points(5_000, 2))
    alarms = (found.head.scores(make_points(20_000, 5)) >= found.head.threshold).mean()
    assert alarms <= 1.5 * found.threshold.bound


def test_a_family_like_benign_promises_little(make_points: Any) -> None:
    found = adapted(make_points(30, 1, shift=0.0), make_points(2_000, 2))
    assert found.recall < 0.3


def test_one_record_promises_no_recall(make_points: Any) -> None:
    assert np.isnan(adapted(make_points(1, 1, shift=4.0), make_points(500, 2)).recall)


def test_without_context_a_head_does_not_look_at_the_second_half_of_the_embedding(
    make_points: Any,
) -> None:
    found = adapted(make_points(10, 1, shift=4.0), make_points(1_000, 2), context=False)
    asked = make_points(50, 3, shift=4.0)
    half = asked.embedding.shape[1] // 2
    changed = Points("ssl", asked.table.copy(), asked.embedding.copy(), asked.attack.copy())
    changed.embedding[:, half:] = 7.0
    changed.attack[:, 1] = -9.0
    context = [feature.group == "context" for feature in SPECS["ssl"].numeric]
    changed.table[:, : len(context)][:, context] = 3.0
    assert np.array_equal(found.head.scores(asked), found.head.scores(changed))


def test_the_same_records_give_the_same_head(make_points: Any) -> None:
    one, two = (
        adapted(make_points(5, 1, shift=4.0), make_points(500, 2)).head.to_arrays()
        for _ in range(2)
    )
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_scores_are_in_order_across_the_gate_and_in_the_unit_interval(
    example: Adapted, make_points: Any
) -> None:
    asked = make_points(3_000, 9, shift=1.0)
    scores, linear = example.head.scores(asked), example.head.linear(asked.embedding)
    open_ = example.head.gates.open(linear, asked.attack[:, 1])
    assert 0 < open_.sum() < len(asked)
    assert ((scores >= 0.0) & (scores <= 1.0)).all()
    assert (scores[~open_] <= FLOOR).all()
    assert (scores[open_] > FLOOR).all()
    in_order = np.argsort(linear[~open_])
    assert (np.diff(scores[~open_][in_order]) >= 0.0).all()


def test_a_score_does_not_depend_on_the_records_beside_it(
    example: Adapted, make_points: Any
) -> None:
    asked = make_points(200, 9, shift=2.0)
    whole = example.head.scores(asked)
    single = [float(example.head.scores(asked.rows(np.array([row])))[0]) for row in range(20)]
    assert single == pytest.approx(whole[:20].tolist(), abs=1e-5)


def features_of(points: Points) -> Features:
    numbers = len(SPECS["ssl"].numeric)
    categories = np.nan_to_num(points.table[:, numbers:]).round().astype(np.int32)
    empty = TextColumn(
        np.zeros(0, np.uint8), np.zeros(1, np.int64), np.full(len(points), -1, np.int32)
    )
    texts = dict.fromkeys(SPECS["ssl"].text_names, empty)
    return Features("ssl", SPECS["ssl"].version, points.table[:, :numbers], categories, texts)


def test_many_families_served_together_score_as_each_alone(make_points: Any) -> None:
    benign = make_points(800, 2)
    heads = {
        f"family {seed}": adapted(make_points(5, seed, shift=3.0 + seed), benign).head
        for seed in range(3)
    }
    asked = make_points(400, 9, shift=2.0)
    features = features_of(asked)
    table = np.concatenate((features.numeric, features.categorical.astype(np.float32)), axis=1)
    asked = Points("ssl", table, asked.embedding, asked.attack)
    names = ("absent", *heads)
    served = AdaptedHeads(names, heads, torch.device("cpu"))
    linear = served.linear(torch.from_numpy(asked.embedding)).numpy()
    scores = served.scores(linear, features, asked.embedding, asked.attack)
    assert scores.shape == (400, 4)
    assert not scores[:, 0].any()
    for column, head in enumerate(heads.values(), start=1):
        open_ = scores[:, column] > FLOOR  # as several families leave less open each
        assert open_.mean() > 0.5
        assert np.allclose(scores[open_, column], head.scores(asked)[open_], atol=1e-4)


def test_a_head_comes_back_from_its_arrays_with_the_same_scores(
    example: Adapted, make_points: Any
) -> None:
    again = FamilyHead.from_arrays("ssl", "abc", example.head.to_arrays())
    asked = make_points(300, 9, shift=2.0)
    assert np.allclose(again.scores(asked), example.head.scores(asked), atol=1e-5)
    assert again.context == example.head.context


@given(st.data())
def test_arrays_that_anybody_made_are_refused_or_harmless(example: Adapted, data: Any) -> None:
    arrays = dict(example.head.to_arrays())
    name = data.draw(st.sampled_from(sorted(arrays)))
    change = data.draw(st.sampled_from(["missing", "nan", "empty", "huge", "shape"]))
    if change == "missing":
        del arrays[name]
    elif change == "nan":
        arrays[name] = np.full_like(arrays[name], np.nan, dtype=np.float32)
    elif change == "empty":
        arrays[name] = arrays[name][:0]
    elif change == "huge":
        arrays[name] = np.full_like(arrays[name], 2**31 - 1, dtype=np.int64)
    else:
        arrays[name] = arrays[name].reshape(1, -1)
    try:
        head = FamilyHead.from_arrays("ssl", "abc", arrays)
    except ValueError:
        return
    assert np.isfinite(head.weight).all()
    assert head.context in (True, False)


def test_no_support_and_mixed_kinds_are_refused(make_points: Any) -> None:
    benign = make_points(100, 2)
    with pytest.raises(ValueError, match="records of a family"):
        adapted(benign.rows(np.zeros(0, np.int64)), benign)
    other = Points("dns", benign.table, benign.embedding, benign.attack)
    with pytest.raises(ValueError, match="one kind"):
        adapted(other, benign)
