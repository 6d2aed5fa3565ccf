"""Forests: as good as the field's, honest about themselves, and safe to read from a file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score

from enricher.detector.learners.forest import Forest, ForestLearner, ForestSettings

Table = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[np.generic]]

SMALL = ForestSettings(trees=8)


def records(count: int, *, seed: int, attack: bool = False, width: int = 24) -> Table:
    """Numbers, counts and missing values; an attack differs in six of the columns."""
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(count, width))
    table[:, 6:12] = draw.poisson(3.0, size=(count, 6))
    if attack:
        table[:, :3] += 1.5
        table[:, 6:9] += draw.poisson(3.0, size=(count, 3))
    table[draw.random((count, width)) < 0.05] = np.nan
    return table.astype(np.float32)


def grown(attacks: int = 10, benigns: int = 300, chosen: ForestSettings = SMALL) -> Forest:
    attack, benign = records(attacks, seed=1, attack=True), records(benigns, seed=2)
    return Forest.fit(attack, benign, settings=chosen, seed=0)


def area(forest_scores: Table, other: Table) -> float:
    labels = np.concatenate([np.ones(len(forest_scores)), np.zeros(len(other))])
    return float(roc_auc_score(labels, np.concatenate([forest_scores, other])))


@pytest.mark.parametrize("attacks", [1, 5, 50])
@pytest.mark.parametrize("exhaustive", [0.0, 1.0])
def test_it_ranks_as_well_as_the_extra_trees_of_scikit_learn(
    attacks: int, exhaustive: float
) -> None:
    attack, benign = records(attacks, seed=3, attack=True), records(2_000, seed=4)
    late, other = records(500, seed=5, attack=True), records(2_000, seed=6)
    chosen = ForestSettings(exhaustive=exhaustive)
    forest = Forest.fit(attack, benign, settings=chosen, seed=0)
    own = area(forest.scores(late), forest.scores(other))
    theirs = ExtraTreesClassifier(64, class_weight="balanced", random_state=0)
    labels = np.arange(len(attack) + len(benign)) < len(attack)
    theirs.fit(np.nan_to_num(np.concatenate([attack, benign]), nan=-1.0), labels)
    filled = [np.nan_to_num(table, nan=-1.0) for table in (late, other)]
    assert own > area(*(theirs.predict_proba(table)[:, 1] for table in filled)) - 0.005


@settings(max_examples=40, deadline=None)
@given(
    attacks=st.integers(1, 12),
    benigns=st.integers(1, 40),
    width=st.integers(1, 5),
    levels=st.integers(1, 4),
    seed=st.integers(0, 2**63),
    exhaustive=st.sampled_from([0.0, 0.5, 1.0]),
    turns=st.sampled_from([0, 2, 5]),
)
def test_whatever_the_records_scores_are_graded_in_0_to_1_and_the_file_is_accepted(
    attacks: int, benigns: int, width: int, levels: int, seed: int, exhaustive: float, turns: int
) -> None:
    draw = np.random.default_rng(seed)
    table = draw.integers(0, levels, (attacks + benigns, width)).astype(np.float32)
    table[draw.random(table.shape) < 0.2] = np.nan
    chosen = ForestSettings(trees=5, exhaustive=exhaustive, turns=turns)
    attack, benign = table[:attacks], table[attacks:]
    forest, own = Forest.fit_out_of_bag(attack, benign, settings=chosen, seed=seed)
    scores = forest.scores(table)
    assert ((scores > 0) & (scores < 1)).all()
    assert np.array_equal(Forest.from_arrays(forest.to_arrays()).scores(table), scores)
    for part in (own.attack, own.benign):
        assert (np.isnan(part) | ((part >= 0) & (part <= 1))).all()


def test_the_same_seed_gives_the_same_forest_and_another_one_another() -> None:
    attack, benign = records(9, seed=1, attack=True), records(200, seed=2)
    asked = records(50, seed=3)
    first, again, other = (
        Forest.fit(attack, benign, settings=SMALL, seed=seed).scores(asked) for seed in (4, 4, 5)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_order_of_the_records_changes_nothing() -> None:
    attack, benign = records(9, seed=1, attack=True), records(200, seed=2)
    plain, own = Forest.fit_out_of_bag(attack, benign, settings=SMALL, seed=0)
    turned, theirs = Forest.fit_out_of_bag(attack[::-1], benign[::-1], settings=SMALL, seed=0)
    for name, array in plain.to_arrays().items():
        assert np.array_equal(array, turned.to_arrays()[name])
    assert np.array_equal(own.attack, theirs.attack[::-1], equal_nan=True)
    assert np.array_equal(own.benign, theirs.benign[::-1], equal_nan=True)


def test_copies_of_records_change_nothing_and_do_not_vouch_for_each_other() -> None:
    attack, benign = records(9, seed=1, attack=True), records(200, seed=2)
    plain, own = Forest.fit_out_of_bag(attack, benign, settings=SMALL, seed=0)
    copied = np.concatenate([attack, attack]), np.concatenate([benign, benign[:50]])
    twice, theirs = Forest.fit_out_of_bag(*copied, settings=SMALL, seed=0)
    for name, array in plain.to_arrays().items():
        assert np.array_equal(array, twice.to_arrays()[name])
    assert np.array_equal(np.tile(own.attack, 2), theirs.attack, equal_nan=True)
    assert np.array_equal(own.benign[:50], theirs.benign[200:], equal_nan=True)


def test_a_score_does_not_depend_on_the_records_beside_it() -> None:
    forest, asked = grown(), records(60, seed=9)
    together = forest.scores(asked)
    assert np.array_equal(forest.scores(asked[7:8])[0], together[7])
    rows = np.array([5, 5, 40, 0])
    assert np.array_equal(forest.scores(asked, rows), together[rows])
    assert len(forest.scores(asked, np.empty(0, np.int64))) == 0


@pytest.mark.parametrize("row", [-1, 60])
def test_rows_that_are_not_there_are_refused(row: int) -> None:
    with pytest.raises(ValueError, match="row"):
        grown().scores(records(60, seed=9), np.array([row]))


def test_a_table_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="24 columns"):
        grown().scores(records(6, seed=9, width=23))


def test_only_the_columns_that_are_named_are_asked_for() -> None:
    attack, benign = records(9, seed=1, attack=True), records(200, seed=2)
    forest = Forest.fit(attack, benign, settings=SMALL, seed=0, columns=np.array([1, 7, 20]))
    assert set(forest.feature) == {-1, 1, 7, 20}
    with pytest.raises(ValueError, match="columns"):
        Forest.fit(attack, benign, settings=SMALL, seed=0, columns=np.array([24]))


@pytest.mark.parametrize("exhaustive", [0.0, 1.0])
@pytest.mark.parametrize("absent", ["attack", "benign"])
def test_it_learns_that_a_missing_value_tells_the_classes_apart(
    exhaustive: float, absent: str
) -> None:
    attack, benign = records(5, seed=1), records(50, seed=2)
    attack[:, 0] = benign[:, 0] = 1.0
    (attack if absent == "attack" else benign)[:, 0] = np.nan
    chosen = ForestSettings(trees=4, exhaustive=exhaustive)
    forest = Forest.fit(attack, benign, settings=chosen, seed=0, columns=np.array([0]))
    assert forest.scores(attack[:1]) > 0.9
    assert forest.scores(benign[:1]) < 0.1


def test_what_was_never_missing_goes_the_way_of_most_records_when_it_is() -> None:
    attack, benign = np.full((3, 1), 9, np.float32), np.zeros((90, 1), np.float32)
    forest = Forest.fit(attack, benign, settings=SMALL, seed=0)
    unknown = np.full((1, 1), np.nan, np.float32)
    assert np.array_equal(forest.scores(unknown), forest.scores(benign[:1]))


def test_a_leaf_counts_benign_records_that_its_tree_was_not_shown() -> None:
    attack, benign = records(20, seed=1, attack=True), records(2_000, seed=2)
    few = ForestSettings(bag=0.01)
    forest = Forest.fit(attack, benign, settings=few, seed=0)
    same_tree = Forest.fit(attack, benign[:20], settings=ForestSettings(bag=1.0), seed=0)
    late, other = records(500, seed=5, attack=True), records(2_000, seed=6)
    counted = area(forest.scores(late), forest.scores(other))
    assert counted > area(same_tree.scores(late), same_tree.scores(other))


def test_out_of_bag_scores_foretell_those_of_new_records() -> None:
    attack, benign = records(60, seed=1, attack=True), records(3_000, seed=2)
    forest, own = Forest.fit_out_of_bag(attack, benign, settings=ForestSettings(), seed=0)
    late, other = records(2_000, seed=5, attack=True), records(6_000, seed=6)
    threshold = np.quantile(own.benign, 0.99)
    assert (forest.scores(other) > threshold).mean() < 0.015
    promised, kept = (own.attack > threshold).mean(), (forest.scores(late) > threshold).mean()
    assert abs(promised - kept) < 0.15
    assert (forest.scores(attack) > threshold).mean() > promised


def test_out_of_bag_scores_of_noise_are_no_better_than_chance() -> None:
    attack, benign = records(60, seed=1), records(1_000, seed=2)
    forest, own = Forest.fit_out_of_bag(attack, benign, settings=ForestSettings(), seed=0)
    assert abs(area(own.attack, own.benign) - 0.5) < 0.12
    assert area(forest.scores(attack), forest.scores(benign)) > 0.9


def test_a_single_attack_record_has_no_score_of_its_own() -> None:
    attack, benign = records(1, seed=1, attack=True), records(100, seed=2)
    _, own = Forest.fit_out_of_bag(attack, benign, settings=ForestSettings(), seed=0)
    assert np.isnan(own.attack).all()
    assert not np.isnan(own.benign).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [("trees", 0), ("exhaustive", 1.5), ("bag", 0.0), ("turns", 1), ("smoothing", 0.0)],
)
def test_settings_that_make_no_forest_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        ForestSettings(**{name: value})  # type: ignore[arg-type] # some are whole numbers


@pytest.mark.parametrize(
    ("attack", "benign", "reason"),
    [
        (np.zeros((0, 3)), np.zeros((9, 3)), "records"),
        (np.zeros((2, 3)), np.zeros((0, 3)), "records"),
        (np.zeros((2, 3)), np.zeros((9, 4)), "columns"),
        (np.full((2, 3), np.inf), np.zeros((9, 3)), "infinite"),
    ],
)
def test_records_that_make_no_forest_are_refused(attack: Table, benign: Table, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Forest.fit(attack, benign, settings=SMALL, seed=0)


def test_a_forest_that_could_fill_the_memory_is_refused() -> None:
    attack, benign = records(3_000, seed=1), records(3_000, seed=2)
    huge = ForestSettings(trees=4_096, depth=64)
    with pytest.raises(ValueError, match="depth"):
        Forest.fit(attack, benign, settings=huge, seed=0)


def spoiled(name: str, place: int, value: float) -> Arrays:
    arrays = {key: array.copy() for key, array in grown().to_arrays().items()}
    arrays[name][place] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        (spoiled("left", 0, 0), "behind its parent"),
        (spoiled("left", 0, -1), "behind its parent"),
        (spoiled("right", 0, 2**31 - 1), "behind its parent"),
        (spoiled("right", 0, int(grown().roots[1])), "behind its parent"),
        (spoiled("feature", 0, 24), "feature"),
        (spoiled("feature", 0, -2), "feature"),
        (spoiled("threshold", 0, np.nan), "threshold"),
        (spoiled("threshold", 0, np.inf), "threshold"),
        (spoiled("value", -1, np.nan), "value"),
        (spoiled("value", -1, 1.5), "value"),
        (spoiled("roots", 0, 1), "roots"),
        (spoiled("roots", 1, 0), "roots"),
        (spoiled("roots", -1, 2**31 - 1), "roots"),
        (spoiled("width", 0, 0), "width"),
        (grown().to_arrays() | {"more": np.zeros(1)}, "arrays"),
        (grown().to_arrays() | {"feature": np.zeros(3)}, "int32"),
        (grown().to_arrays() | {"feature": np.zeros(3, np.int32)}, "equally long"),
        (grown().to_arrays() | {"roots": np.zeros(0, np.int32)}, "trees"),
        ({}, "arrays"),
    ],
)
def test_a_file_that_is_no_forest_is_refused(arrays: Arrays, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Forest.from_arrays(arrays)


def test_a_leaf_at_the_end_of_the_file_is_not_taken_for_a_cut() -> None:
    with pytest.raises(ValueError, match="behind its parent"):
        Forest.from_arrays(spoiled("feature", -1, 3))


@pytest.mark.parametrize(("depth", "fits"), [(64, True), (65, False)])
def test_a_file_with_an_endless_way_down_is_refused(depth: int, fits: bool) -> None:
    # One tree: cut after cut, each with a leaf on its left.
    nodes = 2 * depth + 1
    inner = np.arange(nodes) % 2 == 0
    inner[-1] = False
    number = np.arange(nodes, dtype=np.int32)
    chain = {
        "feature": np.where(inner, 0, -1).astype(np.int32),
        "threshold": np.zeros(nodes, np.float32),
        "missing_left": np.zeros(nodes, np.bool_),
        "left": np.where(inner, number + 1, -1).astype(np.int32),
        "right": np.where(inner, number + 2, -1).astype(np.int32),
        "value": np.zeros(nodes, np.float32),
        "roots": np.zeros(1, np.int32),
        "width": np.ones(1, np.int32),
    }
    if fits:
        assert Forest.from_arrays(chain).scores(np.ones((1, 1), np.float32)) == 0
    else:
        with pytest.raises(ValueError, match="deeper"):
            Forest.from_arrays(chain)


def test_the_learner_gives_each_task_its_own_forest_and_takes_what_is_missing() -> None:
    attack = torch.from_numpy(
        np.stack([records(6, seed=1, attack=True), records(6, seed=2, attack=True)[:, ::-1]])
    )
    bank = torch.from_numpy(records(200, seed=3))
    query = torch.from_numpy(records(20, seed=4))
    scores = ForestLearner(SMALL).fit(attack, bank).scores(query)
    assert scores.shape == (2, 20)
    for own, line in zip(attack, scores, strict=True):
        forest = Forest.fit(own.numpy(), bank.numpy(), settings=SMALL, seed=0)
        assert np.array_equal(forest.scores(query.numpy()), line.numpy())


@pytest.mark.parametrize("place", ["attack", "benign", "query"])
def test_the_learner_refuses_what_is_infinite(place: str) -> None:
    given = {
        "attack": torch.zeros(1, 3, 2),
        "benign": torch.zeros(9, 2),
        "query": torch.zeros(4, 2),
    }
    given[place][..., 0] = torch.inf
    with pytest.raises(ValueError, match=f"{place} holds values that are not finite"):
        ForestLearner(SMALL).fit(given["attack"], given["benign"]).scores(given["query"])
