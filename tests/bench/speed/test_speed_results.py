"""What the measurements say of a figure, a goal and a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.speed import page, short
from tests.bench.speed.results import Goal, Row, better, rows_table

AT_LEAST = Row("conn", "scan", "1 records/s", Goal(0.5), value=0.25, against="a | b", work=0.4)
AT_MOST = Row("gz", "time", "9 s", Goal(1.1, at_most=True), value=1.05, work=1.5)


def test_a_goal_on_a_ratio_is_reached_from_its_bound_on() -> None:
    assert Goal(0.5).reached(0.5)
    assert not Goal(0.5).reached(0.49)
    assert Goal(1.5, "s", at_most=True).reached(1.5)
    assert not Goal(1.5, "s", at_most=True).reached(1.51)


def test_what_could_not_be_measured_reaches_no_goal() -> None:
    assert not Goal(0.5).reached(float("nan"))
    assert not Goal(0.5, at_most=True).reached(float("nan"))


def test_half_of_a_goal_is_half_as_fast_or_takes_twice_as_long() -> None:
    assert Goal(10).halved().bound == 5
    assert Goal(1.1, at_most=True).halved().bound == pytest.approx(2.2)
    assert Goal(200, "ms", at_most=True).halved().bound == 400


def test_the_table_says_what_against_what_and_whether_the_goal_is_reached() -> None:
    head, _, first, second = rows_table([AT_LEAST, AT_MOST]).splitlines()
    assert head.startswith("| what | figure | against |")
    assert first == "| scan | 1 records/s | a \\| b | 0.25 | 0.4 | at least 0.5 | no |"
    assert second.endswith("| 1.05 | 1.50 | at most 1.1 | yes |")


def test_a_figure_that_is_no_ratio_stands_in_no_column_of_ratios() -> None:
    row = Row("help", "--help", "0.12 s", Goal(0.3, "s", at_most=True), value=0.12)
    assert row.cells() == ("--help", "0.12 s", "", "", "", "at most 0.30 s", "yes")


def test_the_better_of_two_measurements_is_the_one_nearer_to_its_goal() -> None:
    faster = replace(AT_LEAST, work=0.6)
    assert better(AT_LEAST, faster) is faster
    assert better(faster, AT_LEAST) is faster
    slower = replace(AT_MOST, work=2.0)
    assert better(AT_MOST, slower) is AT_MOST
    assert better(replace(AT_MOST, work=None), slower) is slower


def test_the_short_form_asks_for_half_the_goal_where_it_is_stated_to_be_reached() -> None:
    assert short.bound_of(AT_LEAST, None).bound == 0.25
    assert short.bound_of(AT_LEAST, 0.9).bound == 0.25


def test_the_short_form_asks_for_half_of_what_is_stated_where_the_goal_is_not_reached() -> None:
    assert short.bound_of(AT_LEAST, 0.1).bound == 0.05
    assert short.bound_of(AT_MOST, 2.0).bound == pytest.approx(4.0)


def test_the_short_form_names_the_ratio_that_is_too_low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short, "STATED", {})
    (sentence,) = short.misses([replace(AT_LEAST, work=0.2), AT_LEAST])
    assert "conn: scan comes to 0.2 " in sentence
    assert "at least 0.25 is wanted" in sentence


def test_a_ratio_that_misses_its_bound_is_measured_again_twice_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(short, "STATED", {})
    low = replace(AT_LEAST, work=0.2)
    results = [[low], [low], [AT_LEAST], [low]]
    assert short.measured(lambda: results.pop(0)) == [AT_LEAST]
    results = [[low], [low], [low], [AT_LEAST]]
    assert short.measured(lambda: results.pop(0)) == [low]
    assert results == [[AT_LEAST]]


def test_only_what_stands_between_the_marks_is_written_anew() -> None:
    whole = f"# Title\n\n{page.BEGIN}\n\nold\n\n{page.END}\n\n## By hand\n"
    written = page.put_between(whole, "new | table\n")
    assert written == f"# Title\n\n{page.BEGIN}\n\nnew | table\n\n{page.END}\n\n## By hand\n"
    assert page.put_between(written, "new | table") == written


@pytest.mark.parametrize("whole", ["nothing", page.BEGIN, page.END + page.BEGIN])
def test_a_page_without_its_marks_is_not_written(whole: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        page.put_between(whole, "new")


def test_the_page_says_when_and_on_what_it_was_measured_and_that_no_gpu_was_there() -> None:
    spent = {"conn TSV": {"read": 0.25, "write": 1.5}}
    text = page.text([AT_LEAST], spent, page.NOT_ON_A_GPU, 1_000, 3, day="2026-11-30")
    assert text.startswith("Measured on 2026-11-30 with `make bench`: ")
    assert " GiB; Python 3." in text
    assert "| conn TSV | 0.25 | 1.50 | 1.75 |" in text
    assert text.endswith(page.NOT_ON_A_GPU)


def test_the_page_of_the_checkout_can_be_written() -> None:
    assert page.put_between(page.PAGE.read_text(), "new")
