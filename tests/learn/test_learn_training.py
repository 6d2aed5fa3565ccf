"""Training reaches what a trivial rule reaches, is deterministic, and evaluation is honest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner

from enricher.cli.evaluate import command as evaluate_command
from enricher.cli.train import command as train_command
from enricher.detector.bundle import Bundle
from enricher.detector.detector import Detector
from enricher.detector.reference import verify
from enricher.errors import ConfigError, InputError
from enricher.learn.baseline import available
from enricher.learn.evaluating import evaluate, markdown
from enricher.learn.labels import LabelSpace, load_groups
from enricher.learn.loading import load
from enricher.learn.manifest import load_manifest
from enricher.learn.measuring import rate_at, score
from enricher.learn.recipe import Recipe, load_recipe
from enricher.learn.run import Datasets, Run
from enricher.learn.training import train, without_captures

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ROOT / "models" / "families.yaml"
RECIPE = """
name: tiny
version: 0.0.1
seed: 5
data: {lists: false}
encoder: {width: 32, blocks: 1, embedding: 16, text_buckets: 256, text_width: 8}
schedule: {epochs: 6, steps: 40, batch: 128, rate: 0.01}
calibration: {folds: 3, fold_epochs: 4, family_rate: 0.01, novelty_rate: 0.01}
"""
HEAD = (
    "#separator \\x09\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
    "orig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\tresp_pkts\tlabel\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\t"
    "string\tcount\tcount\tstring\n"
)


def site(path: Path, seed: int) -> None:
    """A site where a scan is what gets no answer; a third of the benign have no label."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(600):
        when = f"{1000 + number * 3 + rng.random():.3f}"
        scan = number % 4 == 0
        start = [when, f"C{number}", f"10.{seed}.0.{rng.integers(1, 5) + 100 * scan}", "5000"]
        if scan:
            end = [f"10.9.{rng.integers(256)}.{rng.integers(256)}", str(rng.integers(1, 9000))]
            rest = ["tcp", "-", "-", "-", "-", "S0", "S", "1", "0", "Bad"]
        else:
            end = [f"10.8.0.{rng.integers(1, 9)}", "443"]
            sent = [str(rng.integers(300, 3000)), str(rng.integers(900, 90000))]
            label = "Unknown" if number % 3 == 0 else "Good"
            rest = ["tcp", "ssl", f"{rng.random():.3f}", *sent, "SF", "ShADadFf", "9", "9", label]
        rows.append("\t".join(start + end + rest))
    path.parent.mkdir(parents=True)
    path.write_text(HEAD + "\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    entries = []
    for seed in range(4):
        site(root / f"site{seed}" / "conn.log", seed)
        entries.append(
            f"  - {{capture: site{seed}, path: site{seed}, kind: conn, label_column: label,"
            " labels: {Bad: port-scan, Good: benign}}"
        )
    (root / "manifest.yaml").write_text("captures:\n" + "\n".join(entries) + "\n")
    (root / "recipe.yaml").write_text(RECIPE)
    return root


@pytest.fixture(scope="module")
def loaded(data: Path) -> tuple[Datasets, LabelSpace, Recipe]:
    recipe = load_recipe(data / "recipe.yaml")
    torch.set_num_threads(1)
    loaded = load(load_manifest(data), recipe, load_groups(FAMILIES))
    datasets, space = loaded.datasets, loaded.space
    return datasets, space, recipe


def test_a_site_that_was_left_out_is_told_apart_as_a_trivial_rule_does(
    loaded: tuple[Datasets, LabelSpace, Recipe],
) -> None:
    datasets, space, recipe = loaded
    evaluation = evaluate(datasets, Run(space, recipe, CPU), leave_out=["site2"])
    (result,) = evaluation.results
    assert (result.capture, result.benign) == ("site2", 300)
    scan = result.families["port-scan"]
    assert scan.records == 150
    assert scan.own / scan.records > 0.95
    assert (result.false_family + result.false_unknown) / result.benign < 0.03
    assert scan.tpr is not None
    assert scan.tpr > 0.95
    assert (scan.baseline_tpr is not None) == available()


def test_the_same_seed_gives_the_same_model_and_another_seed_another(
    loaded: tuple[Datasets, LabelSpace, Recipe],
) -> None:
    datasets, space, recipe = loaded
    small = recipe.shortened(1)
    one, again = (train(datasets, Run(space, small, CPU)) for _ in range(2))
    for name, value in one.model.state_dict().items():
        assert torch.allclose(
            value, again.model.state_dict()[name], rtol=0, atol=0, equal_nan=True
        ), name
    assert one.thresholds == again.thresholds
    other = train(datasets, Run(space, replace(small, seed=6), CPU))
    assert not torch.equal(one.model.heads.weight, other.model.heads.weight)


def test_leaving_a_capture_out_leaves_no_record_of_it(
    loaded: tuple[Datasets, LabelSpace, Recipe],
) -> None:
    datasets, _, _ = loaded
    rest = without_captures(datasets, frozenset({"site1"}))["conn"]
    assert rest.captures == ("site0", "site2", "site3")
    assert len(rest) == len(datasets["conn"]) - 600
    assert rest.counts()["site3", "benign"] == datasets["conn"].counts()["site3", "benign"]


def test_captures_that_nobody_knows_and_data_without_attacks_are_refused(
    loaded: tuple[Datasets, LabelSpace, Recipe],
) -> None:
    datasets, space, recipe = loaded
    run = Run(space, recipe, CPU)
    with pytest.raises(InputError, match="no capture 'mars'"):
        evaluate(datasets, run, leave_out=["mars"])
    benign: Datasets = {"conn": datasets["conn"].take(datasets["conn"].benign())}
    with pytest.raises(InputError, match="both benign records and attacks"):
        train(benign, run)


def test_train_writes_a_bundle_that_loads_verifies_and_scores(data: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(data), "--out", str(tmp_path), "--recipe", str(data / "recipe.yaml")]
    result = CliRunner().invoke(train_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    bundle = Bundle.load(tmp_path / "tiny")
    assert verify(bundle, tmp_path / "tiny") > 0
    assert [label.name for label in bundle.labels] == ["port-scan"]
    assert "site2" in bundle.card
    assert "10.1.0" not in (tmp_path / "tiny" / "config.json").read_text()
    recipe = load_recipe(data / "recipe.yaml")
    datasets = load(load_manifest(data), recipe, load_groups(FAMILIES)).datasets
    scores = Detector(bundle).score(datasets["conn"].features)
    scan = datasets["conn"].labels == 1
    assert scores.score[scan].mean() > 0.8
    assert scores.score[datasets["conn"].benign()].mean() < 0.1


def test_evaluate_writes_the_tables_for_people_and_for_programs(data: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(data), "--out", str(tmp_path), "--recipe", str(data / "recipe.yaml")]
    arguments += ["--leave-out", "site0", "--epochs", "1", "--cache", str(tmp_path / "cache")]
    result = CliRunner().invoke(evaluate_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    tables = (tmp_path / "evaluation.md").read_text()
    assert "| conn | site0 | 300 |" in tables
    assert "at most 1 epochs" in tables
    plain = json.loads((tmp_path / "evaluation.json").read_text())
    assert [entry["capture"] for entry in plain["results"]] == ["site0"]
    assert plain["failures"] == {}


def test_a_capture_that_can_not_be_left_out_is_named_with_the_reason(
    loaded: tuple[Datasets, LabelSpace, Recipe],
) -> None:
    datasets, space, recipe = loaded
    conn = datasets["conn"]
    only = np.flatnonzero((conn.labels != 1) | (conn.capture == 0))
    evaluation = evaluate({"conn": conn.take(only)}, Run(space, recipe, CPU), leave_out=["site0"])
    assert evaluation.results == []
    assert "both benign records and attacks" in evaluation.failures["site0"]
    assert "## Not evaluated" in markdown(evaluation)


def test_the_rate_at_a_thousandth_counts_only_scores_above_the_benign() -> None:
    benign = np.linspace(0, 1, 1001)
    assert rate_at(np.array([0.9985, 0.9995, 2.0]), benign) == pytest.approx(2 / 3)
    assert rate_at(np.array([0.5]), benign[:100]) is None


def test_scores_of_a_data_set_are_those_of_its_parts(
    loaded: tuple[Datasets, LabelSpace, Recipe],
) -> None:
    datasets, space, recipe = loaded
    trained = train(datasets, Run(space, recipe.shortened(1), CPU))
    whole = score(trained, datasets["conn"], CPU)
    part = score(trained, datasets["conn"].take(np.arange(700, 900)), CPU)
    assert np.array_equal(whole.family_scores[700:900], part.family_scores)


def test_a_recipe_is_checked_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    for text, says in (
        ("speed: 3", "unknown key speed"),
        ("schedule: {pace: 3}", "unknown key schedule.pace"),
        ("schedule: {epochs: many}", "schedule.epochs must be of type int"),
        ("schedule: 3", "schedule is a mapping"),
        ("[1]", "a recipe is a mapping"),
        ("a: [", "not readable YAML"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=says):
            load_recipe(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_recipe(tmp_path / "gone.yaml")


def test_the_shipped_recipe_has_only_known_keys() -> None:
    assert load_recipe(ROOT / "models" / "recipes" / "default.yaml").name == "base"


def test_frames_have_the_labels_of_their_rows(loaded: tuple[Datasets, LabelSpace, Recipe]) -> None:
    counts = pl.Series(loaded[0]["conn"].labels).value_counts().sort("").rows()
    assert counts == [(-1, 600), (0, 1200), (1, 600)]
