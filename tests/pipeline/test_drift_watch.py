"""A scan notices when the benign traffic of a site is no longer that of its calibration."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.alerts import Alert
from enricher.detector.site import SiteCalibration
from enricher.detector.site_fit import SiteBudget, SiteObservations, calibrate_site
from enricher.detector.thresholds import Thresholds
from enricher.logs import PROVENANCE, SCHEMAS, LogBatch
from enricher.pipeline.drift import DriftWatch
from enricher.pipeline.scoring import ScoredBatch

HOUR = 3600.0
PER_HOUR = 8
Floats = npt.NDArray[np.floating[Any]]


def site_of(novelty: Floats, burst: int = 1) -> SiteCalibration:
    """Calibrated on hours with a few sources, each of which has ``burst`` equal records.

    The first hour is left out of the reference.
    """
    count = len(novelty)
    observed = SiteObservations(
        family_scores=np.zeros((count * burst, 1), dtype=np.float32),
        novelty=np.repeat(novelty.astype(np.float32), burst),
        source=np.repeat(np.arange(count) % PER_HOUR, burst),
        window=np.repeat(np.arange(count) // PER_HOUR, burst),
    )
    thresholds = Thresholds(("scan",), np.array([0.9], dtype=np.float32), 0.0)
    budget = SiteBudget(alerts_per_day=50, days=count / PER_HOUR / 24, max_trimmed=0.0)
    return calibrate_site({"dns": observed}, {"dns": thresholds}, bundle="b", budget=budget)["dns"]


def scored(
    p_values: Floats, start: int, stop: int, verdicts: Sequence[int] | None = None, burst: int = 1
) -> ScoredBatch:
    """Records ``start`` to ``stop`` of a log with as many sources an hour as the calibration."""
    place = np.arange(start, stop) // burst
    values = {
        "ts": place // PER_HOUR * HOUR + 10.0,
        "id.orig_h": [f"10.0.0.{number}" for number in place % PER_HOUR],
    }
    schema = {**SCHEMAS["dns"], **PROVENANCE}
    frame = pl.DataFrame(
        {name: values.get(name, [None] * len(place)) for name in schema}, schema=schema
    )
    codes = np.full(len(place), -1, dtype=np.int32)
    if verdicts is not None:
        codes[:] = verdicts[start:stop]
    scores = SimpleNamespace(p_value=p_values[start:stop])
    return cast(
        ScoredBatch,
        SimpleNamespace(batch=LogBatch("dns", frame), scores=scores, verdicts=codes),
    )


@pytest.fixture(scope="module")
def calibration() -> SiteCalibration:
    return site_of(np.random.default_rng(0).normal(size=800))


def p_values_of(site: SiteCalibration, shift: float, count: int = 800, seed: int = 1) -> Floats:
    return site.conformal.p_values(np.random.default_rng(seed).normal(shift, 1.0, size=count))


def test_traffic_like_that_of_the_calibration_leaves_the_promise_standing(
    calibration: SiteCalibration,
) -> None:
    watch = DriftWatch({"dns": calibration}, HOUR)
    assert watch.take(scored(p_values_of(calibration, 0.0), 0, 800)) == 800
    seen = watch.seen()["dns"]
    assert seen.records == 800 - PER_HOUR
    assert seen.since is None


def test_traffic_that_changes_suspends_the_promise_from_then_on(
    calibration: SiteCalibration, alert: Alert
) -> None:
    p_values = np.concatenate(
        [p_values_of(calibration, 0.0, 400), p_values_of(calibration, 1.5, 400, seed=2)]
    )
    watch = DriftWatch({"dns": calibration}, HOUR)
    row = watch.take(scored(p_values, 0, 800))
    since = watch.seen()["dns"].since
    assert 400 <= row < 800
    assert since is not None
    assert since >= 400 // PER_HOUR * HOUR
    assert watch.take(scored(p_values, 0, 10)) == 0
    for last, family, expected in (
        (since - 1, "unknown", False), (since, "unknown", True), (since, "dga", False),
    ):  # fmt: skip
        alert.last_ts, alert.family = last, family
        assert watch.suspended(alert) is expected


@pytest.fixture
def alert() -> Alert:
    strongest = cast(Any, None)
    return Alert("id", "10.0.0.1", "unknown", 0.0, HOUR, strongest, kinds={"dns": 1})


def test_a_burst_of_one_source_is_no_drift(calibration: SiteCalibration) -> None:
    p_values = p_values_of(calibration, 0.0, 80)
    p_values[40] = 1 / 801
    bursts = np.repeat(p_values, 500)
    watch = DriftWatch({"dns": calibration}, HOUR)
    watch.take(scored(bursts, 0, len(bursts), burst=500))
    assert watch.seen()["dns"].records == 80 - PER_HOUR
    assert watch.seen()["dns"].since is None


def test_the_calibration_counts_a_burst_once_too() -> None:
    novelty = np.random.default_rng(3).normal(size=200)
    assert sum(site_of(novelty, burst=20).drift_reference) == 200 - PER_HOUR


def test_records_that_a_family_claims_are_not_looked_at(calibration: SiteCalibration) -> None:
    verdicts = [0] * 700 + [-1] * 50 + [-2] * 50
    watch = DriftWatch({"dns": calibration}, HOUR)
    watch.take(scored(p_values_of(calibration, 3.0), 0, 800, verdicts))
    assert watch.seen()["dns"].records == 100


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 799), max_size=5))
def test_batches_change_nothing(calibration: SiteCalibration, cuts: list[int]) -> None:
    p_values = p_values_of(calibration, 0.8)
    whole, parts = DriftWatch({"dns": calibration}, HOUR), DriftWatch({"dns": calibration}, HOUR)
    first = whole.take(scored(p_values, 0, 800))
    found = []
    for start, stop in pairwise(sorted({0, 800, *cuts})):
        row = parts.take(scored(p_values, start, stop))
        if row < stop - start:
            found.append(start + row)
    assert parts.seen() == whole.seen()
    assert whole.seen()["dns"].since is not None
    assert found[0] == first


def test_the_first_window_is_left_out_for_there_every_source_is_new(
    calibration: SiteCalibration,
) -> None:
    watch = DriftWatch({"dns": calibration}, HOUR)
    watch.take(scored(np.full(PER_HOUR, 1 / 801), 0, PER_HOUR))
    assert watch.seen() == {}


def test_without_a_calibration_of_the_site_nothing_is_promised_or_watched() -> None:
    watch = DriftWatch({}, HOUR)
    assert watch.take(scored(np.full(10, 1e-4), 0, 10)) == 10
    assert watch.seen() == {}


def test_a_calibration_from_before_drift_was_watched_is_still_read(
    calibration: SiteCalibration, tmp_path: Any
) -> None:
    path = calibration.save(tmp_path)
    assert SiteCalibration.load(path).drift_reference == calibration.drift_reference
    text = path.read_text().replace("drift_reference", "something_else")
    path.write_text(text)
    old = SiteCalibration.load(path)
    assert old.drift_reference == ()
    assert DriftWatch({"dns": old}, HOUR).seen() == {}
