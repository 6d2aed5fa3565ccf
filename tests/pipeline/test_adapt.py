"""From a handful of records to alerts under the family's name, from files to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from enricher.config import Settings, load_settings
from enricher.errors import InputError, StateError
from enricher.families.store import FamilyStore
from enricher.logs import Kind
from enricher.pipeline.adapting import AdaptOutcome, AdaptRequest, adapt_from_logs
from enricher.pipeline.calibration import Learned, calibrate_paths
from enricher.pipeline.scan import ScanRequest, scan
from enricher.pipeline.sharing import import_family
from enricher.report.progress import Progress, progress
from enricher.simulate import generate

Events = Callable[[Path], list[dict[str, Any]]]


def bar(size: int, label: str) -> AbstractContextManager[Progress]:
    return progress(size, label=label, quiet=True)


def records(folder: Path, kind: str, family: str) -> list[str]:
    """Lines of a simulated log that belong to a family."""
    lines = (folder / f"{kind}.log").read_text().splitlines(keepends=True)
    return [line for line in lines if line[0] != "#" and line.rstrip().split("\t")[-1] == family]


def head(folder: Path, kind: str) -> list[str]:
    lines = (folder / f"{kind}.log").read_text().splitlines(keepends=True)
    return [line for line in lines if line[0] == "#" and not line.startswith("#close")]


def cut(folder: Path, out: Path, family: str, counts: dict[str, int]) -> list[Path]:
    """Logs with some of a family's records and nothing else."""
    out.mkdir()
    for kind, count in counts.items():
        some = records(folder, kind, family)[:: max(1, len(records(folder, kind, family)) // count)]
        (out / f"{kind}.log").write_text("".join(head(folder, kind) + some[:count]))
    return [out / f"{kind}.log" for kind in counts]


def uids_of(lines: Sequence[str]) -> set[str]:
    return {line.split("\t")[1] for line in lines}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours with attacks, two later ones of the same network, and its ordinary traffic."""
    folder = tmp_path_factory.mktemp("world")
    families = ["ssh-bruteforce", "dns-tunnel", "sql-injection"]
    generate(folder / "today", seed=11, hours=1, hosts=8, families=families)
    later = 1_767_600_000.0 + 86_400
    generate(folder / "tomorrow", seed=11, hours=1, hosts=8, families=families, start=later)
    generate(folder / "ordinary", seed=11, hours=3, hosts=8, families=[])
    return folder


@pytest.fixture(scope="module")
def learned(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Learned]:
    """The state of a site that has calibrated."""
    state = tmp_path_factory.mktemp("site") / "state"
    return state, calibrate_paths([world / "ordinary"], settings_at(state), bar)


def settings_at(state: Path) -> Settings:
    return load_settings(None, {}, [f"state={state}"]).settings


@pytest.fixture
def settings(learned: tuple[Path, Learned], tmp_path: Path) -> Settings:
    """A copy of that state, for one test alone."""
    state = tmp_path / "state"
    (state / "calibration").mkdir(parents=True)
    for path in (learned[0] / "calibration").iterdir():
        (state / "calibration" / path.name).write_bytes(path.read_bytes())
    return settings_at(state)


def adapted(settings: Settings, name: str, support: Sequence[Path], **more: Any) -> AdaptOutcome:
    return adapt_from_logs(AdaptRequest(name, support, **more), settings, bar)


def scores_after(settings: Settings, logs: Path, out: Path, *changes: str) -> pl.DataFrame:
    changed = load_settings(None, {}, [f"state={settings.state}", *changes]).settings
    scan(ScanRequest([logs], out, scores=True), changed, bar)
    return pl.read_parquet(out / "scores.parquet")


def found(scores: pl.DataFrame, kind: str, name: str, threshold: float) -> set[str]:
    return set(
        scores.filter((pl.col("log") == kind) & (pl.col(f"family:{name}") >= threshold))["uid"]
    )


def test_a_family_is_found_by_five_records_cut_out_of_a_log(
    world: Path, settings: Settings, tmp_path: Path, read_events: Events
) -> None:
    support = cut(world / "today", tmp_path / "cut", "dns-tunnel", {"dns": 5})
    outcome = adapted(settings, "dns-tunnel", support)
    figures = outcome.family.kinds["dns"]
    assert (figures.shots, figures.context) == (5, False)
    assert not outcome.failed
    out = tmp_path / "out"
    scores = scores_after(settings, world / "tomorrow", out)
    wanted = uids_of(records(world / "tomorrow", "dns", "dns-tunnel"))
    got = found(scores, "dns", "dns-tunnel", figures.threshold)
    ordinary = set(scores.filter(pl.col("log") == "dns")["uid"]) - wanted
    assert len(got & wanted) >= 0.9 * len(wanted)
    assert len(got & ordinary) <= 0.02 * len(ordinary)
    event = next(e for e in read_events(out) if e["alert"]["metadata"]["family"] == ["dns-tunnel"])
    assert event["alert"]["signature"] == "ENRICHER DNS tunnel"  # the bundle's label
    exemplars = event["alert"]["metadata"]["exemplars"]
    assert 1 <= len(exemplars) <= 3
    assert all(one.startswith(f"{support[0]}:") for one in exemplars)
    assert event["alert"]["metadata"]["reasons"]


def test_a_family_without_a_label_alerts_under_its_own_name(
    world: Path, settings: Settings, tmp_path: Path, read_events: Events
) -> None:
    lines = records(world / "today", "conn", "ssh-bruteforce")
    uids = [line.split("\t")[1] for line in lines[:20]]
    outcome = adapted(settings, "käse \u2603", [world / "today"], uids=uids)
    figures = outcome.family.kinds["conn"]
    assert (figures.shots, figures.context) == (20, True)
    out = tmp_path / "out"
    scores = scores_after(
        settings, world / "tomorrow", out, "alerts.every_record=true", "alerts.per_day=100000"
    )
    wanted = uids_of(records(world / "tomorrow", "conn", "ssh-bruteforce"))
    got = found(scores, "conn", "käse \u2603", figures.threshold)
    benign = uids_of(records(world / "tomorrow", "conn", "benign"))
    assert len(got & wanted) >= 0.9 * len(wanted)
    assert len(got & benign) <= 0.01 * len(benign)
    named = [
        event["alert"]
        for event in read_events(out)
        if event["alert"]["metadata"]["family"] == ["käse \u2603"]
    ]
    for alert in named:
        assert alert["signature"] == "ENRICHER Family käse \u2603"
        assert alert["metadata"]["exemplars"]
    assert (scores["family"] == "käse \u2603").sum() == len(named)


def test_several_kinds_are_adapted_to_at_once(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    cut(world / "today", tmp_path / "one", "dns-tunnel", {"dns": 5})
    cut(world / "today", tmp_path / "two", "sql-injection", {"http": 5})
    outcome = adapted(settings, "odd", [tmp_path / "one", tmp_path / "two"])
    assert set(outcome.family.kinds) == {"dns", "http"}
    scores = scores_after(settings, world / "tomorrow", tmp_path / "out")
    played: dict[Kind, str] = {"dns": "dns-tunnel", "http": "sql-injection"}
    for kind, family in played.items():
        wanted = uids_of(records(world / "tomorrow", kind, family))
        got = found(scores, kind, "odd", outcome.family.kinds[kind].threshold)
        assert len(got & wanted) >= 0.8 * len(wanted)
    nothing = scores.filter(~pl.col("log").is_in(["dns", "http"]))
    assert nothing["family:odd"].max() == 0.0


def test_benign_logs_can_stand_in_for_a_calibration(world: Path, tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "fresh")
    support = cut(world / "today", tmp_path / "cut", "dns-tunnel", {"dns": 5})
    shipped = adapted(settings, "tunnel", support)
    assert "simulated sites, not of this one" in " ".join(shipped.family.notes)
    outcome = adapted(settings, "tunnel", support, benign=[world / "ordinary"])
    assert outcome.family.kinds["dns"].benign > 100
    notes = " ".join(outcome.family.notes)
    assert "benign records are too few" in notes
    assert "simulated" not in notes


def test_other_families_and_the_bundles_own_scores_stay_as_they_were(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    before = scores_after(settings, world / "tomorrow", tmp_path / "before")
    support = cut(world / "today", tmp_path / "cut", "dns-tunnel", {"dns": 5})
    adapted(settings, "first", support)
    one = scores_after(settings, world / "tomorrow", tmp_path / "one")
    adapted(settings, "second", cut(world / "today", tmp_path / "c", "sql-injection", {"http": 3}))
    two = scores_after(settings, world / "tomorrow", tmp_path / "two")
    assert set(two.columns) - set(before.columns) == {"family:first", "family:second"}
    shared = [name for name in before.columns if name not in {"family", "score"}]
    assert one.select(shared).equals(before.select(shared))
    assert two.select([*shared, "family:first"]).equals(one.select([*shared, "family:first"]))


def test_a_scan_elsewhere_with_the_exported_family_gives_the_same_scores(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    from enricher.families.sharing import export_family  # noqa: PLC0415
    from enricher.families.tensor_file import decode  # noqa: PLC0415

    support = cut(world / "today", tmp_path / "cut", "dns-tunnel", {"dns": 5})
    adapted(settings, "tunnel", support)
    store = FamilyStore(settings.state)
    path = tmp_path / "tunnel.family"
    export_family(store.get("tunnel"), decode(store.heads("tunnel"))[0], path)
    here = scores_after(settings, world / "tomorrow", tmp_path / "here")
    elsewhere = settings_at(tmp_path / "elsewhere")
    family = import_family(path, elsewhere, name="theirs")
    assert family.origin == "imported"
    there = scores_after(elsewhere, world / "tomorrow", tmp_path / "there")
    np.testing.assert_array_equal(there["family:theirs"], here["family:tunnel"])
    with pytest.raises(InputError, match="--replace"):
        import_family(path, elsewhere, name="theirs")
    again = import_family(path, elsewhere, name="theirs", replace_it=True)
    assert again.kinds == family.kinds
    assert "flags" in import_family(path, settings, name="back").notes[0]
    data = path.read_bytes()
    columns = (1, 2, 4)  # uid and both addresses
    for line in records(world / "today", "dns", "dns-tunnel"):
        fields = line.rstrip().split("\t")
        secret = [fields[place] for place in columns] + [one for one in fields if len(one) > 12]
        assert [one for one in secret if one.encode() in data and len(one) >= 4] == []
    assert str(support[0]).encode() not in data


def test_kept_records_can_be_adapted_to_again(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    support = cut(world / "today", tmp_path / "cut", "dns-tunnel", {"dns": 5})
    first = adapted(settings, "tunnel", support)
    support[0].unlink()
    again = adapted(settings, "tunnel", [])
    assert again.replaced
    assert again.family.kinds == first.family.kinds
    assert again.family.created == first.family.created
    with pytest.raises(InputError, match="no family 'other'"):
        adapted(settings, "other", [])


def test_lines_that_are_no_records_are_counted_and_named(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    (log,) = cut(world / "today", tmp_path / "cut", "dns-tunnel", {"dns": 5})
    with log.open("ab") as stream:
        stream.write(b"\x00\xff no record\n" + b"A" * 2_000_000 + b"\n")
    outcome = adapted(settings, "tunnel", [log])
    assert outcome.family.kinds["dns"].shots == 5
    notes = [note for note in outcome.family.notes if "left out of the support logs" in note]
    assert len(notes) == 2
    assert any("line too long" in note for note in notes)


def test_a_uid_that_is_not_there_is_named(world: Path, settings: Settings) -> None:
    with pytest.raises(InputError, match=r"1 of the uids .* 'Cnot-there'"):
        adapted(settings, "x", [world / "today"], uids=["Cnot-there"])


@pytest.mark.parametrize("name", ["", "unknown", "Benign", "a\nb", " x", "x" * 65])
def test_a_name_that_can_not_be_is_refused(world: Path, settings: Settings, name: str) -> None:
    with pytest.raises(InputError, match=r"name|verdict"):
        adapted(settings, name, [world / "today"])


def test_a_damaged_family_stops_a_scan_with_what_to_do(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    adapted(settings, "one", cut(world / "today", tmp_path / "c", "dns-tunnel", {"dns": 2}))
    (path,) = (p for p in (settings.state / "families").iterdir() if p.name[32:] == ".safetensors")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(StateError, match="enricher adapt"):
        scan(ScanRequest([world / "tomorrow"], tmp_path / "out"), settings, bar)


def test_calibration_leaves_families_alone_and_says_so(
    world: Path, settings: Settings, tmp_path: Path
) -> None:
    adapted(settings, "one", cut(world / "today", tmp_path / "c", "dns-tunnel", {"dns": 2}))
    before = FamilyStore(settings.state).heads("one")
    assert calibrate_paths([world / "ordinary"], settings, bar).families == ["one"]
    assert FamilyStore(settings.state).heads("one") == before


def test_calibration_keeps_no_text_of_the_benign_records(
    learned: tuple[Path, Learned], world: Path
) -> None:
    banks = list((learned[0] / "calibration").glob("bank-*.safetensors"))
    assert len(banks) == 4
    kept = b"".join(path.read_bytes() for path in banks)
    lines = records(world / "ordinary", "dns", "benign")[:200]
    strings = {field for line in lines for field in line.split("\t") if len(field) >= 7}
    assert len(strings) > 200
    assert [one for one in strings - {"benign"} if one.encode() in kept] == []
