"""Families that nobody has named: found in logs, then named or dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl
import pytest

from enricher.config import Settings, load_settings
from enricher.detector.detector import Detector
from enricher.errors import InputError
from enricher.families.discovery.figures import Discovery
from enricher.families.discovery.store import DiscoveryStore
from enricher.families.feedback import FeedbackStore
from enricher.families.store import FamilyStore
from enricher.pipeline.adapting import site_banks
from enricher.pipeline.calibration import calibrate_paths
from enricher.pipeline.discovering import DiscoverOutcome, discover
from enricher.pipeline.discovery_settling import dismiss_discovery, name_discovery
from enricher.pipeline.scan import ScanRequest, scan
from enricher.report.progress import Progress, progress
from enricher.simulate import generate

START = 1_767_600_000.0
FIELDS = [
    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service",
    "duration", "orig_bytes", "resp_bytes", "conn_state", "missed_bytes", "history", "orig_pkts",
    "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
]  # fmt: skip


def bar(size: int, label: str) -> AbstractContextManager[Progress]:
    return progress(size, label=label, quiet=True)


def write_conn(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    head = ["#separator \\x09", "#unset_field\t-", "#path\tconn", "#fields\t" + "\t".join(FIELDS)]
    lines = ["\t".join(map(str, row)) for row in rows]
    path.write_text("\n".join([*head, *lines]) + "\n")
    return path


def plant(path: Path, count: int, start: float = START) -> Path:
    """Controllers of a plant that nobody has seen here, every nine seconds or so."""
    rows = [
        (start + 9.0 * n, f"CPlant{n:05}", f"10.9.0.{n % 2 + 1}", 1024 + n, "10.9.1.1", 20000,
         "tcp", "dnp3_tcp", 1.5 + 0.01 * (n % 5), 2000 + n % 7, 300 + n % 3, "OTH", 0, "^hDdAa",
         30, 3600, 25, 1400)
        for n in range(count)
    ]  # fmt: skip
    return write_conn(path, rows)


def screens(path: Path, count: int, start: float = START) -> Path:
    """Screens that are copied in bulk: far from the plant, and from all else."""
    rows = [
        (start + 3.0 * n, f"CScreen{n:05}", "172.31.7.7", 40_000 + n, f"172.31.9.{n % 3}", 5900,
         "tcp", "rfb", 60.0 + n % 4, 90_000 + n % 5, 900_000_000 + n, "RSTRH", 0, "^hCadDTtr",
         20_000, 146, 800_000, 922_400_000)
        for n in range(count)
    ]  # fmt: skip
    return write_conn(path, rows)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's ordinary traffic, a later hour of it, and a state that knows the former."""
    folder = tmp_path_factory.mktemp("world")
    generate(folder / "ordinary", seed=11, hours=4, hosts=8, families=[])
    generate(folder / "later", seed=11, hours=1, hosts=8, families=[], start=START + 86_400.0)
    (folder / "later" / "conn.log").rename(folder / "later.log")
    plant(folder / "half.log", 30)
    plant(folder / "plant.log", 60)
    screens(folder / "screens.log", 40)
    calibrate_paths([folder / "ordinary"], settings_at(folder / "state"), bar)
    return folder


def settings_at(state: Path) -> Settings:
    return load_settings(None, {}, [f"state={state}", "alerts.per_day=1000"]).settings


@pytest.fixture
def settings(world: Path, tmp_path: Path) -> Settings:
    """A copy of that state, for one test alone."""
    state = tmp_path / "state"
    (state / "calibration").mkdir(parents=True)
    for path in (world / "state" / "calibration").iterdir():
        (state / "calibration" / path.name).write_bytes(path.read_bytes())
    return settings_at(state)


def found_in(outcome: DiscoverOutcome, log: Path) -> Discovery:
    """The one family that was discovered in a file, and in no other."""
    logs = {
        one.id: {exemplar.origin.rpartition(":")[0] for exemplar in one.figures.exemplars}
        for one in outcome.found
    }
    (found,) = [one for one in outcome.found if logs[one.id] == {str(log)}]
    return found


