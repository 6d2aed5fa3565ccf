"""A run of the protocol: the same support sets for all, resumed, and an honest report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from enricher.cli.evaluate import command
from enricher.errors import InputError
from enricher.features import SPECS, Features
from enricher.features.rows import Rows
from enricher.learn.dataset import Dataset, LabelledLog, build
from enricher.learn.labels import label_space
from enricher.learn.protocol.cells import CellStore
from enricher.learn.protocol.method import Method, Role, Scores, Traits
from enricher.learn.protocol.methods.nearest import nearest_methods
from enricher.learn.protocol.plain_views import plain_views
from enricher.learn.protocol.plots import write_plots
from enricher.learn.protocol.report import Account, Result, markdown
from enricher.learn.protocol.running import run_stage
from enricher.learn.protocol.settings import Settings, chosen_settings
from enricher.learn.protocol.splits import Split
from enricher.learn.protocol.stages import Hidden, Stage, families_left_out
from enricher.learn.protocol.summary import doubts, duels, summarise
from enricher.learn.protocol.tasks import Limits
from enricher.learn.views import View
from enricher.logs import Kind

FAMILIES = ("iot-cnc", "iot-ddos", "nmap-scan", "port-scan")
SETTINGS = Settings(
    shots=(0, 1, 5),
    draws=3,
    seeds=2,
    costly_draws=2,
    folds=4,
    hide=(),
    limits=Limits(query=50, bank=300, bank_capture=300, benign_query=600),
)


def dataset() -> Dataset:
    """One capture: benign records around 100 of each family; the first number is the label."""
    families = np.array(
        ["benign"] * 600 + [name for name in FAMILIES for _ in range(100)] + ["benign"] * 600
    )
    spec = SPECS["conn"]
    rng = np.random.default_rng(0)
    numeric = rng.normal(size=(len(families), len(spec.numeric))).astype(np.float32)
    numeric[:, 0] = [0 if name == "benign" else FAMILIES.index(name) + 1 for name in families]
    categorical = np.zeros((len(families), len(spec.categorical)), np.int32)
    log = LabelledLog(
        "site",
        False,
        Features("conn", 1, numeric, categorical, {}),
        families.astype(np.str_),
        np.arange(len(families), dtype=np.float64),
        np.zeros(len(families), np.int64),
    )
    return build([log], label_space(FAMILIES))


class Told(Method):
    """Scores by a function of the support's label, the query's and the seed."""

    def __init__(
        self, traits: Traits, score: Callable[[float, np.ndarray, int], np.ndarray]
    ) -> None:
        super().__init__(traits)
        self._score = score
        self.supports: list[tuple[int, ...]] = []

    def scores(self, view: View, support: Rows, benign: Rows, query: Rows, seed: int) -> Scores:
        assert (view.table[benign, 0] == 0).all()
        self.supports.append(tuple(support.tolist()))
        own = float(view.table[support[0], 0]) if len(support) else -1.0
        return np.asarray(self._score(own, view.table[query, 0], len(support) + seed), np.float64)


def right(own: float, asked: np.ndarray, _: int) -> np.ndarray:
    return np.asarray(asked == own, np.float64)


def chance(own: float, asked: np.ndarray, seed: int) -> np.ndarray:
    return np.asarray(np.random.default_rng([int(own) + 1, seed]).random(len(asked)))


def worse(own: float, asked: np.ndarray, shots: int) -> np.ndarray:
    """Right for one record, wrong for more, and never for one family."""
    return right(own, asked, 0) * (1.0 if shots < 5 and own != 2.0 else -1.0)


def told(
    name: str,
    role: Role,
    score: Callable[[float, np.ndarray, int], np.ndarray],
    *,
    seeded: bool = False,
    costly: bool = False,
) -> Told:
    return Told(Traits(name, role, benign=100, seeded=seeded, costly=costly), score)


def methods() -> list[Told]:
    return [
        told("perfect", "ours", right),
        told("random", "baseline", chance, seeded=True),
        told("worse", "baseline", worse, costly=True),
    ]


@pytest.fixture(scope="module")
def stage() -> Stage:
    return families_left_out({"conn": dataset()}, SETTINGS)


def silent(what: str, done: int, total: int) -> None:
    del what, done, total


def run(stage: Stage, chosen: list[Told], path: Path, settings: Settings = SETTINGS) -> CellStore:
    store = CellStore(path, settings.to_dict())
    run_stage(stage, chosen, plain_views, settings, store, silent)
    return store


def test_perfect_and_random_get_what_they_should(stage: Stage, tmp_path: Path) -> None:
    store = run(stage, methods(), tmp_path / "cells")
    lines = {(x.method, x.shots): x for x in summarise(store.cells)}
    best = lines["perfect", 1]
    assert best.tpr is not None
    assert (best.tpr.mean, best.figures["auroc"], best.labels) == (1.0, 1.0, 101)
    blind = lines["random", 5]
    assert blind.tpr is not None
    assert blind.tpr.mean < 0.05
    assert blind.figures["auroc"] == pytest.approx(0.5, abs=0.1)
    assert (best.draws, blind.draws, lines["worse", 1].draws) == (3, 6, 2)
    assert len(best.families) == len(FAMILIES)
    assert lines["worse", 1].worst == ("iot-ddos", 0.0)


def test_all_methods_get_the_same_support_sets_and_more_hold_fewer(
    stage: Stage, tmp_path: Path
) -> None:
    perfect, random, costly = methods()
    run(stage, [perfect, random, costly], tmp_path / "cells")
    assert set(perfect.supports) == set(random.supports)
    assert set(costly.supports) < set(perfect.supports)
    single = {s for s in perfect.supports if len(s) == 1}
    assert single == {s[:1] for s in perfect.supports if len(s) == 5}
    assert len(single) > len(FAMILIES)


def test_a_run_that_was_stopped_goes_on_and_gives_the_same(stage: Stage, tmp_path: Path) -> None:
    whole = run(stage, methods(), tmp_path / "whole")
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").write_bytes(b"".join(lines[:6]) + lines[6][:20])
    again = methods()
    cut = run(stage, again, tmp_path / "cut")
    assert sum(len(m.supports) for m in again) < sum(len(m.supports) for m in methods_ran(whole))
    assert sorted(map(str, cut.cells)) == sorted(map(str, whole.cells))
    third = methods()
    run(stage, third, tmp_path / "cut")
    assert not any(m.supports for m in third)
    with pytest.raises(InputError, match="other settings"):
        run(stage, methods(), tmp_path / "cut", replace(SETTINGS, draws=4))
    (tmp_path / "whole").write_bytes(lines[0] + b"{}\n")
    with pytest.raises(InputError, match="damaged"):
        run(stage, methods(), tmp_path / "whole")


def methods_ran(store: CellStore) -> list[Told]:
    """Stands for methods that were called once a cell."""
    counted = told("all", "control", right)
    counted.supports = [()] * len(store.cells)
    return [counted]


def test_training_sees_no_record_that_is_asked_about(stage: Stage, tmp_path: Path) -> None:
    data = dataset()
    asked: list[Split] = []

    def spying(split: Split, hidden: Hidden, seed: int) -> Mapping[Kind, View]:
        asked.append(split)
        return plain_views(split, hidden, seed)

    store = CellStore(tmp_path / "cells", {})
    run_stage(stage, methods()[:1], spying, SETTINGS, store, silent)
    assert len(asked) == 4
    for split, part in zip(asked, stage.parts, strict=True):
        names = {data.space.name(int(x)) for x in data.labels[split.rows["conn"]]}
        assert names == {"benign", *FAMILIES} - {task.name for task in part.tasks}


def test_the_gate_and_the_doubts_are_honest(stage: Stage, tmp_path: Path) -> None:
    cells = run(stage, methods(), tmp_path / "cells").cells
    first, last = duels(cells)
    assert (first.rival, first.ours, first.passed) == ("worse", "perfect", True)
    assert first.rival_miss == pytest.approx(0.25)
    assert first.rival_worst == ("iot-ddos", 0.0)
    assert last.rival_miss > 0.95
    flipped = [
        {**c, "role": "baseline" if c["role"] == "ours" else "ours"}
        for c in cells
        if c["method"] != "random"
    ]
    assert [duel.passed for duel in duels(flipped)] == [False, False]
    told_of = " ".join(doubts(summarise(cells)))
    assert "worse does not rise with K: TPR 0.75 at 1, 0.00 at 5" in told_of
    assert "worse is under chance at K = 5" in told_of
    assert "perfect" not in told_of


def test_the_report_names_the_worst_family_and_plots_are_written(
    stage: Stage, tmp_path: Path
) -> None:
    cells = run(stage, methods(), tmp_path / "cells").cells
    lines = summarise(cells)
    easy = {("conn", "iot-cnc (recorded)"): ("duration", 1.0)}
    plots = write_plots(lines, tmp_path)
    result = Result(
        SETTINGS,
        Account("Title", "none", "Drawn."),
        lines,
        [],
        duels(cells),
        ["odd"],
        easy,
        {"P1": stage.skipped},
        {"P1": [{}]},
    )
    text = markdown(result, plots)
    assert "iot-ddos 0.00" in text
    assert "| pass |" in text
    assert "| iot-cnc (recorded)* |" in text
    assert "3 support draws, 2 seeds" in text
    assert plots == ["few-shot-p1-conn-recorded.png"]
    assert (tmp_path / plots[0]).read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "few-shot-p1-conn-recorded.svg").read_text()
    assert json.loads(json.dumps(result.to_dict()))["gate"][0]["passed"] is True


def test_workers_give_the_same_cells(stage: Stage, tmp_path: Path) -> None:
    few = replace(SETTINGS, shots=(1,), draws=2, seeds=1, costly_draws=1)
    found = []
    for workers in (1, 2):
        path = tmp_path / str(workers)
        store = CellStore(path, {})
        chosen = nearest_methods()[:1]
        run_stage(stage, chosen, plain_views, replace(few, workers=workers), store, silent)
        found.append(path.read_bytes())
    assert found[0] == found[1]
    assert found[0].count(b"\n") > len(stage.parts)


HEAD = (
    "#separator \\x09\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
    "orig_bytes\tresp_bytes\tconn_state\tlabel\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\t"
    "string\n"
)


def write_site(root: Path) -> None:
    rng = np.random.default_rng(1)
    rows = []
    for number in range(1500):
        start = (
            f"{1000 + number}.0\tC{number}\t10.0.0.{number % 7 + 1}\t{rng.integers(2000, 60000)}"
        )
        sent, got = rng.integers(300, 3000), rng.integers(900, 90000)
        rest = f"10.8.0.{number % 9}\t443\ttcp\tssl\t{rng.random():.4f}\t{sent}\t{got}\tSF\tGood"
        if number % 5 == 0:
            rest = f"10.9.{number % 256}.1\t{number}\ttcp\t-\t-\t-\t-\tS0\tScan"
        elif number % 5 == 1:
            rest = f"10.9.0.1\t6667\tudp\t-\t9.{number}\t{number}\t{number}\tSF\tCalls"
        rows.append(f"{start}\t{rest}")
    (root / "site").mkdir()
    (root / "site" / "conn.log").write_text(HEAD + "\n".join(rows) + "\n")
    (root / "manifest.yaml").write_text(
        "captures:\n  - {capture: site, path: site, kind: conn, label_column: label,"
        " labels: {Scan: port-scan, Calls: iot-cnc, Good: benign}}\n"
    )
    (root / "recipe.yaml").write_text("name: tiny\nversion: 0.0.1\ndata: {lists: false}\n")


def test_the_quick_run_goes_from_logs_to_tables_and_plots(tmp_path: Path) -> None:
    write_site(tmp_path)
    arguments = ["--data", str(tmp_path), "--recipe", str(tmp_path / "recipe.yaml")]
    arguments += ["--out", str(tmp_path / "out"), "--protocol", "p1", "--quick"]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "few-shot.md" in result.output
    text = (tmp_path / "out" / "few-shot.md").read_text()
    assert "## P1: conn (recorded)" in text
    assert "random forest, all benign" in text
    plain = json.loads((tmp_path / "out" / "few-shot.json").read_text())
    assert {line["shots"] for line in plain["lines"]} == {0, 1, 10}
    assert {name for line in plain["lines"] for name in line["families"]} == {
        "port-scan",
        "iot-cnc",
    }
    assert (tmp_path / "out" / "few-shot-p1-conn-recorded.svg").is_file()
    assert "10.9.0" not in text
    again = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert again.exit_code == 0
    assert (tmp_path / "out" / "few-shot.md").read_text() == text


def test_draws_and_seeds_can_be_chosen() -> None:
    assert (chosen_settings().draws, chosen_settings().seeds) == (20, 5)
    few = chosen_settings(quick=True, draws=7, workers=3)
    assert (few.draws, few.seeds, few.workers) == (7, 1, 3)
