"""An analyst's word on an alert of the service changes the next decision, and can be taken back."""

from __future__ import annotations

import json
import pwd
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from enricher.config import Settings, load_settings
from enricher.errors import InputError, StateError
from enricher.families.feedback import FeedbackStore, Word
from enricher.families.kept import load_support
from enricher.families.store import FamilyStore
from enricher.pipeline.adapting import AdaptRequest, adapt_from_logs, site_banks
from enricher.pipeline.calibration import calibrate_paths
from enricher.pipeline.feedback import FeedbackRequest, give_feedback
from enricher.pipeline.feedback_teaching import FeedbackOutcome
from enricher.pipeline.live.loading import load_detector, stamp
from enricher.pipeline.live.service import Service
from enricher.pipeline.scan import ScanRequest, scan
from enricher.report.progress import Progress, progress
from enricher.report.summary import ScanSummary
from enricher.simulate import generate

Alerts = dict[str, dict[str, Any]]
Events = Callable[[Path], list[dict[str, Any]]]
FAMILY = "guess"


def bar(size: int, label: str) -> AbstractContextManager[Progress]:
    return progress(size, label=label, quiet=True)


def settings_at(state: Path, *changes: str) -> Settings:
    return load_settings(None, {}, [f"state={state}", *changes]).settings


def uids(folder: Path, kind: str, family: str) -> list[str]:
    lines = (folder / f"{kind}.log").read_text().splitlines()
    return [one.split("\t")[1] for one in lines if one.split("\t")[-1] == family]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    families = ["ssh-bruteforce", "dns-tunnel", "sql-injection"]
    generate(folder / "today", seed=11, hours=1, hosts=8, families=families)
    later = 1_767_600_000.0 + 86_400
    generate(folder / "tomorrow", seed=11, hours=1, hosts=8, families=families, start=later)
    generate(folder / "ordinary", seed=11, hours=3, hosts=8, families=[])
    return folder


@pytest.fixture(scope="module")
def served(world: Path) -> Path:
    """The state of a calibrated site with one family whose service has read a day."""
    state = world / "state"
    calibrate_paths([world / "ordinary"], settings_at(state), bar)
    one = uids(world / "today", "http", "sql-injection")[-1:]
    adapt_from_logs(
        AdaptRequest(FAMILY, [world / "today" / "http.log"], uids=one), settings_at(state), bar
    )
    config = world / "enricher.yaml"
    config.write_text(json.dumps({
        "state": str(state), "inputs": [{"path": str(world / "today")}],
        "outputs": {"eve": str(world / "eve.json")},
    }))  # fmt: skip
    Service(lambda: load_settings(config, {}, []).settings).run(once=True)
    return state


@pytest.fixture
def settings(served: Path, tmp_path: Path) -> Settings:
    """A copy of that state, for one test alone."""
    return settings_at(Path(shutil.copytree(served, tmp_path / "state")))


@pytest.fixture(scope="module")
def alerts(served: Path) -> Alerts:
    """What the service has written, by id."""
    lines = (served.parent / "eve.json").read_bytes().splitlines()
    events = [json.loads(line) for line in lines]
    return {event["alert"]["metadata"]["alert_id"][0]: event for event in events}


def one_of(alerts: Alerts, family: str) -> str:
    return next(name for name, one in alerts.items() if family_of(one) == family)


def family_of(event: dict[str, Any]) -> str:
    (family,) = event["alert"]["metadata"]["family"]
    return str(family)


def say(settings: Settings, alert: str, word: Word, family: str | None = None) -> FeedbackOutcome:
    return give_feedback(FeedbackRequest(alert, word, family, "because"), settings)


def scanned(settings: Settings, logs: Path, out: Path) -> tuple[pl.DataFrame, ScanSummary]:
    summary = scan(ScanRequest([logs], out, scores=True), settings, bar)
    return pl.read_parquet(out / "scores.parquet"), summary


def flagged(scores: pl.DataFrame, family: str) -> set[str]:
    return set(scores.filter(pl.col("family") == family)["uid"])


def test_a_false_alarm_is_gone_from_the_next_scan_and_the_others_of_its_family_stay(
    settings: Settings, world: Path, tmp_path: Path, alerts: Alerts, read_events: Events
) -> None:
    counts = Counter(map(family_of, alerts.values()))
    family = next(name for name, count in counts.items() if count > 1 and name != "unknown")
    chosen = one_of(alerts, family)
    before, summary = scanned(settings, world / "today", tmp_path / "before")
    assert not [note for note in summary.notes if "analysts" in note.text]
    outcome = say(settings, chosen, "false-positive")
    assert outcome.changed
    assert outcome.notes == []
    after, summary = scanned(settings, world / "today", tmp_path / "after")
    first, then = (
        {event["alert"]["metadata"]["alert_id"][0] for event in read_events(tmp_path / name)}
        for name in ("before", "after")
    )
    assert first - then == {chosen}
    assert then <= first
    assert flagged(after, family) < flagged(before, family)
    assert [note for note in summary.notes if "feedback --list" in note.text]


