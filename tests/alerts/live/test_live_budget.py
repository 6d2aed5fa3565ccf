"""A day has room for so many alerts, and no family takes it all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.alerts.live.budget import CausalBudget

ASKED = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2)), max_size=300)


@given(asked=ASKED, per_day=st.integers(1, 60))
def test_a_day_never_has_more_than_its_number(asked: list[tuple[str, int]], per_day: int) -> None:
    budget = CausalBudget(per_day)
    let_through = [day for family, day in asked if budget.admits(family, day)]
    for day in range(3):
        assert let_through.count(day) <= per_day
        assert sum(budget.opened_on(day).values()) == let_through.count(day)
        held_back = sum(budget.held_back_on(day).values())
        assert held_back + let_through.count(day) == [day for _, day in asked].count(day)
    assert budget.held_back.total() == len(asked) - len(let_through)


def test_the_flood_of_one_family_leaves_half_of_the_day_to_the_others() -> None:
    budget = CausalBudget(50)
    flood = [budget.admits("flood", 0) for _ in range(10_000)]
    assert flood.count(True) == 25
    assert [budget.admits("second", 0) for _ in range(100)].count(True) == 12
    assert budget.admits("third", 0)


def test_a_day_of_one_alert_has_one() -> None:
    budget = CausalBudget(1)
    assert [budget.admits(family, 0) for family in "aab"] == [True, False, False]
    assert budget.admits("b", 1)


def test_without_a_limit_everything_is_let_through() -> None:
    budget = CausalBudget(0)
    assert all(budget.admits("a", 0) for _ in range(1000))


@given(asked=ASKED, more=ASKED)
def test_a_restart_never_shows(asked: list[tuple[str, int]], more: list[tuple[str, int]]) -> None:
    whole, after = CausalBudget(10), CausalBudget(10)
    for family, day in asked:
        whole.admits(family, day)
    after.restore(*whole.export(), dict(whole.held_back))
    assert [after.admits(*one) for one in more] == [whole.admits(*one) for one in more]
    assert after.held_back == whole.held_back


def test_days_that_are_over_are_forgotten() -> None:
    budget = CausalBudget(1)
    for day in range(1000):
        budget.admits("a", day)
        budget.admits("a", day)
    opened, held_back = budget.export()
    assert len(opened) <= 3
    assert len(held_back) <= 3


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        CausalBudget(-1)
