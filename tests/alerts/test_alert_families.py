"""What is said of a family is stable, and safe whatever the name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.alerts import check_name, family_label, signature_id


def test_signature_ids_do_not_change_between_versions() -> None:
    assert signature_id("port-scan", "Detection of a Network Scan", 3) == 1_422_760_757
    assert signature_id("unknown", "Unknown Traffic", 3) == 1_323_622_507


def test_family_category_and_severity_each_change_the_signature_id() -> None:
    ids = {signature_id(f, c, s) for f in "ab" for c in "xy" for s in (1, 2)}
    assert len(ids) == 8


@given(st.text(), st.text(), st.integers(1, 4))
def test_signature_ids_stay_in_their_range(family: str, category: str, severity: int) -> None:
    assert 1_000_000_000 <= signature_id(family, category, severity) < 2**31


def test_a_name_that_says_nothing_gets_safe_defaults() -> None:
    label = family_label("team-blue-42")
    assert (label.name, label.category, label.severity) == (
        "team-blue-42", "Potentially Bad Traffic", 2,
    )  # fmt: skip
    assert label.technique is None


@given(st.text())
def test_any_name_can_be_shown(name: str) -> None:
    label = family_label(name)
    assert label.title.isprintable()
    assert 1 <= len(label.name) <= 64
    assert 1 <= label.severity <= 4


@pytest.mark.parametrize(
    "name", ["", " a", "a\n", "\x1b[31m", "x" * 65, "unknown", "Benign", "a\u202eb"]
)
def test_names_that_would_mislead_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        check_name(name)


def test_names_of_other_scripts_are_fine() -> None:
    assert check_name("ботнет 7") == "ботнет 7"