def test_a_correction_does_not_blind_the_detector_to_the_family(
    settings: Settings, world: Path, tmp_path: Path, alerts: Alerts
) -> None:
    wanted = set(uids(world / "tomorrow", "conn", "ssh-bruteforce"))
    before, _ = scanned(settings, world / "tomorrow", tmp_path / "before")
    say(settings, one_of(alerts, "ssh-bruteforce"), "true-positive")
    false = [name for name, one in alerts.items() if family_of(one) in {"unknown", "beaconing"}]
    for name in false:
        say(settings, name, "false-positive")
    after, _ = scanned(settings, world / "tomorrow", tmp_path / "after")
    found = flagged(before, "ssh-bruteforce") & wanted
    assert found
    assert flagged(after, "ssh-bruteforce") & wanted == found


def test_a_true_positive_begins_a_family_that_finds_others_like_it(
    settings: Settings, world: Path, tmp_path: Path, alerts: Alerts
) -> None:
    alert = one_of(alerts, "ssh-bruteforce")
    outcome = say(settings, alert, "true-positive", "mine")
    assert [one.family.name for one in outcome.adapted] == ["mine"]
    assert FeedbackStore(settings.state).all()[0].taught == "mine"
    scores, _ = scanned(settings, world / "tomorrow", tmp_path / "out")
    figures = FamilyStore(settings.state).get("mine").kinds["conn"]
    assert (figures.shots, figures.context) == (1, True)
    wanted = set(uids(world / "tomorrow", "conn", "ssh-bruteforce"))
    found = scores.filter((pl.col("log") == "conn") & (pl.col("family:mine") >= figures.threshold))
    assert len(set(found["uid"]) & wanted) >= 0.5 * len(wanted)


def test_a_true_positive_of_a_family_of_the_site_is_added_once_and_raises_its_recall(
    settings: Settings, world: Path, tmp_path: Path, alerts: Alerts
) -> None:
    store, alert = FamilyStore(settings.state), one_of(alerts, "ssh-bruteforce")
    played = {"http": "sql-injection", "conn": "ssh-bruteforce"}

    def recall(name: str) -> dict[str, float]:
        scores, _ = scanned(settings, world / "tomorrow", tmp_path / name)
        shares = {}
        for kind, family in played.items():
            wanted = set(uids(world / "tomorrow", kind, family))
            own = scores.filter((pl.col("log") == kind) & pl.col("uid").is_in(list(wanted)))
            kinds = {str(k): one.threshold for k, one in store.get(FAMILY).kinds.items()}
            threshold = kinds.get(kind, 2.0)
            shares[kind] = int((own[f"family:{FAMILY}"] >= threshold).sum()) / len(own)
        return shares

    before = recall("before")
    for changed in (True, False):
        assert say(settings, alert, "true-positive", FAMILY).changed is changed
        assert store.get(FAMILY).shots == 2
    after = recall("after")
    assert before["conn"] == 0.0
    assert after["conn"] >= 0.5
    assert after["http"] == before["http"]
    kept = load_support(store, FAMILY)
    assert kept is not None
    assert kept.sets["conn"].uids == tuple(alerts[alert]["alert"]["metadata"]["zeek_uid"])


def test_more_records_of_a_kind_are_learned_too(
    settings: Settings, world: Path, alerts: Alerts
) -> None:
    support = uids(world / "today", "conn", "ssh-bruteforce")[-3:]
    adapt_from_logs(
        AdaptRequest("mine", [world / "today" / "conn.log"], uids=support), settings, bar
    )
    store, alert = FamilyStore(settings.state), one_of(alerts, "ssh-bruteforce")
    say(settings, alert, "true-positive", "mine")
    assert store.get("mine").kinds["conn"].shots == 4
    outcome = say(settings, alert, "true-positive", "other")
    assert [one.family.name for one in outcome.adapted] == ["mine", "other"]
    assert store.get("mine").kinds["conn"].shots == 3


def test_the_opposite_word_undoes_the_first(settings: Settings, alerts: Alerts) -> None:
    store, alert = FamilyStore(settings.state), one_of(alerts, "ssh-bruteforce")
    say(settings, alert, "true-positive", "mine")
    outcome = say(settings, alert, "false-positive")
    assert outcome.replaced
    assert outcome.forgotten == ["mine"]
    assert [family.name for family in store.families()] == [FAMILY]
    loaded = load_detector(settings)
    assert loaded.detector.corrections["conn"].families == ("ssh-bruteforce",)
    assert loaded.false_alarms == {alert}
    with_it = len(site_banks(settings.state, loaded.detector, ["conn"])["conn"])
    say(settings, alert, "true-positive")
    loaded = load_detector(settings)
    assert loaded.detector.corrections == {}
    assert loaded.false_alarms == frozenset()
    assert len(site_banks(settings.state, loaded.detector, ["conn"])["conn"]) == with_it - 1


