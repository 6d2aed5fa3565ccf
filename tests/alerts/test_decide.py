"""Verdicts follow from scores and policy, row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import BENIGN, UNKNOWN, Policy, decide, detections
from enricher.detector.scores import Scores
from enricher.logs import LogBatch

FAMILIES = ("scan", "tunnel")
MakeScores = Callable[..., Scores]
MakeBatch = Callable[..., LogBatch]


def policy(*thresholds: float, alpha: float = 0.0) -> Policy:
    return Policy(FAMILIES, np.asarray(thresholds, np.float32), alpha)


def test_a_score_at_the_threshold_is_of_the_family(make_scores: MakeScores) -> None:
    scores = make_scores(FAMILIES, [[0.8, 0.1], [0.79, 0.1]])
    assert decide(scores, policy(0.8, 0.8)).tolist() == [0, BENIGN]


def test_of_two_families_above_their_thresholds_the_higher_score_wins(
    make_scores: MakeScores,
) -> None:
    scores = make_scores(FAMILIES, [[0.7, 0.9], [0.9, 0.7], [0.9, 0.9]])
    assert decide(scores, policy(0.5, 0.5)).tolist() == [1, 0, 0]


def test_the_highest_score_does_not_win_below_its_own_threshold(make_scores: MakeScores) -> None:
    scores = make_scores(FAMILIES, [[0.9, 0.6]])
    assert decide(scores, policy(0.95, 0.5)).tolist() == [1]


def test_a_small_p_value_of_no_family_is_unknown(make_scores: MakeScores) -> None:
    scores = make_scores(FAMILIES, [[0.1, 0.1]] * 3, p_value=[0.001, 0.0011, float("nan")])
    verdicts = decide(scores, policy(0.5, 0.5, alpha=0.001))
    assert verdicts.tolist() == [UNKNOWN, BENIGN, BENIGN]
    assert verdicts.dtype == np.int32


def test_alpha_zero_switches_unknown_off(make_scores: MakeScores) -> None:
    scores = make_scores(FAMILIES, [[0.1, 0.1]], p_value=[0.0])
    assert decide(scores, policy(0.5, 0.5)).tolist() == [BENIGN]


def test_scores_and_thresholds_that_are_no_numbers_flag_nothing(make_scores: MakeScores) -> None:
    scores = make_scores(FAMILIES, [[float("nan"), 0.2], [0.9, 0.2]])
    assert decide(scores, policy(0.5, float("nan"))).tolist() == [BENIGN, 0]


def test_without_families_only_novelty_decides(make_scores: MakeScores) -> None:
    scores = make_scores((), [[], []], p_value=[0.0001, 0.5])
    rule = Policy((), np.zeros(0, np.float32), 0.01)
    assert decide(scores, rule).tolist() == [UNKNOWN, BENIGN]


def test_no_records_give_no_verdicts(make_scores: MakeScores) -> None:
    assert decide(make_scores(FAMILIES, []), policy(0.5, 0.5, alpha=0.1)).shape == (0,)


def test_a_policy_for_other_families_is_refused(make_scores: MakeScores) -> None:
    with pytest.raises(ValueError, match="families"):
        decide(make_scores(("tunnel", "scan"), [[0.1, 0.1]]), policy(0.5, 0.5))


def test_a_policy_needs_a_threshold_for_each_family_and_a_rate() -> None:
    with pytest.raises(ValueError, match="thresholds"):
        policy(0.5)
    with pytest.raises(ValueError, match="alpha"):
        policy(0.5, 0.5, alpha=1.0)


def test_thresholds_are_lined_up_by_name() -> None:
    rule = Policy.of(("a", "b", "c"), {"c": 0.25, "a": 0.5}, alpha=0.1, default=2.0)
    assert rule.thresholds.tolist() == [0.5, 2.0, 0.25]


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.floats(0, 1, width=32)] * 3), min_size=1, max_size=30
    ),
    thresholds=st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)),
    alpha=st.floats(0, 0.5, width=32),
)  # fmt: skip
def test_deciding_at_once_is_deciding_one_by_one(
    make_scores: MakeScores,
    rows: list[tuple[float, float, float]],
    thresholds: tuple[float, float],
    alpha: float,
) -> None:
    rule = policy(*thresholds, alpha=alpha)
    whole = decide(make_scores(FAMILIES, [r[:2] for r in rows], [r[2] for r in rows]), rule)
    for row, verdict in zip(rows, whole.tolist(), strict=True):
        passed = [f for f in (0, 1) if row[f] >= thresholds[f]]
        expected = BENIGN
        if passed:
            expected = max(passed, key=lambda f: (row[f], -f))
        elif alpha > 0 and row[2] <= alpha:
            expected = UNKNOWN
        assert verdict == expected


def test_every_flagged_record_becomes_a_detection_with_its_place(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    batch = make_batch([{"ts": 5.0, "id.orig_h": "10.0.0.1", "_line": 7, "_file": 3}] * 3)
    scores = make_scores(FAMILIES, [[0.2, 0.1], [0.9, 0.95], [0.3, 0.4]], [1.0, 1.0, 0.001])
    found = detections(batch, scores, np.array([BENIGN, 0, UNKNOWN], np.int32), {3: "a/conn.log"})
    assert [(d.verdict, d.family, d.nearest) for d in found] == [
        ("family", "scan", "scan"),
        ("unknown", "unknown", "tunnel"),
    ]
    assert [round(d.score, 3) for d in found] == [0.9, 0.4]
    assert {d.origin for d in found} == {"a/conn.log:7"}
    assert found[0].record["id.orig_h"] == "10.0.0.1"
    assert found[0].record["uid"] is None
    assert dict(found[0].record) == {**found[1].record}


def test_very_long_values_are_cut_in_a_detection(
    make_batch: MakeBatch, make_scores: MakeScores
) -> None:
    row = {"ts": 5.0, "query": "x" * 100_000, "answers": ["y" * 100_000] * 500}
    batch = make_batch([row], "dns")
    (found,) = detections(batch, make_scores(("t",), [[1.0]]), np.array([0], np.int32), ["dns.log"])
    assert len(found.record["query"]) == 4096
    assert len(found.record["answers"]) == 32
    assert len(found.record["answers"][0]) == 4096