def verdicts(settings: Settings, logs: Sequence[Path], out: Path) -> pl.DataFrame:
    scan(ScanRequest(logs, out, scores=True), settings, bar)
    return pl.read_parquet(out / "scores.parquet")


def discovered(settings: Settings, *logs: Path) -> DiscoverOutcome:
    return discover(logs, settings, bar)


def test_each_family_is_a_discovery_of_its_own_and_the_ordinary_is_none(
    world: Path, settings: Settings
) -> None:
    outcome = discovered(settings, world / "later.log", world / "plant.log", world / "screens.log")
    plants = found_in(outcome, world / "plant.log").figures
    assert len(outcome.found) == len(outcome.new) == 2
    assert (plants.kind, plants.sources.different, plants.ports.top[0].value) == (
        "conn",
        2,
        "20000",
    )
    assert 50 <= plants.records <= 60
    assert plants.first is not None
    assert plants.last is not None
    assert START <= plants.first < plants.last <= START + 9 * 60
    assert plants.interval is not None
    assert plants.interval.seconds == pytest.approx(18.0)
    assert plants.apart
    assert plants.nearest_score < plants.nearest_threshold
    assert plants.exemplars[0].fields["service"] == "dnp3_tcp"
    assert 0.0 < plants.cohesion <= 1.0


def test_ids_stay_when_more_records_of_the_same_families_come(
    world: Path, settings: Settings
) -> None:
    half = found_in(
        discovered(settings, world / "later.log", world / "half.log"), world / "half.log"
    )
    outcome = discovered(settings, world / "later.log", world / "screens.log", world / "plant.log")
    whole = found_in(outcome, world / "plant.log")
    assert whole.id == half.id
    assert whole.figures.records > half.figures.records
    assert outcome.new == {found_in(outcome, world / "screens.log").id}
    assert discovered(settings, world / "later.log", world / "half.log").new == frozenset()


