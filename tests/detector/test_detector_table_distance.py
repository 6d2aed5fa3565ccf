"""The distance from a site's own benign records: bounded, repeatable, kept as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.detector.adaptation.points import table_of
from enricher.detector.bundle import Bundle
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.detector import Detector
from enricher.detector.site import SiteCalibration, load_site
from enricher.detector.site_fit import SiteObservations
from enricher.detector.table_distance import WEIGHT, TableDistance, scaling_of
from enricher.errors import StateError
from enricher.features.rows import take
from enricher.features.tensors import Features

Floats = npt.NDArray[np.float32]
MakeFeatures = Callable[..., Features]
SIZES = (4, 3)
SCALING = torch.stack((torch.zeros(5), torch.ones(5)))


def table(count: int, seed: int) -> Floats:
    """Five numbers, three of them alike, and two categories of which one goes with a number."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(count, 1)), rng.normal(size=(count, 5))
    numbers = 0.1 * own + common * [1, 1, 1, 0, 0]
    numbers[:, 4] = 0.0
    numbers[rng.random(count) < 0.1, 3] = np.nan
    codes = np.stack([1 + (common[:, 0] > 0), rng.integers(0, 2, count)], axis=1)
    return np.concatenate((numbers, codes), axis=1).astype(np.float32)


def distances(model: TableDistance, rows: Floats) -> Floats:
    numeric, codes = torch.from_numpy(rows[:, :5]), torch.from_numpy(rows[:, 5:].astype(np.int64))
    return np.asarray(model.distances(numeric, codes).numpy(), np.float32)


@pytest.fixture(scope="module")
def fitted() -> TableDistance:
    return TableDistance.fit(table(3000, 0), SIZES, SCALING)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.__setitem__(0, row[0] + 1.0),  # breaks the bond of three numbers
        lambda row: row.__setitem__(4, 0.5),  # moves what has never moved
        lambda row: row.__setitem__(5, 3 - row[5]),  # a category that does not go with a number
        lambda row: row.__setitem__(5, 3),  # a value that was never seen
        lambda row: row.__setitem__(6, 2),
    ],
)
def test_what_the_site_has_not_seen_is_farther_than_its_own_records(
    fitted: TableDistance, change: Callable[[Floats], None]
) -> None:
    usual = table(300, 1)
    odd = usual.copy()
    for row in odd:
        change(row)
    assert np.median(distances(fitted, odd)) > np.quantile(distances(fitted, usual), 0.9)


def test_it_is_the_mahalanobis_distance_where_there_are_many_records() -> None:
    rows = table(50_000, 2)[:, :3]
    made = TableDistance.fit(rows, (), SCALING[:, :3])
    offset = rows[:100].astype(np.float64) - rows.mean(0)
    inverse = np.linalg.inv(np.cov(rows.astype(np.float64).T))
    exact = np.sqrt(np.einsum("ni,ij,nj->n", offset, inverse, offset))
    found = made.distances(torch.from_numpy(rows[:100]), torch.zeros(100, 0, dtype=torch.int64))
    assert found.numpy() == pytest.approx(exact, rel=0.02)


def test_the_median_record_adds_nothing_and_the_highest_thousandth_one_unit(
    fitted: TableDistance,
) -> None:
    rows = table(3000, 0)
    numeric, codes = torch.from_numpy(rows[:, :5]), torch.from_numpy(rows[:, 5:].astype(np.int64))
    added = fitted(numeric, codes)
    assert float(added.median()) == pytest.approx(0.0, abs=1e-2)
    assert float(added.quantile(0.999)) == pytest.approx(WEIGHT, abs=1e-2)


def test_the_same_records_give_the_same_distance(fitted: TableDistance) -> None:
    again = TableDistance.fit(table(3000, 0), SIZES, SCALING)
    assert all(
        torch.equal(one, other)
        for one, other in zip(fitted.buffers(), again.buffers(), strict=True)
    )


EXTREMES = st.sampled_from([np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 1e-45, 0.0, 1.0])


@settings(max_examples=30, deadline=None)
@given(st.lists(EXTREMES, min_size=5, max_size=5), st.integers(0, 3), st.integers(0, 2))
def test_no_value_gives_anything_but_a_finite_distance(
    numbers: list[float], first: int, second: int
) -> None:
    model = TableDistance.fit(table(500, 0), SIZES, SCALING)
    row = np.array([[*numbers, first, second]], np.float32)
    assert np.isfinite(distances(model, row)).all()
    credited = model.credits(torch.from_numpy(row[:, :5]), torch.tensor([[first, second]]))
    assert torch.isfinite(credited).all()


def test_missing_values_and_few_or_equal_records_can_be_fitted_to() -> None:
    nothing = np.full((40, 7), np.nan, np.float32)
    nothing[:, 5:] = 0.0
    for rows in (nothing, table(40, 3)[:2]):
        made = TableDistance.fit(rows, SIZES, SCALING)
        assert np.isfinite(distances(made, table(50, 4))).all()
    with pytest.raises(ValueError, match="two benign records"):
        TableDistance.fit(table(1, 0), SIZES, SCALING)


def test_credits_add_up_to_the_distance_in_its_unit(fitted: TableDistance) -> None:
    rows = table(200, 5)
    numeric, codes = torch.from_numpy(rows[:, :5]), torch.from_numpy(rows[:, 5:].astype(np.int64))
    whole = fitted.credits(numeric, codes).sum(1).numpy()
    assert whole == pytest.approx(
        WEIGHT * distances(fitted, rows) / float(fitted.unit), rel=1e-3, abs=1e-4
    )


