"""Opening and closing alerts are valid events that say what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from enricher.alerts import Alert, EventOptions, family_label, to_event

MakeAlert = Callable[..., Alert]
Validate = Callable[[Any, int], None]


def metadata(alert: Alert, version: Literal[7, 8] = 7) -> dict[str, list[str]]:
    event = to_event(alert, family_label(alert.family), EventOptions(eve_version=version))
    found: dict[str, list[str]] = event["alert"]["metadata"]
    return found


@pytest.mark.parametrize("version", [7, 8])
@pytest.mark.parametrize("state", ["opening", "closing"])
def test_they_are_valid_events(
    make_alert: MakeAlert, validate: Validate, state: str, version: Literal[7, 8]
) -> None:
    alert = make_alert({"id.orig_h": "10.0.0.1"}, state=state)
    options = EventOptions(eve_version=version)
    event = to_event(alert, family_label(alert.family), options)
    validate(event, version)
    assert event["alert"]["metadata"]["state"] == [state]


def test_evebox_files_a_closing_alert_away_for_its_opening_was_shown(make_alert: MakeAlert) -> None:
    assert metadata(make_alert(state="closing"))["evebox-action"] == ["archive"]
    assert "evebox-action" not in metadata(make_alert(state="opening"))


def test_the_alert_of_a_scan_says_nothing_of_a_state(make_alert: MakeAlert) -> None:
    assert not {"state", "evebox-action"} & set(metadata(make_alert()))
