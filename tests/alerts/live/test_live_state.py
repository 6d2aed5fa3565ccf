"""A state from outside is taken whole or refused; the settings may be others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts.live import LiveAlert, LiveGrouping

Feed = Callable[..., list[LiveAlert]]
Live = Callable[..., LiveGrouping]

T = 1_700_000_040.0
ROWS: list[dict[str, Any]] = [
    {"ts": T + n, "id.orig_h": f"10.0.0.{n % 7}", "verdict": (-2, 0, 1, -1)[n % 4], "p": 0.0001,
     "duration": (None, 1.0, math.inf, math.nan)[n % 4]}
    for n in range(80)
]  # fmt: skip


@pytest.fixture(scope="module")
def state(feed: Feed, live: Live) -> dict[str, Any]:
    """A state with something of everything."""
    grouping = live(per_day=30)
    feed(grouping, ROWS)
    found: dict[str, Any] = orjson.loads(orjson.dumps(grouping.export(str)))
    lists = ("clock", "totals", "rare", "opened", "held_back", "groups", "silent", "over")
    assert all(found[name] for name in lists)
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    return [path, *(place for name, one in inner for place in places(one, (*path, name)))]


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_whatever_is_damaged_is_a_value_error_or_does_no_harm(
    state: dict[str, Any], feed: Feed, live: Live, data: st.DataObject
) -> None:
    damaged = orjson.loads(orjson.dumps(state))
    *outer, last = data.draw(st.sampled_from(places(state)[1:]))
    inside = damaged
    for name in outer:
        inside = inside[name]
    junk: st.SearchStrategy[Any] = st.sampled_from(
        [None, -1, 2**70, 1.5, math.inf, "x" * 100_000, [], {}, True, [[1]]]
    )
    inside[last] = data.draw(junk)
    grouping = live()
    try:
        grouping.restore(damaged, str)
    except ValueError:
        return
    feed(grouping, ROWS, first_line=1000)
    grouping.export(str)


@pytest.mark.parametrize("state", [None, [], "", {}, {"format": 2}])
def test_what_is_no_state_is_refused(live: Live, state: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        live().restore(state)


def test_a_group_twice_is_refused(live: Live, state: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="twice"):
        live().restore({**state, "silent": state["silent"] * 2})
    with pytest.raises(ValueError, match="twice"):
        live().restore({**state, "over": state["silent"]})


def test_windows_of_another_length_are_refused_and_can_be_closed_before(
    feed: Feed, live: Live
) -> None:
    grouping = live()
    feed(grouping, [{"ts": T}, {"ts": T + 1}])
    with pytest.raises(ValueError, match="60 s long, those of the settings 3600 s"):
        live(window_seconds=3600).restore(grouping.export())
    (closing,) = grouping.close_all()
    assert (closing.closing, closing.alert.count) == (True, 2)
    assert grouping.close_all() == []


def test_budget_and_room_may_be_others_after_a_restart(
    feed: Feed, live: Live, state: dict[str, Any]
) -> None:
    grouping = live(per_day=1000, max_groups=3, late_seconds=0)
    grouping.restore(state, str)
    alerts = feed(grouping, [{"ts": T + 80, "id.orig_h": "10.9.9.9"}], first_line=500)
    assert [a.alert.source for a in alerts if not a.closing] == ["10.9.9.9"]
    assert len(grouping) <= 3