def test_the_field_that_is_odd_is_credited_most(fitted: TableDistance) -> None:
    rows = table(50, 6)
    rows[:, 4] = 6.0
    numeric, codes = torch.from_numpy(rows[:, :5]), torch.from_numpy(rows[:, 5:].astype(np.int64))
    assert (fitted.credits(numeric, codes).argmax(1) == 4).all()


@pytest.fixture(scope="module")
def own(bundle: Bundle, make_features: MakeFeatures) -> TableDistance:
    model = bundle.model
    return TableDistance.fit(
        table_of(make_features(3000, seed=20)),
        model.config.layouts["http"].categories,
        scaling_of(model.encoder.stem("http")),
    )


def calibration(bundle: Bundle, distance: TableDistance | None) -> SiteCalibration:
    return SiteCalibration(
        kind="http",
        bundle=bundle.digest,
        thresholds={"injection": 0.75},
        novelty_alpha=0.002,
        conformal=ConformalCalibration([0.0]),
        records=1,
        days=1.0,
        false_alarm_rate=0.0,
        false_alarm_bound=1.0,
        confidence=0.95,
        alerts_per_day=50.0,
        expected_alerts_per_day=0.0,
        distance=distance,
    )


def test_a_saved_distance_gives_the_same_novelty(
    bundle: Bundle, own: TableDistance, make_features: MakeFeatures, tmp_path: Path
) -> None:
    calibration(bundle, own).save(tmp_path)
    records = make_features(200, seed=21)
    plain = Detector(bundle).score(records)
    kept = Detector(bundle, site=load_site(tmp_path)).score(records)
    given_it = Detector(bundle, distances={"http": own}).score(records)
    assert np.array_equal(kept.novelty, given_it.novelty)
    assert not np.allclose(kept.novelty, plain.novelty)
    assert np.array_equal(kept.family_scores, plain.family_scores)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40))
def test_the_batch_changes_no_novelty(
    bundle: Bundle, own: TableDistance, make_features: MakeFeatures, count: int
) -> None:
    detector = Detector(bundle, distances={"http": own})
    whole = detector.score(make_features(1500, seed=22)).novelty
    part = detector.score(
        take(make_features(1500, seed=22), np.arange(count, dtype=np.int64))
    ).novelty
    assert np.array_equal(whole[:count], part)


def test_p_values_keep_their_promise_and_far_records_have_small_ones(
    bundle: Bundle, own: TableDistance, make_features: MakeFeatures
) -> None:
    detector = Detector(bundle, distances={"http": own})
    others = ConformalCalibration(detector.score(make_features(3000, seed=24)).novelty)
    p_values = others.p_values(detector.score(make_features(3000, seed=25)).novelty)
    for alpha in (0.1, 0.02, 0.005):
        assert (p_values <= alpha).mean() <= alpha + 4.0 * np.sqrt(2.0 * alpha / 3000)
    numeric = make_features(100, seed=26).numeric
    odd = replace(make_features(100, seed=26), numeric=numeric + 5.0)
    assert np.median(others.p_values(detector.score(odd).novelty)) < 0.001


def test_records_that_were_fitted_to_have_no_say_in_p_values() -> None:
    novelty = np.array([1.0, 2.0, 9.0, 9.0], np.float32)
    seen = SiteObservations(
        np.zeros((4, 1), np.float32), novelty, np.arange(4), np.arange(4), novelty > 5.0
    )
    assert seen.conformal().scores.tolist() == [1.0, 2.0]
    assert seen.only(novelty > 1.0).conformal().scores.tolist() == [2.0]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("unit"),
        lambda d: d.update(unit=0.0),
        lambda d: d.update(middle=None),
        lambda d: d.update(sizes=[3, -3]),
        lambda d: d.update(sizes=[10**9]),
        lambda d: d.update(sizes="many"),
        lambda d: d["mean"].pop(),
        lambda d: d["numeric"][0].append(1.0),
        lambda d: d["categorical"].pop(),
        lambda d: d["numeric"][0].__setitem__(0, 1e39),
        lambda d: d.clear(),
    ],
)
def test_a_damaged_distance_is_refused(
    bundle: Bundle, own: TableDistance, tmp_path: Path, change: Callable[[dict[str, object]], None]
) -> None:
    path = calibration(bundle, own).save(tmp_path)
    content = orjson.loads(path.read_bytes())
    change(content["distance"])
    path.write_bytes(orjson.dumps(content))
    with pytest.raises(StateError, match="run 'enricher calibrate' again"):
        load_site(tmp_path)


def test_a_distance_for_other_features_is_refused(bundle: Bundle) -> None:
    other = TableDistance.fit(table(50, 0), SIZES, SCALING)
    with pytest.raises(StateError, match="run 'enricher calibrate' again"):
        Detector(bundle, site={"http": calibration(bundle, other)})


def test_the_novelty_is_explained_by_what_the_site_has_not_seen(
    bundle: Bundle, own: TableDistance, make_features: MakeFeatures
) -> None:
    records = make_features(30, seed=23)
    numeric = records.numeric.copy()
    place = int(np.nanargmin(np.nanstd(numeric, axis=0)))
    numeric[:, place] = 1e9
    odd = replace(records, numeric=numeric)
    name = bundle.specs["http"].numeric[place].name
    rows: npt.NDArray[np.int64] = np.arange(30)
    reasons = Detector(bundle, distances={"http": own}).explain(odd, rows, None)
    assert np.mean([name in {reason.feature for reason in why} for why in reasons]) > 0.9
