"""The literature's tables: cut without leaks, run from the command line, held against the goals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from enricher.cli.evaluate import command
from enricher.errors import InputError
from enricher.learn.commands import Job
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.protocol.column_views import ColumnViews
from enricher.learn.protocol.goals import goal_of
from enricher.learn.protocol.settings import Settings
from enricher.learn.protocol.stages import NOTHING_HIDDEN
from enricher.learn.protocol.table_stages import TableStage, across_tables, within_tables
from enricher.learn.protocol.tables_command import run_tables
from enricher.learn.protocol.tasks import Limits
from enricher.learn.table_kdd import FILE_COLUMNS
from enricher.learn.table_splits import (
    STEP,
    conn_like,
    near_identity,
    rows_alike,
    with_all_columns,
)
from enricher.learn.tables import Table, TableSource, read_table

SETTINGS = Settings(limits=Limits(query=100, bank=500, benign_query=500))
FAMILIES = {"neptune": "S0", "portsweep": "REJ", "satan": "SF"}


def kdd_row(label: str, rng: np.random.Generator, **fields: object) -> str:
    row: dict[str, object] = dict.fromkeys(FILE_COLUMNS[:41], 0)
    row |= {"protocol_type": "tcp", "service": "http", "flag": "SF"}
    row |= {"src_bytes": rng.integers(200, 90_000), "dst_bytes": rng.integers(900, 900_000)}
    row |= {"count": rng.integers(1, 30), "duration": rng.integers(0, 9_000)}
    return ",".join([*map(str, (row | fields).values()), label])


def rows_of(seed: int) -> list[str]:
    """1,200 benign rows and 150 of each family, in blocks; half of a block says next to nothing."""
    rng = np.random.default_rng(seed)
    rows = [kdd_row("normal.", rng) for _ in range(1_200)]
    for name, flag in FAMILIES.items():
        few = {"flag": flag, "dst_bytes": 0, "service": "private"}
        rows += [kdd_row(f"{name}.", rng, **few) for _ in range(75)]
        rows += [kdd_row(f"{name}.", rng, **few, src_bytes=20_000 + place) for place in range(75)]
    return rows


def table(folder: Path, name: str = "kddcup99", seed: int = 0) -> Table:
    path = folder / f"{name}.csv"
    path.write_text("\n".join(rows_of(seed)) + "\n")
    return read_table(TableSource(name, path, 41, "normal."))


@pytest.fixture(scope="module")
def kdd(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return table(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="module")
def stages(kdd: Table) -> list[TableStage]:
    return list(within_tables([kdd], SETTINGS))


@given(st.floats(0, 20), st.integers(0, 3))
def test_rows_that_nearly_agree_in_numbers_and_agree_in_words_count_as_copies(
    value: float, word: int
) -> None:
    step = np.float32(round(value / STEP) * STEP)
    numbers = np.array([[step], [step + STEP / 4], [step + 2 * STEP], [np.nan]], np.float32)
    identity = near_identity(numbers, np.full((4, 1), word))
    assert identity[0] == identity[1]
    assert len(set(identity.tolist())) == 3
    other = near_identity(numbers[:2], np.array([[word], [word + 1]]))
    assert other[0] != other[1]


def test_a_row_keeps_its_columns_and_its_label_in_the_random_order(kdd: Table) -> None:
    for mixed in (conn_like(kdd, 0), with_all_columns(kdd, 0)):
        data = mixed.dataset
        sent = mixed.columns[data.sources, mixed.names.index("src_bytes")]
        by_label = {
            data.space.name(int(label)): set(sent[data.labels == label].tolist())
            for label in np.unique(data.labels)
        }
        raw = kdd.frame["src_bytes"].to_numpy()
        for name, values in by_label.items():
            assert values == set(raw[kdd.families == name].astype(np.float32).tolist())
        assert not np.array_equal(sent, raw[: len(sent)].astype(np.float32))
    assert np.array_equal(conn_like(kdd, 3).dataset.labels, conn_like(kdd, 3).dataset.labels)
    assert not np.array_equal(conn_like(kdd, 3).dataset.labels, conn_like(kdd, 4).dataset.labels)


def test_rows_that_are_nearly_the_same_stand_side_by_side(kdd: Table) -> None:
    identity = with_all_columns(kdd, 0).identity
    changes = int(np.count_nonzero(np.diff(identity))) + 1
    assert changes == len(set(identity.tolist()))


def test_what_can_not_be_told_apart_is_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    same: dict[str, object] = {"src_bytes": 5_000, "dst_bytes": 9, "count": 1, "duration": 2}
    path = tmp_path / "rows.csv"
    rows: list[tuple[str, dict[str, object]]] = [
        ("normal.", {}),
        ("satan.", {}),
        ("satan.", {"src_bytes": 5_001}),
        ("nmap.", {}),
    ]
    rows += [("satan.", {"flag": "REJ"}), ("nmap.", {"flag": "S0"})]
    path.write_text("\n".join(kdd_row(name, rng, **(same | own)) for name, own in rows) + "\n")
    found = rows_alike(conn_like(read_table(TableSource("t", path, 41, "normal.")), 0))
    assert (found["satan"].rows, found["satan"].distinct) == (3, 2)
    assert found["satan"].benign == found["satan"].others == pytest.approx(2 / 3)
    assert found["nmap"].benign == 0.5


def test_support_and_query_share_no_near_copy_and_training_none_of_the_query(
    kdd: Table, stages: list[TableStage]
) -> None:
    assert [own.stage.name for own in stages] == [
        "P1: kddcup99, conn-like columns",
        "P1: kddcup99, all columns",
    ]
    for own, mixed in zip(stages, (conn_like(kdd, 0), with_all_columns(kdd, 0)), strict=True):
        assert sum(len(part.tasks) for part in own.stage.parts) == len(FAMILIES)
        for part in own.stage.parts:
            shown = part.split.shown["conn"].sources
            trained = mixed.identity[part.split.rows["conn"]]
            for task in part.tasks:
                pool, query, benign, negatives = (
                    mixed.identity[shown[rows]]
                    for rows in (task.pool, task.query, task.benign, task.negatives)
                )
                assert not np.isin(query, pool).any()
                assert not np.isin(negatives, benign).any()
                assert not np.isin(query, trained).any()
                assert not np.isin(negatives, trained).any()
                labels = mixed.dataset.labels[part.split.rows["conn"]]
                names = {mixed.dataset.space.name(int(x)) for x in labels}
                assert task.name not in names


def test_a_category_of_attacks_is_left_out_whole(stages: list[TableStage]) -> None:
    for own in stages:
        parts = {task.name: part.number for part in own.stage.parts for task in part.tasks}
        assert parts["portsweep"] == parts["satan"] != parts["neptune"]


def test_all_columns_are_shown_and_the_base_score_knows_other_families(
    kdd: Table, stages: list[TableStage]
) -> None:
    views = ColumnViews(with_all_columns(kdd, 0))
    part = next(p for p in stages[1].stage.parts if p.tasks[0].name != "neptune")
    view = views(part.split, NOTHING_HIDDEN, 0)["conn"]
    assert view.table.shape == (len(part.split.shown["conn"]), 41)
    assert view.points is not None
    assert np.array_equal(view.points.attack[:, 0], view.base)
    labels = part.split.samples["conn"]
    learnt = view.base[len(view.base) - len(labels) :]
    assert learnt[labels > BENIGN_LABEL].min() > np.median(learnt[labels == BENIGN_LABEL])
    with pytest.raises(ValueError, match="all columns"):
        views.columns(part.split.shown["conn"], ("service",))


def test_tables_of_the_same_connections_never_meet(tmp_path: Path) -> None:
    tables = [table(tmp_path, "kddcup99"), table(tmp_path, "nsl-kdd", 1), table(tmp_path, "c", 2)]
    names = {own.stage.name for own in across_tables({}, tables, SETTINGS)}
    assert names == {"P2: kddcup99 to c", "P2: c to kddcup99"}
    alone = {own.stage.name for own in across_tables({}, tables[1:], SETTINGS)}
    assert alone == {"P2: nsl-kdd to c", "P2: c to nsl-kdd"}


def test_goals_belong_to_a_table_and_a_number_of_records() -> None:
    assert goal_of("P1: unsw-nb15, all columns", 5) == 0.65
    assert goal_of("P2: logs to unsw-nb15", 5) == 0.50
    assert goal_of("P2: logs to unsw-nb15", 1) is None
    assert goal_of("P1: nsl-kdd, conn-like columns", 5) is None


HEAD = (
    "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\t"
    "proto\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\n"
)
TINY = (
    "name: tiny\nversion: 0.0.1\ndata: {lists: false, simulate: [], prior: []}\n"
    "encoder: {width: 16, embedding: 8}\nschedule: {epochs: 1, steps: 3, batch: 64}\n"
)


def write_data(root: Path, tables: str) -> list[str]:
    (root / "site").mkdir()
    (root / "site" / "conn.log").write_text(HEAD + "1.0\tC1\t10.0.0.1\t9\t10.0.0.2\t80\ttcp\n")
    (root / "manifest.yaml").write_text(
        "captures:\n  - {capture: site, path: site, kind: conn, family: benign}\n" + tables
    )
    (root / "recipe.yaml").write_text(TINY)
    return ["--data", str(root), "--recipe", str(root / "recipe.yaml"), "--out", str(root / "out")]


def test_the_quick_run_goes_from_a_table_to_a_report_with_goals(tmp_path: Path) -> None:
    table(tmp_path)
    entry = "tables:\n  - {name: kddcup99, path: kddcup99.csv, label_column: 41, benign: normal.}\n"
    arguments = [*write_data(tmp_path, entry), "--protocol", "tables", "--quick"]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "tables.md" in done.output
    text = (tmp_path / "out" / "tables.md").read_text()
    assert "| P1: kddcup99, all columns | conn | 10 | 0.88 |" in text
    assert "## P1: kddcup99, conn-like columns: conn (recorded)" in text
    assert "| kddcup99, all columns | neptune | 150 |" in text
    plain = json.loads((tmp_path / "out" / "tables.json").read_text())
    easiest = [
        line
        for line in plain["lines"]
        if line["stage"].endswith("all columns") and line["shots"] == 10 and line["role"] == "ours"
    ]
    assert easiest
    assert easiest[0]["figures"]["auroc"] > 0.95
    assert {entry["kind"] for entry in plain["one_threshold"]} == {
        "kddcup99, conn-like columns",
        "kddcup99, all columns",
    }
    again = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert again.exit_code == 0
    assert (tmp_path / "out" / "tables.md").read_text() == text


def test_a_manifest_without_tables_is_refused(tmp_path: Path) -> None:
    write_data(tmp_path, "")
    job = Job(tmp_path, tmp_path / "recipe.yaml")
    with pytest.raises(InputError, match="names no table"):
        run_tables(job, tmp_path / "out", ["tables"], SETTINGS, lambda *_: None)
