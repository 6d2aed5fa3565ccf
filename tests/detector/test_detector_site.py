"""A site's calibration keeps to its budget, leaves contamination out, and says what it promises."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.detector.budget import channel, common_level
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.site import SiteCalibration, load_site
from enricher.detector.site_fit import SiteBudget, SiteObservations, calibrate_site
from enricher.detector.thresholds import Thresholds
from enricher.detector.trimming import contaminated_sources
from enricher.errors import StateError
from enricher.logs import Kind

FAMILIES = ("scan", "tunnel", "absent")
DEFAULTS = Thresholds(FAMILIES, np.array([0.9, 0.8, 2.0], dtype=np.float32), 0.001)


def benign(records: int, seed: int = 0, hosts: int = 40) -> SiteObservations:
    """Scores that are mostly low, with a few high ones anywhere."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(0.3, 8.0, size=(records, len(FAMILIES))).astype(np.float32)
    scores[:, 2] = 0.0
    return SiteObservations(
        family_scores=scores,
        novelty=rng.gamma(4.0, 0.25, size=records).astype(np.float32),
        source=np.array([f"10.0.0.{i}" for i in rng.integers(0, hosts, size=records)]),
        window=np.sort(rng.integers(0, 24, size=records)).astype(np.int64),
    )


def fit(
    observations: dict[Kind, SiteObservations], budget: SiteBudget
) -> dict[Kind, SiteCalibration]:
    defaults = dict.fromkeys(observations, DEFAULTS)
    return calibrate_site(observations, defaults, bundle="abc", budget=budget)


def grouped_alerts(calibration: SiteCalibration, seen: SiteObservations) -> int:
    """Alerts (source, family, window) that the calibrated bounds raise on some records."""
    groups: set[tuple[str, str, int]] = set()
    p_values = calibration.conformal.p_values(seen.novelty)
    for row in range(len(seen)):
        place = (str(seen.source[row]), int(seen.window[row]))
        hit = [
            name
            for name, score in zip(FAMILIES, seen.family_scores[row], strict=True)
            if score >= np.float32(calibration.thresholds[name])
        ]
        if p_values[row] <= calibration.novelty_alpha:
            hit.append("unknown")
        groups |= {(place[0], name, place[1]) for name in hit}
    return len(groups)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([4.0, 10.0, 50.0]), st.integers(200, 4000))
def test_what_it_was_made_from_raises_no_more_alerts_than_expected_and_budgeted(
    seed: int, alerts: float, records: int
) -> None:
    seen: dict[Kind, SiteObservations] = {
        "conn": benign(records, seed),
        "dns": benign(records // 2, seed + 1),
    }
    made = fit(seen, SiteBudget(alerts, days=1.0, max_trimmed=0.0))
    raised = sum(grouped_alerts(made[kind], seen[kind]) for kind in seen)
    assert raised <= sum(c.expected_alerts_per_day for c in made.values()) + 1e-6
    assert raised <= alerts


def test_the_next_days_stay_under_the_budget() -> None:
    made = fit({"conn": benign(20_000)}, SiteBudget(20.0, days=1.0))["conn"]
    raised = [grouped_alerts(made, benign(20_000, seed)) for seed in range(1, 9)]
    assert np.mean(raised) <= 20.0
    assert np.mean(raised) >= 2.0
    assert made.expected_alerts_per_day <= 20.0


def test_the_promised_rate_holds_for_the_next_records() -> None:
    made = fit({"conn": benign(20_000)}, SiteBudget(1000.0, days=1.0))["conn"]
    new = benign(50_000, 3)
    thresholds = np.array([made.thresholds[name] for name in FAMILIES], dtype=np.float32)
    flagged = (new.family_scores >= thresholds).any(axis=1)
    flagged |= made.conformal.p_values(new.novelty) <= made.novelty_alpha
    assert flagged.mean() <= made.false_alarm_bound
    assert flagged.mean() == pytest.approx(made.false_alarm_rate, rel=0.5)
    assert made.false_alarm_rate < made.false_alarm_bound


def test_a_larger_budget_never_makes_it_stricter() -> None:
    seen: dict[Kind, SiteObservations] = {"conn": benign(5000)}
    strict, loose = (fit(seen, SiteBudget(a, days=1.0))["conn"] for a in (5.0, 200.0))
    assert all(loose.thresholds[n] <= strict.thresholds[n] for n in FAMILIES)
    assert loose.novelty_alpha >= strict.novelty_alpha


def test_no_threshold_falls_below_one_half_and_what_is_off_stays_off() -> None:
    seen = benign(5000)
    quiet = replace(seen, family_scores=seen.family_scores * np.float32(0.01))
    made = fit({"conn": quiet}, SiteBudget(50.0, days=1.0))["conn"]
    assert made.thresholds["scan"] == pytest.approx(0.5)
    assert made.thresholds["absent"] == pytest.approx(2.0)


def test_few_records_keep_the_defaults_and_say_so() -> None:
    made = fit({"conn": benign(100)}, SiteBudget(50.0, days=1.0))["conn"]
    assert made.thresholds["scan"] >= np.float32(0.9)
    assert made.novelty_alpha == 0.0
    assert "100 conn records are too few" in made.notes[0]


def test_a_budget_that_can_not_be_kept_is_said() -> None:
    made = fit({"conn": benign(20_000)}, SiteBudget(0.5, days=1.0))["conn"]
    assert any("over the budget of 0.5" in note for note in made.notes)


def contaminated(records: int = 20_000) -> SiteObservations:
    seen = benign(records)
    source = seen.source.astype("<U16")
    scores = seen.family_scores.copy()
    rows = np.arange(1000, 1000 + records // 100)
    source[rows] = "10.9.9.9"
    scores[rows, 0] = 0.99
    return replace(seen, family_scores=scores, source=source)


def test_a_source_that_owns_the_tail_is_left_out_and_named() -> None:
    made = fit({"conn": contaminated()}, SiteBudget(50.0, days=1.0))["conn"]
    assert made.trimmed_sources == ("10.9.9.9",)
    assert made.trimmed_records == 200
    assert made.records == 20_000 - 200
    assert made.thresholds["scan"] < 0.95
    kept = fit({"conn": contaminated()}, SiteBudget(50.0, days=1.0, max_trimmed=0.0))["conn"]
    assert kept.trimmed_sources == ()


def test_clean_traffic_and_a_busy_proxy_are_left_alone() -> None:
    assert fit({"conn": benign(20_000)}, SiteBudget(50.0, days=1.0))["conn"].trimmed_records == 0
    assert (
        fit({"conn": benign(9000, hosts=2)}, SiteBudget(50.0, days=1.0))["conn"].trimmed_sources
        == ()
    )


def test_no_more_than_the_bounded_share_is_left_out() -> None:
    scores = np.zeros(1000, dtype=np.float32)
    scores[:60], scores[60:80] = 1.0, 0.9
    sources = np.full(1000, 2, dtype=np.int64)
    sources[:60], sources[60:80] = 0, 1
    totals = np.bincount(sources)
    channels = [(scores, sources, 0.5)]
    assert contaminated_sources(channels, totals, 0.10).tolist() == [0]
    assert contaminated_sources(channels, totals, 0.02).tolist() == []


def test_nothing_observed_calibrates_nothing() -> None:
    assert fit({}, SiteBudget(50.0, days=1.0)) == {}
    assert fit({"conn": benign(0)}, SiteBudget(50.0, days=1.0)) == {}


@pytest.mark.parametrize(("alerts", "days"), [(0.0, 1.0), (5.0, 0.0), (-1.0, 1.0)])
def test_a_budget_must_be_positive(alerts: float, days: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        SiteBudget(alerts, days)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0, 1, width=32)), max_size=40
    ),
    st.floats(0, 1, width=32),
)
def test_peaks_are_the_highest_scores_of_the_groups(
    rows: list[tuple[int, int, float]], floor: float
) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    found = channel(
        np.array(columns[2], dtype=np.float32),
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.int64),
        floor,
    )
    peaks: dict[tuple[int, int], float] = {}
    for source, window, score in rows:
        if score >= floor:
            peaks[source, window] = max(score, peaks.get((source, window), 0.0))
    assert found.peaks.tolist() == sorted(peaks.values(), reverse=True)
    for level in range(len(peaks) + 1):
        passing = int((found.peaks >= np.float32(found.threshold(level))).sum())
        assert passing <= level


