"""Splits, draws and thresholds keep their promises on any data set."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.features.tensors import Features
from enricher.learn.calibrating import benign_weights, thin_sessions, thresholds_at
from enricher.learn.dataset import SIMULATED_CAPTURE, Dataset, LabelledLog, build
from enricher.learn.folds import capture_folds, units
from enricher.learn.labels import BENIGN_LABEL, LabelSpace, label_space
from enricher.learn.sampling import Balance, Sampler, tail_split

SPACE = label_space(["scan", "tunnel"], {"scans": ("scan", "sweep")})


def log(capture: str, families: list[str], spacing: float = 60.0) -> LabelledLog:
    count = len(families)
    features = Features(
        "conn", 1, np.zeros((count, 1), np.float32), np.zeros((count, 1), np.int32), {}
    )
    return LabelledLog(
        capture,
        weak=False,
        features=features,
        families=np.array(families, dtype=np.str_),
        times=np.linspace(0.0, spacing * count, count, endpoint=False),
        sources=np.arange(count, dtype=np.int64) % 3,
    )


NAMES = st.sampled_from(["", "benign", "scan", "tunnel"])
LOGS = st.lists(
    st.tuples(st.sampled_from("abcde"), st.lists(NAMES, min_size=1, max_size=30)),
    min_size=1,
    max_size=6,
)


def dataset(parts: list[tuple[str, list[str]]]) -> Dataset:
    return build([log(capture, families) for capture, families in parts], SPACE)


@given(LOGS, st.integers(1, 5))
def test_folds_take_every_capture_once_and_keep_twins_together(
    parts: list[tuple[str, list[str]]], count: int
) -> None:
    made = dataset(parts)
    folds = capture_folds({"conn": made}, [("a", "b")], count)
    assert sorted(name for fold in folds for name in fold) == sorted(made.captures)
    assert all(("a" in fold) == ("b" in fold) for fold in folds if {"a", "b"} <= set(made.captures))


def test_simulated_captures_are_in_no_fold() -> None:
    made = dataset([("a", ["benign"]), ("simulated-1", ["benign"]), ("b", ["scan"])])
    folds = capture_folds({"conn": made}, [], 3, (SIMULATED_CAPTURE,))
    assert sorted(name for fold in folds for name in fold) == ["a", "b"]


def test_units_keep_the_order_and_join_what_is_of_one_source() -> None:
    assert units(["x", "b", "y", "a"], [("a", "b")]) == [("x",), ("b", "a"), ("y",)]


@given(LOGS)
def test_a_sampler_never_draws_an_unlabelled_record(parts: list[tuple[str, list[str]]]) -> None:
    made = dataset(parts)
    sampler = Sampler(made, np.arange(len(made)), Balance())
    if len(sampler):
        drawn = sampler.draw(200, np.random.default_rng(0))
        assert (made.labels[drawn] >= BENIGN_LABEL).all()
        assert sum(sampler.shares.values()) == pytest.approx(1.0)


def test_no_capture_outweighs_the_others_by_its_size() -> None:
    made = dataset([("a", ["benign"] * 3000), ("b", ["benign"] * 30), ("c", ["scan"] * 10)])
    shares = Sampler(made, np.arange(len(made)), Balance(0.6, 0.4, 0.7)).shares
    assert shares[2 - 1, 2] == pytest.approx(0.4)
    assert shares[0, 0] == pytest.approx(0.6 * 0.7)
    assert shares[0, 1] == pytest.approx(0.6 * 0.3)


@given(LOGS, st.floats(0, 0.9))
def test_the_end_of_a_log_is_after_its_beginning_and_nothing_is_lost(
    parts: list[tuple[str, list[str]]], share: float
) -> None:
    made = dataset(parts)
    before, after = tail_split(made, np.arange(len(made)), share)
    assert sorted([*before, *after]) == made.labelled().tolist()
    for number in np.unique(made.log):
        for label in (0, 1, 2):
            early = [row for row in before if (made.log[row], made.labels[row]) == (number, label)]
            late = [row for row in after if (made.log[row], made.labels[row]) == (number, label)]
            assert not early or not late or max(early) < min(late)


SCORES = st.integers(1, 300).flatmap(
    lambda count: st.lists(
        st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)),
        min_size=count,
        max_size=count,
    )
)


@given(SCORES, st.sampled_from([0.001, 0.01, 0.1, 0.5]))
def test_all_families_together_flag_at_most_the_rate(
    scores: list[tuple[float, float]], rate: float
) -> None:
    table: npt.NDArray[np.float32] = np.array(scores, dtype=np.float32)
    weights = np.full(len(table), 1 / len(table))
    bounds = thresholds_at(table, weights, rate)
    values = np.array([bound.value for bound in bounds], dtype=np.float32)
    assert (table >= values).any(axis=1).mean() <= rate + 1e-9
    assert all(bound.value >= 0.5 for bound in bounds)


def test_thresholds_use_most_of_the_rate_they_are_given() -> None:
    table = np.random.default_rng(0).uniform(0.5, 1, (20_000, 3)).astype(np.float32)
    bounds = thresholds_at(table, np.full(20_000, 1 / 20_000), 0.01)
    values = np.array([bound.value for bound in bounds], dtype=np.float32)
    assert 0.009 <= (table >= values).any(axis=1).mean() <= 0.01


def test_a_session_counts_at_most_so_many_times_and_small_ones_are_kept_whole() -> None:
    made = dataset([("a", ["benign"] * 300), ("b", ["benign"] * 5)])
    rows = np.arange(len(made))
    kept = thin_sessions(made, rows, 4)
    sessions = np.bincount(made.groups(kept))
    assert sessions.max() == 4
    assert set(made.groups(kept)) == set(range(len(sessions)))
    assert set(rows[300:]) <= set(kept)


def test_weights_of_benign_records_are_by_the_root_of_the_capture() -> None:
    made = dataset([("a", ["benign"] * 90), ("b", ["benign"] * 10)])
    weights = benign_weights(made, np.arange(100))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[:90].sum() / weights[90:].sum() == pytest.approx(3.0)


def test_a_family_outside_every_group_is_its_own_mate_only() -> None:
    space = LabelSpace(("scan", "sweep", "tunnel"), {"scans": ("scan", "sweep")})
    assert space.mates().tolist() == [
        [True, True, False],
        [True, True, False],
        [False, False, True],
    ]
    assert [space.name(number) for number in range(4)] == ["benign", "scan", "sweep", "tunnel"]
    assert space.number("tunnel") == 3
    with pytest.raises(KeyError):
        space.number("worm")