def test_a_discovery_that_was_named_is_found_by_scans_under_its_name(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    outcome = discovered(settings, world / "later.log", world / "plant.log", world / "screens.log")
    one = found_in(outcome, world / "plant.log")
    named, adapted = name_discovery(one.id, "dnp3-polling", settings, why="the plant on site 9")
    assert (named.status, named.became, named.why) == (
        "named",
        "dnp3-polling",
        "the plant on site 9",
    )
    figures = adapted.family.kinds["conn"]
    assert figures.shots == one.figures.sampled
    tomorrow = plant(tmp_path / "tomorrow.log", 50, START + 86_400.0)
    scores = verdicts(settings, [world / "later.log", tomorrow], tmp_path / "out")
    flagged = scores.filter(pl.col("family:dnp3-polling") >= figures.threshold)
    mine = flagged["uid"].str.starts_with("CPlant")
    assert mine.sum() >= 45
    # Another day is not what the threshold was promised for; but nothing of it is near the family.
    assert (~mine).sum() <= 0.02 * len(scores)
    assert flagged.filter(~mine)["family:dnp3-polling"].max() < 0.5  # type: ignore[operator]
    assert flagged.filter(mine)["family:dnp3-polling"].min() > 0.9  # type: ignore[operator]
    again = discovered(settings, world / "later.log", world / "plant.log", world / "screens.log")
    assert [found.id for found in again.found] == [found_in(outcome, world / "screens.log").id]


def test_a_family_does_not_take_in_what_is_another_discovery(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    outcome = discovered(settings, world / "later.log", world / "plant.log", world / "screens.log")
    one = found_in(outcome, world / "plant.log")
    threshold = name_discovery(one.id, "dnp3-polling", settings)[1].family.kinds["conn"].threshold
    scores = verdicts(settings, [world / "later.log", world / "screens.log"], tmp_path / "out")
    others = scores.filter(pl.col("uid").str.starts_with("CScreen"))["family:dnp3-polling"]
    # The threshold is where the forests' last bits put it: a few of forty pass one of .065. What is
    # promised is that none is near the family, whose own records score above .9.
    assert (others >= threshold).mean() <= 0.15  # type: ignore[operator]
    assert others.max() < 0.5  # type: ignore[operator]


def test_a_second_discovery_adds_to_a_family_of_the_same_name(
    world: Path, settings: Settings
) -> None:
    outcome = discovered(settings, world / "later.log", world / "plant.log", world / "screens.log")
    sizes = [one.figures.sampled for one in outcome.found]
    for one in outcome.found:
        name_discovery(one.id, "both", settings)
    assert FamilyStore(settings.state).get("both").kinds["conn"].shots == sum(sizes)


def test_a_discovery_that_was_dismissed_is_not_shown_again_and_its_records_are_benign(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    logs = [world / "later.log", world / "plant.log", world / "screens.log"]
    outcome = discovered(settings, *logs)
    one = found_in(outcome, world / "plant.log")
    detector = Detector.load(None, "cpu")
    before = len(site_banks(settings.state, detector, ["conn"])["conn"])
    done = dismiss_discovery(one.id, settings, why="our plant")
    assert done.covered == 1.0
    assert 1 <= done.records <= 32
    again = discovered(settings, *logs)
    assert [found.id for found in again.found] == [found_in(outcome, world / "screens.log").id]
    tomorrow = plant(tmp_path / "tomorrow.log", 50, START + 86_400.0)
    assert not [one for one in discovered(settings, tomorrow).found if one.figures.sampled > 5]
    assert len(site_banks(settings.state, detector, ["conn"])["conn"]) == before + done.records
    said = FeedbackStore(settings.state).all()
    assert {(word.verdict, word.family) for word in said} == {("false-positive", "unknown")}
    assert all("our plant" in word.reason for word in said)


def test_a_family_that_is_forgotten_is_discovered_again_under_its_id(
    world: Path, settings: Settings
) -> None:
    logs = [world / "later.log", world / "plant.log", world / "screens.log"]
    one = found_in(discovered(settings, *logs), world / "plant.log")
    name_discovery(one.id, "dnp3-polling", settings)
    FamilyStore(settings.state).rename("dnp3-polling", "plant")
    assert DiscoveryStore(settings.state).get(one.id).became == "plant"
    FamilyStore(settings.state).forget("plant")
    again = found_in(discovered(settings, *logs), world / "plant.log")
    assert (again.id, again.status, again.became) == (one.id, "open", None)


def test_what_is_settled_is_not_settled_twice(world: Path, settings: Settings) -> None:
    outcome = discovered(settings, world / "later.log", world / "plant.log", world / "screens.log")
    first, second = (one.id for one in outcome.found)
    name_discovery(first, "a-family", settings)
    dismiss_discovery(second, settings)
    with pytest.raises(InputError, match="named 'a-family' already"):
        dismiss_discovery(first, settings)
    with pytest.raises(InputError, match="was dismissed"):
        name_discovery(second, "another", settings)
    with pytest.raises(InputError, match="no discovery d77"):
        name_discovery("d77", "another", settings)
    with pytest.raises(InputError, match="verdict"):
        name_discovery(first, "benign", settings)


def test_a_site_that_is_not_calibrated_is_told_so(world: Path, tmp_path: Path) -> None:
    outcome = discovered(settings_at(tmp_path / "none"), world / "plant.log")
    assert any("enricher calibrate" in note for note in outcome.notes)


def test_a_calibration_of_another_network_is_suspected_where_most_is_new(
    world: Path, settings: Settings
) -> None:
    strange = discovered(settings, world / "plant.log")
    assert any("of another network" in note for note in strange.notes)
    usual = discovered(settings, world / "later.log", world / "plant.log")
    assert not any("of another network" in note for note in usual.notes)
