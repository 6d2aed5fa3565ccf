"""A site's own distance: fitted to its benign logs by `calibrate`, used by `scan`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.config import Settings
from enricher.detector.site import load_site
from enricher.pipeline import distance_sample
from enricher.pipeline.calibration import calibrate_paths
from enricher.pipeline.distance_sample import SHARE, SetAside
from enricher.report.progress import progress
from enricher.report.summary import ScanSummary
from enricher.simulate import generate

Scan = Callable[..., ScanSummary]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 4999), max_size=6))
def test_the_same_records_are_set_aside_whatever_the_batches(cuts: list[int]) -> None:
    draws = SetAside("conn")
    parts = [draws.draw(stop - start) for start, stop in pairwise(sorted({0, 5000, *cuts}))]
    assert np.array_equal(np.concatenate(parts), SetAside("conn").draw(5000))


def test_each_kind_sets_aside_its_share_and_others_than_the_next() -> None:
    conn, dns = SetAside("conn").draw(20_000), SetAside("dns").draw(20_000)
    assert conn.mean() == pytest.approx(SHARE, abs=0.02)
    assert (conn & dns).mean() == pytest.approx(SHARE**2, abs=0.02)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("site")
    for name, seed, families in (("benign", 11, []), ("later", 12, []), ("attacked", 12, None)):
        generate(folder / name, seed=seed, hours=3, hosts=10, families=families)
    return {path.name: path for path in folder.iterdir()}


def calibrated(logs: Path, settings: Settings) -> None:
    calibrate_paths([logs], settings, lambda size, label: progress(size, label=label, quiet=True))


def test_a_site_with_few_records_of_a_kind_has_no_distance(
    logs: dict[str, Path], settings_with: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distance_sample, "FEWEST", 10**9)
    state = settings_with()
    calibrated(logs["benign"], state)
    site = load_site(state.state)
    assert site
    assert all(one.distance is None for one in site.values())
    assert all(len(one.conformal) == one.records for one in site.values())


def test_a_scan_of_a_calibrated_site_finds_attacks_new_and_benign_traffic_hardly_ever(
    logs: dict[str, Path], settings_with: Callable[..., Settings], tmp_path: Path, run_scan: Scan,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(distance_sample, "FEWEST", 300)
    state = settings_with()
    calibrated(logs["benign"], state)
    site = load_site(state.state)
    fitted = {kind for kind, one in site.items() if one.distance is not None}
    assert "conn" in fitted
    for kind in fitted:
        # What the distance was fitted to has no say in how rare a novelty is.
        left = len(site[kind].conformal) / site[kind].records
        assert left == pytest.approx(1 - SHARE, abs=0.05)
    run_scan([logs["later"]], tmp_path / "later", scores=True)
    run_scan([logs["attacked"]], tmp_path / "attacked", scores=True)
    benign, attacked = (
        pl.read_parquet(tmp_path / name / "scores.parquet")
        .filter(pl.col("log").is_in(fitted))["p_value"]
        .to_numpy()
        for name in ("later", "attacked")
    )
    # Another site: alike, not the same.
    assert (benign <= 0.01).mean() < 0.05
    assert attacked.min() < 0.001
    assert (attacked <= 0.001).sum() > 10 * (benign <= 0.001).sum()