def test_the_common_level_is_the_highest_that_fits() -> None:
    ones: npt.NDArray[np.int64] = np.arange(100, dtype=np.int64)
    noisy = channel(np.linspace(0.6, 1, 100, dtype=np.float32), ones, ones, 0.5)
    quiet = channel(np.linspace(0.6, 1, 3, dtype=np.float32), ones[:3], ones[:3], 0.5)
    level = common_level([noisy, quiet], 20.0)
    assert noisy.alerts(level) + quiet.alerts(level) == 20
    assert quiet.alerts(level) == 3
    assert common_level([noisy, quiet], 1e9) == 100
    assert common_level([], 5.0) == 0


def saved(state: Path) -> tuple[SiteCalibration, Path]:
    made = fit({"conn": contaminated()}, SiteBudget(50.0, days=1.0))["conn"]
    return made, made.save(state)


def test_a_saved_calibration_comes_back(tmp_path: Path) -> None:
    made, path = saved(tmp_path)
    assert path == tmp_path / "calibration" / "conn.json"
    back = load_site(tmp_path)["conn"]
    assert np.array_equal(back.conformal.scores, made.conformal.scores)
    assert replace(back, conformal=made.conformal) == made
    assert [p.name for p in path.parent.iterdir()] == ["conn.json"]


def test_a_state_without_calibration_is_empty(tmp_path: Path) -> None:
    assert load_site(tmp_path) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(format=1),
        lambda c: c.pop("bundle"),
        lambda c: c.update(kind="smtp"),
        lambda c: c.update(novelty_alpha=None),
        lambda c: c.update(thresholds=[0.5]),
        lambda c: c.update(thresholds={"scan": "high"}),
        lambda c: c.update(conformal=[1.0, None]),
        lambda c: c.update(days=1e999),
    ],
)
def test_a_calibration_that_does_not_fit_is_refused(tmp_path: Path, change: object) -> None:
    _, path = saved(tmp_path)
    content = json.loads(path.read_bytes())
    assert callable(change)
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(StateError, match="run 'enricher calibrate' again"):
        load_site(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    _, path = saved(tmp_path)
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"conn\.json"):
        load_site(tmp_path)


def test_a_state_that_can_not_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "calibration").write_text("in the way")
    made = replace(saved(tmp_path / "other")[0], conformal=ConformalCalibration([]))
    with pytest.raises(StateError, match="cannot be written"):
        made.save(tmp_path)
