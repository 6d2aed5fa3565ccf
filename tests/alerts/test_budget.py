"""A day's alerts keep to the budget, families share it, and nothing is dropped silently."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import Alert, DailyBudget

DAY = 86_400.0
MakeAlert = Callable[..., Alert]
SPECS = st.lists(
    st.tuples(
        st.sampled_from(["port-scan", "dns-tunnel-x", "iot-ddos", "unknown"]),
        st.sampled_from([0.0, 10.0, DAY - 0.5, DAY, 2 * DAY + 5]),
        st.sampled_from([0.5, 0.9, 1.0]),
    ),
    max_size=60,
)


def alerts_of(specs: list[tuple[str, float, float]], make_alert: MakeAlert) -> list[Alert]:
    return [
        make_alert({"ts": ts, "uid": f"C{n}", "id.orig_h": "10.0.0.1"}, family=f, score=score)
        for n, (f, ts, score) in enumerate(specs)
    ]


@settings(deadline=None)
@given(specs=SPECS, per_day=st.integers(0, 12))
def test_kept_and_held_back_are_all(
    make_alert: MakeAlert, specs: list[tuple[str, float, float]], per_day: int
) -> None:
    alerts = alerts_of(specs, make_alert)
    kept, held_back = DailyBudget(per_day).select(alerts)
    assert Counter(a.family for a in kept) + held_back == Counter(a.family for a in alerts)
    days = Counter(a.first_ts // DAY for a in kept)
    if per_day:
        assert all(count <= per_day for count in days.values())
        for day, count in days.items():
            assert count == min(per_day, sum(a.first_ts // DAY == day for a in alerts))
    else:
        assert not held_back


@settings(deadline=None)
@given(specs=SPECS, per_day=st.integers(1, 12))
def test_no_family_is_hidden_by_another(
    make_alert: MakeAlert, specs: list[tuple[str, float, float]], per_day: int
) -> None:
    alerts = alerts_of(specs, make_alert)
    kept, _ = DailyBudget(per_day).select(alerts)
    for day in {a.first_ts // DAY for a in alerts}:
        came = Counter(a.family for a in alerts if a.first_ts // DAY == day)
        shown = Counter(a.family for a in kept if a.first_ts // DAY == day)
        for family, count in came.items():
            # What is cut of a family is cut because every other has nearly as much.
            assert shown[family] >= min(count, per_day // len(came))
            if shown[family] < count:
                assert max(shown.values()) <= shown[family] + 1


@settings(deadline=None)
@given(specs=SPECS, per_day=st.integers(1, 5), seed=st.integers(0, 9))
def test_the_order_in_which_alerts_come_does_not_matter(
    make_alert: MakeAlert, specs: list[tuple[str, float, float]], per_day: int, seed: int
) -> None:
    alerts = alerts_of(specs, make_alert)
    expected = DailyBudget(per_day).select(alerts)
    random.Random(seed).shuffle(alerts)  # noqa: S311 - a shuffle, not a secret
    budget = DailyBudget(per_day)
    for alert in alerts:
        budget.add([alert])
    assert budget.take() == expected


def test_a_flood_of_one_family_leaves_room_for_the_others(make_alert: MakeAlert) -> None:
    specs = [("iot-ddos", 5.0, 1.0)] * 500 + [("port-scan", 6.0, 0.6), ("dns-tunnel-x", 7.0, 0.5)]
    kept, held_back = DailyBudget(10).select(alerts_of(specs, make_alert))
    assert Counter(a.family for a in kept) == {"iot-ddos": 8, "port-scan": 1, "dns-tunnel-x": 1}
    assert held_back == {"iot-ddos": 492}


def test_with_room_for_one_the_most_severe_family_is_shown(make_alert: MakeAlert) -> None:
    specs = [("port-scan", 5.0, 1.0), ("dns-tunnel-x", 7.0, 0.5)]
    severity = {"port-scan": 3, "dns-tunnel-x": 1}
    kept, held_back = DailyBudget(1, severity.__getitem__).select(alerts_of(specs, make_alert))
    assert [a.family for a in kept] == ["dns-tunnel-x"]
    assert held_back == {"port-scan": 1}


def test_within_a_family_the_highest_scores_are_shown(make_alert: MakeAlert) -> None:
    specs = [("port-scan", 5.0, score) for score in (0.5, 0.9, 0.7)]
    kept, _ = DailyBudget(2).select(alerts_of(specs, make_alert))
    assert sorted(a.strongest.score for a in kept) == [0.7, 0.9]


def test_a_site_may_say_what_is_severe(make_alert: MakeAlert) -> None:
    specs = [("port-scan", 5.0, 1.0), ("dns-tunnel-x", 7.0, 0.5)]
    budget = DailyBudget(1, severity=lambda family: 1 if family == "port-scan" else 3)
    assert [a.family for a in budget.select(alerts_of(specs, make_alert))[0]] == ["port-scan"]


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="no limit"):
        DailyBudget(-1)


def test_what_waits_for_the_end_of_a_day_is_bounded(make_alert: MakeAlert) -> None:
    budget = DailyBudget(3)
    for n in range(200):
        budget.add([make_alert({"ts": float(n), "uid": f"C{n}"}, family="iot-ddos", score=n / 200)])
        assert sum(len(best) for best in budget._best.values()) <= 3
    kept, held_back = budget.take()
    assert [a.strongest.score for a in kept] == [197 / 200, 198 / 200, 199 / 200]
    assert held_back == {"iot-ddos": 197}
