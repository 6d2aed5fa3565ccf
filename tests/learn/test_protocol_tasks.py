"""Nothing leaks between what is learnt from, the support set and the query set."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.features import SPECS, Features
from enricher.learn.dataset import Dataset, LabelledLog, build
from enricher.learn.labels import UNLABELLED, label_space
from enricher.learn.protocol.choosing import balanced
from enricher.learn.protocol.identity import record_identity
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.splits import family_folds, fixed_split, training_rows
from enricher.learn.protocol.stages import across_data_sets, families_left_out
from enricher.learn.protocol.tasks import Limits, Suite, make_suite

GROUPS = {"scans": ("port-scan", "nmap-scan")}
FAMILIES = ("port-scan", "nmap-scan", "iot-ddos", "dga")
DNS = SPECS["dns"]
LIMITS = Limits(query=60, bank_capture=40, bank=100, benign_query=120)


def features(values: np.ndarray) -> Features:
    """DNS records of which only the first number tells them apart."""
    numeric = np.zeros((len(values), len(DNS.numeric)), np.float32)
    numeric[:, 0] = values
    numeric[:, 1] = np.nan
    categorical = np.zeros((len(values), len(DNS.categorical)), np.int32)
    return Features("dns", 1, numeric, categorical, {})


def log(capture: str, families: list[str], values: np.ndarray, start: float) -> LabelledLog:
    names = np.array(families, dtype=np.str_)
    varieties = names.copy().astype("U20")
    dga = np.flatnonzero(names == "dga")
    varieties[dga] = [f"dga:{'ab'[place % 2]}" for place in range(len(dga))]
    count = len(families)
    times = start + np.arange(count, dtype=np.float64)
    return LabelledLog(
        capture, False, features(values), names, times, np.zeros(count, np.int64), varieties
    )


def dataset(seed: int, captures: int, copies: bool) -> Dataset:
    """Captures with blocks of every family between benign records; some records are copies."""
    rng = np.random.default_rng(seed)
    logs = []
    for number in range(captures):
        families: list[str] = []
        for _ in range(int(rng.integers(4, 9))):
            family = str(rng.choice(["benign", *FAMILIES, ""]))
            families += [family] * int(rng.integers(1, 60))
        values = np.arange(len(families)) + 10_000.0 * number
        if copies:
            again = rng.random(len(families)) < 0.3
            values[again] = rng.integers(0, 5, int(again.sum()))
        name = ("site-", "simulated-", "lists-")[number % 3] + str(number)
        logs.append(log(name, families, values, 1000.0 * number))
    return build(logs, label_space(FAMILIES, GROUPS))


def checked(data: Dataset, suite: Suite) -> None:
    for task in suite.tasks:
        own = data.varieties.index(task.name)
        assert (data.variety[np.r_[task.pool, task.query]] == own).all()
        assert (data.labels[np.r_[task.benign, task.negatives]] == 0).all()
        assert not np.isin(suite.identity[task.query], suite.identity[task.pool]).any()
        assert not np.isin(suite.identity[task.negatives], suite.identity[task.benign]).any()
        assert np.isin(task.negatives, suite.later).all()
        incident = data.captures.index(task.incident)
        assert (data.capture[task.pool] == incident).all()
        same = task.query[data.capture[task.query] == incident]
        assert not len(same) or data.times[same].min() > data.times[task.pool].max()
        made = {
            data.captures[c].startswith(("simulated-", "lists-")) for c in data.capture[task.pool]
        }
        assert made == {task.origin == "synthetic"}
        site = task.benign[data.capture[task.benign] == incident]
        before = data.times[site] < data.times[task.pool].min()
        assert before.all() or not before.any()


@given(seed=st.integers(0, 10_000), captures=st.integers(2, 6), copies=st.booleans())
@settings(max_examples=40, deadline=None)
def test_support_and_query_share_no_record_and_no_copy(
    seed: int, captures: int, copies: bool
) -> None:
    data = dataset(seed, captures, copies)
    checked(data, make_suite(data, [["site-0", "site-3"]], LIMITS))


@given(seed=st.integers(0, 10_000), captures=st.integers(2, 6), copies=st.booleans())
@settings(max_examples=40, deadline=None)
def test_training_has_no_left_out_family_no_group_mate_no_query_and_no_copy_of_one(
    seed: int, captures: int, copies: bool
) -> None:
    data = dataset(seed, captures, copies)
    suite = make_suite(data, [], LIMITS)
    folds = family_folds(suite.tasks, 4)
    units = [unit for fold in folds for unit in fold.units]
    assert len(units) == len(set(units))
    for fold in folds:
        rows = training_rows(data, suite, fold)
        assert (data.labels[rows] >= 0).all()
        assert not np.isin(rows, suite.later).any()
        names = {data.varieties[v] for v in data.variety[rows] if v >= 0}
        for task in suite.tasks:
            assert not np.isin(suite.identity[rows], suite.identity[task.negatives]).any()
            if fold.holds(task):
                assert not np.isin(rows, np.r_[task.pool, task.query]).any()
                assert not np.isin(suite.identity[rows], suite.identity[task.query]).any()
                mates = set(GROUPS.get(task.group, (task.name,)))
                assert not names & mates
    held = [sum(fold.holds(task) for fold in folds) for task in suite.tasks]
    assert held == [1] * len(held)


def full() -> Dataset:
    return build(
        [
            log(
                name,
                ["benign"] * 300
                + [family for family in FAMILIES for _ in range(120)]
                + ["benign"] * 300,
                np.arange(1080) + 5_000.0 * number,
                start,
            )
            for number, (name, start) in enumerate({"late": 9e5, "early": 0.0}.items())
        ],
        label_space(FAMILIES, GROUPS),
    )


def test_generators_of_names_are_families_of_their_own() -> None:
    suite = make_suite(full(), [], LIMITS)
    folds = family_folds(suite.tasks, 5)
    tasks = {task.name: task for task in suite.tasks}
    assert {"dga:a", "dga:b", "port-scan", "nmap-scan", "iot-ddos"} == set(tasks)
    assert tasks["dga:a"].table == "dns, DGA families"
    places = {n: next(f.number for f in folds if f.holds(t)) for n, t in tasks.items()}
    assert places["port-scan"] == places["nmap-scan"]
    assert places["dga:a"] != places["dga:b"]
    one = next(fold for fold in folds if fold.holds(tasks["dga:a"]))
    data = full()
    left = {data.varieties[v] for v in data.variety[training_rows(data, suite, one)] if v >= 0}
    assert "dga:b" in left
    assert "dga:a" not in left


def test_the_first_incident_is_the_earliest_and_other_captures_are_asked_about() -> None:
    data = full()
    task = next(t for t in make_suite(data, [], LIMITS).tasks if t.name == "iot-ddos")
    assert task.incident == "early"
    assert set(data.capture[task.query]) == {0, 1}
    twins = next(
        t for t in make_suite(data, [["late", "early"]], LIMITS).tasks if t.name == "iot-ddos"
    )
    assert {data.captures[c] for c in data.capture[twins.query]} == {"early"}


def test_a_fixed_split_has_three_sides_without_overlap() -> None:
    folds = family_folds(make_suite(full(), [], LIMITS).tasks, 4)
    split = fixed_split(folds)
    assert all((split.train, split.validation, split.test))
    assert not split.train & (split.validation | split.test)
    assert not split.validation & split.test
    with pytest.raises(ValueError, match="three folds"):
        fixed_split(folds[:2])


def test_small_families_are_listed_with_the_reason() -> None:
    families = ["benign"] * 50 + ["dga"] * 8 + ["iot-ddos"] * 90 + ["benign"] * 50
    values = np.arange(len(families), dtype=np.float64)
    values[58:148] = 7.0
    data = build([log("site", families, values, 0.0)], label_space(FAMILIES, GROUPS))
    suite = make_suite(data, [], LIMITS)
    assert suite.tasks == ()
    reasons = {entry.name: entry.why for entry in suite.skipped}
    assert "too few" in reasons["dga:a"]
    assert "copies" in reasons["iot-ddos"]


def test_what_is_represented_has_no_labels_and_the_records_of_the_tasks() -> None:
    data = full()
    stage = families_left_out({"dns": data}, Settings(limits=LIMITS))
    whole = {task.name: task for task in make_suite(data, [], LIMITS).tasks}
    for part in stage.parts:
        shown = part.split.shown["dns"]
        assert set(shown.labels) == {UNLABELLED}
        samples = part.split.samples["dns"]
        learnt = shown.features.numeric[len(shown) - len(samples) :, 0]
        allowed = data.features.numeric[part.split.rows["dns"], 0]
        assert np.isin(learnt, allowed).all()
        names = {data.space.name(int(label)) for label in samples}
        assert not names & {task.name for task in part.tasks}
        for task in part.tasks:
            now, then = shown.features.numeric[:, 0], data.features.numeric[:, 0]
            for name in ("pool", "query", "benign", "negatives"):
                before = then[getattr(whole[task.name], name)]
                assert np.array_equal(now[getattr(task, name)], before)


def test_across_data_sets_nothing_of_the_tested_families_is_trained_on() -> None:
    data = full()
    rest = data.take(np.flatnonzero(data.labels != data.space.number("dga")))
    stage = across_data_sets("a", {"dns": data}, "b", rest, Settings(limits=LIMITS))
    (part,) = stage.parts
    assert stage.name == "P2: a to b"
    labels = {data.space.name(int(label)) for label in data.labels[part.split.rows["dns"]]}
    assert labels == {"benign", "dga"}
    assert {task.name for task in part.tasks} == {"port-scan", "nmap-scan", "iot-ddos"}


def test_copies_are_told_by_every_feature_and_missing_is_like_missing() -> None:
    same = features(np.array([1.0, 1.0, 2.0, 0.0, -0.0]))
    first = record_identity(same)
    assert first[0] == first[1]
    assert first[3] == first[4]
    assert len(set(first.tolist())) == 3
    other = replace(same, categorical=same.categorical + np.arange(5, dtype=np.int32)[:, None])
    assert len(set(record_identity(other).tolist())) == 5


@given(sizes=st.lists(st.integers(0, 50), min_size=1, max_size=6), count=st.integers(1, 120))
def test_balancing_keeps_as_many_as_there_may_be_and_tears_no_small_part(
    sizes: list[int], count: int
) -> None:
    starts = np.cumsum([0, *sizes])
    parts = [np.arange(a, b) for a, b in pairwise(starts)]
    kept = balanced(parts, count)
    assert len(kept) == min(count, sum(sizes))
    assert (np.diff(kept) > 0).all()
    fair = count // len(sizes)
    for part in parts:
        assert np.isin(part, kept).sum() >= min(len(part), fair)