def test_a_family_of_the_model_is_only_noted(settings: Settings, alerts: Alerts) -> None:
    outcome = say(settings, one_of(alerts, "ssh-bruteforce"), "true-positive")
    assert outcome.adapted == []
    (said,) = FeedbackStore(settings.state).all()
    assert (said.verdict, said.taught, said.reason) == ("true-positive", None, "because")
    assert pwd.getpwnam(said.author)
    assert load_detector(settings).detector.corrections == {}


def test_an_unknown_record_needs_a_family_to_be_right(settings: Settings, alerts: Alerts) -> None:
    alert = one_of(alerts, "unknown")
    with pytest.raises(InputError, match="--family NAME"):
        say(settings, alert, "true-positive")
    assert FeedbackStore(settings.state).all() == []
    assert say(settings, alert, "true-positive", "mine").feedback.taught == "mine"


def test_a_running_service_can_see_every_word(settings: Settings, alerts: Alerts) -> None:
    alert, stamps = one_of(alerts, "ssh-bruteforce"), {stamp(settings.state)}
    words: tuple[tuple[Word, str | None], ...] = (
        ("false-positive", None), ("true-positive", "mine"), ("true-positive", None),
    )  # fmt: skip
    for word, family in words[:2]:
        say(settings, alert, word, family)
        stamps.add(stamp(settings.state))
    assert len(stamps) == 3
    load_detector(settings)
    assert not say(settings, alert, *words[2]).changed


def test_a_false_alarm_that_is_a_known_attack_changes_nothing_and_says_so(
    settings: Settings, world: Path, tmp_path: Path, alerts: Alerts
) -> None:
    alert = one_of(alerts, "ssh-bruteforce")
    say(settings, alert, "true-positive", "mine")
    support = load_support(FamilyStore(settings.state), "mine")
    assert support is not None
    say(settings, alert, "true-positive", "other")  # taken from "mine"
    adapt_from_logs(
        AdaptRequest("mine", [world / "today" / "conn.log"], uids=support.sets["conn"].uids),
        settings,
        bar,
    )
    outcome = say(settings, alert, "false-positive")
    assert "known to be of an attack" in " ".join(outcome.notes)
    _, summary = scanned(settings, world / "today", tmp_path / "out")
    assert [note for note in summary.notes if "look which of the two is right" in note.text]


@pytest.mark.parametrize(
    "alert", ["", "x' OR 1=1 --", "\x1b[31m", "0" * 16, "../../etc", "A" * 10_000, "\ud800"]
)
def test_an_alert_that_is_not_there_is_named_harmlessly(settings: Settings, alert: str) -> None:
    with pytest.raises(InputError) as refused:
        say(settings, alert, "false-positive")
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 1000
    assert FeedbackStore(settings.state).all() == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", "{}"), ("event", "no json"), ("event", '{"alert":{"metadata":{"family":[7]}}}'),
        ("event", '{"alert":{"metadata":{"family":["a\\u001b[31m"]}}}'),
        ("evidence", b"\x08\x00\x00\x00\x00\x00\x00\x00"), ("evidence", b"no record"),
    ],
)  # fmt: skip
def test_what_the_service_kept_is_not_believed_where_it_is_damaged(
    settings: Settings, alerts: Alerts, column: str, value: str | bytes
) -> None:
    path = settings.state / "service" / "service.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"UPDATE alerts SET {column} = ?", (value,))  # noqa: S608
    with pytest.raises(StateError, match="enricher adapt"):
        say(settings, next(iter(alerts)), "false-positive")
    assert FeedbackStore(settings.state).all() == []


def test_feedback_kept_for_another_model_is_ignored_and_a_scan_says_so(
    settings: Settings, world: Path, tmp_path: Path, alerts: Alerts
) -> None:
    alert = one_of(alerts, "ssh-bruteforce")
    say(settings, alert, "false-positive")
    with closing(sqlite3.connect(settings.state / "enricher.db", isolation_level=None)) as database:
        database.execute("UPDATE feedback SET evidence = ?", (b"of another version",))
    loaded = load_detector(settings)
    assert loaded.detector.corrections == {}
    _, summary = scanned(settings, world / "today", tmp_path / "out")
    assert [note for note in summary.notes if "another model or version" in note.text]
    with pytest.raises(InputError, match="another model or version"):
        say(settings, alert, "true-positive")
