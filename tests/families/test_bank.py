"""What the benign bank promises: bounded, even, the same whatever the batches."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.detector.adaptation.points import Points
from enricher.errors import StateError
from enricher.families.bank import SESSION_PLACES, BankSampler, load_bank, save_bank

COUNT = 3000


def frame(count: int = COUNT, sources: int = 40) -> pl.DataFrame:
    place = np.arange(count)
    return pl.DataFrame(
        {"ts": 1.7e9 + 10.0 * place, "id.orig_h": [f"10.0.0.{n % sources}" for n in place]}
    )


def points(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Points:
    """Points that carry the number of their record."""
    table = np.repeat(rows[:, None], 3, axis=1).astype(np.float32)
    return Points("conn", table, table[:, :2], table[:, :2])


def fill(sampler: BankSampler, log: pl.DataFrame, cuts: list[int]) -> BankSampler:
    for start, stop in pairwise(sorted({0, len(log), *cuts})):
        sampler.add(points(sampler.choose(log[start:stop]) + start))
    return sampler


def numbers(sampler: BankSampler, left_out: tuple[str, ...] = ()) -> list[float]:
    bank = sampler.points(left_out)
    assert bank is not None
    return list(map(float, bank.table[:, 0]))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, COUNT - 1), max_size=6))
def test_batches_change_nothing(cuts: list[int]) -> None:
    log = frame()
    whole = numbers(fill(BankSampler("conn", capacity=200), log, []))
    assert numbers(fill(BankSampler("conn", capacity=200), log, cuts)) == whole
    assert len(whole) == 200
    assert whole == sorted(whole)


def test_all_parts_of_the_log_are_sampled_alike() -> None:
    kept = np.array(numbers(fill(BankSampler("conn", capacity=600), frame(), [500, 1000])))
    parts = np.histogram(kept, bins=3, range=(0, COUNT))[0]
    assert parts.min() > 150


def test_a_burst_counts_as_thirty_records_where_there_are_plenty_of_others() -> None:
    burst = pl.DataFrame({"ts": [1.7e9] * 20_000, "id.orig_h": ["10.0.0.1"] * 20_000})
    others = pl.DataFrame(
        {"ts": [1.7e9] * 15_000, "id.orig_h": [f"10.1.{n // 250}.{n % 250}" for n in range(15_000)]}
    )
    kept = numbers(fill(BankSampler("conn"), pl.concat([burst, others]), [100, 7000]))
    assert len(kept) == 10_000
    assert len(SESSION_PLACES) == 30
    assert sum(number < 20_000 for number in kept) <= 30


def test_where_there_is_nothing_else_a_burst_fills_the_bank() -> None:
    burst = pl.DataFrame({"ts": [1.7e9] * 900, "id.orig_h": ["10.0.0.1"] * 900})
    assert len(numbers(fill(BankSampler("conn"), burst, [100, 300]))) == 900


def test_records_of_sources_that_are_left_out_are_not_in_it() -> None:
    log = frame()
    kept = numbers(fill(BankSampler("conn"), log, []), left_out=("10.0.0.7", "10.0.0.8"))
    sources = {log["id.orig_h"][int(number)] for number in kept}
    assert len(sources) == 38
    assert not sources & {"10.0.0.7", "10.0.0.8"}


def test_without_records_there_is_no_bank() -> None:
    assert BankSampler("conn").points() is None


def test_a_bank_comes_back_as_it_was_and_other_models_do_not_get_it(tmp_path: Path) -> None:
    bank = points(np.arange(50))
    save_bank(tmp_path, bank, "digest")
    again = load_bank(tmp_path, "conn", "digest", (3, 2))
    assert again is not None
    np.testing.assert_array_equal(again.wide(), bank.wide())
    assert load_bank(tmp_path, "dns", "digest", (3, 2)) is None
    for digest, widths in (("other", (3, 2)), ("digest", (4, 2)), ("digest", (3, 1))):
        with pytest.raises(StateError, match="enricher calibrate"):
            load_bank(tmp_path, "conn", digest, widths)


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 0.999))
def test_a_damaged_bank_is_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    state = tmp_path_factory.mktemp("state")
    save_bank(state, points(np.arange(50)), "digest")
    (path,) = state.rglob("bank-*")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(StateError, match="enricher calibrate"):
        load_bank(state, "conn", "digest", (3, 2))
