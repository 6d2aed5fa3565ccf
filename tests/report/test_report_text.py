"""Text of a log is shown as it is, and does nothing."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.report.text import duration, one_in, probability, safe, size, utc

ANY_TEXT = st.text(st.characters(), max_size=300)


@given(ANY_TEXT, st.integers(1, 200))
def test_result_is_one_printable_line_within_the_limit(value: str, limit: int) -> None:
    shown = safe(value, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")


@given(ANY_TEXT)
def test_making_safe_twice_changes_nothing(value: str) -> None:
    assert safe(safe(value)) == safe(value)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_plain_ascii_stays_as_it_is(value: str) -> None:
    assert safe(value) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f\x00", "\\x7f\\x00"),
        ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
        ("\u202eexe.txt\u2066", "\\u202eexe.txt\\u2066"),
        ("\u200b\ufeff\u2028\u2029\u00ad", "\\u200b\\ufeff\\u2028\\u2029\\xad"),
        ("\u3164\ufe0f", "\\u3164\\ufe0f"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("caf\u00e9 \u4e2d\u6587 \u043c\u0438\u0440", "caf\u00e9 \u4e2d\u6587 \u043c\u0438\u0440"),
        (b"\xff\x1bGET", "\\xff\\x1bGET"),
        (None, "None"),
        (12, "12"),
    ],
)
def test_what_would_act_or_hide_is_made_visible(value: object, shown: str) -> None:
    assert safe(value) == shown


def test_a_tower_of_combining_marks_is_flattened() -> None:
    assert safe("e\u0301") == "e\u0301"
    assert safe("e" + "\u0301" * 50, 200).count("\u0301") == 3


def test_long_text_keeps_both_ends() -> None:
    shown = safe("start" + "x" * 1_000_000 + "end", 21)
    assert shown.startswith("startx")
    assert shown.endswith("xend")
    assert "…" in shown
    assert len(shown) == 21


def test_an_escape_is_never_cut_in_half() -> None:
    shown = safe("\x1b" * 100, 10)
    assert shown.replace("\\x1b", "") == "…"


@pytest.mark.parametrize(
    "value",
    [b"\xff" * 1_000_000, "\ud800" * 1_000_000, 10**6000],
    ids=["bytes", "surrogates", "number"],
)
def test_huge_values_of_any_type_are_bounded(value: object) -> None:
    assert len(safe(value, 40)) <= 40


@given(st.floats())
def test_any_time_of_a_log_can_be_written(seconds: float) -> None:
    assert utc(seconds).isprintable()
    assert len(utc(seconds)) <= 32


def test_times_are_utc() -> None:
    assert utc(0.0) == "1970-01-01 00:00:00"
    assert utc(None) == "-"
    assert utc(1.5, precise=True) == "1970-01-01T00:00:01.500000+00:00"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.84, "0.8 s"),
        (59.4, "59 s"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (1_051_200, "12 d 4 h"),
        (math.nan, "-"),
    ],
)
def test_durations_read_well(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(5, "5 B"), (999_999, "1.0 MB"), (12_340, "12.3 kB"), (7 * 10**15, "7,000.0 TB")],
)
def test_sizes_read_well(number: int, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.98765, "0.988"), (0.0, "0.000"), (3.2e-5, "3e-05"), (None, "-")]
)
def test_probabilities_read_well(value: float | None, shown: str) -> None:
    assert probability(value) == shown


@pytest.mark.parametrize(
    ("rate", "shown"), [(1e-4, "1 in 10,000"), (0.0, "-"), (None, "-"), (1.0, "every one")]
)
def test_rates_read_well(rate: float | None, shown: str) -> None:
    assert one_in(rate) == shown
