"""`enricher evaluate --adversary --explanations` as a user runs it, on a small simulated site."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner

from enricher.cli.evaluate import command
from enricher.detector.bundle import Bundle
from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.inputs import Inputs
from enricher.detector.labels import FamilyLabel
from enricher.detector.model import Model
from enricher.features import SPECS
from enricher.learn import explaining_run
from enricher.learn.adversary import command as adversary_command
from enricher.learn.commands import Job
from enricher.learn.loading import read_source
from enricher.learn.manifest import load_manifest
from enricher.learn.recipe import Recipe
from enricher.logs import Kind
from enricher.simulate import FAMILIES, generate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    generate(folder / "logs", seed=3, hours=1.0, hosts=10, instances=1)
    labels = {"benign": "benign", **{family: family for family in FAMILIES}}
    entry = {
        "capture": "site",
        "path": "logs",
        "kinds": ["conn", "dns"],
        "label_column": "detailedlabel",
        "labels": labels,
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"captures": [entry]}))
    return folder


@pytest.fixture(scope="module")
def bundle(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model whose thresholds let everything through."""
    torch.manual_seed(0)
    families = tuple(sorted(FAMILIES))
    kinds: tuple[Kind, ...] = ("conn", "dns")
    layouts = {kind: KindLayout.of(SPECS[kind]) for kind in kinds}
    model = Model(
        EncoderConfig(layouts=layouts, width=16, embedding=8, text_buckets=64, text_width=4),
        families,
    )
    for source in load_manifest(data).logs:
        features = read_source(source)[0].features
        model.encoder.stem(source.kind).fit_scalers(features.numeric)
        model.baseline(source.kind).fit(model.encoder, Inputs.of(features, torch.device("cpu")))
    made = Bundle(
        name="untrained",
        model=model.eval().requires_grad_(False),
        labels=tuple(FamilyLabel(family, family) for family in families),
        specs={kind: SPECS[kind] for kind in kinds},
        thresholds={kind: dict.fromkeys(families, 0.0) for kind in kinds},
        novelty_alpha={},
        conformal={},
    )
    folder = tmp_path_factory.mktemp("models") / "untrained"
    made.save(folder)
    return folder


def recorded_only(job: Job) -> Recipe:
    recipe = job.read_recipe()
    return replace(recipe, data=replace(recipe.data, simulate=(), prior=(), lists=False))


def test_one_command_writes_both_reports(
    data: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversary_command, "asking_recipe", recorded_only)
    monkeypatch.setattr(explaining_run, "asking_recipe", recorded_only)
    options = ["--adversary", "--explanations", "--data", str(data), "--out", str(tmp_path)]
    options += ["--bundle", str(bundle), "--compare-with", str(bundle)]
    result = CliRunner().invoke(command, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    cells = json.loads((tmp_path / "adversary.json").read_text())
    assert {cell["factor"] for cell in cells} == {1.1, 2.0, 10.0}
    assert {cell["varied"] for cell in cells} == {True, False}
    assert {cell["kind"] for cell in cells} == {"conn", "dns"}
    for cell in cells:
        assert 0.0 <= cell["after"] <= 1.0
        assert cell["loss"] == pytest.approx(100 * (cell["before"] - cell["after"]))
    explained = json.loads((tmp_path / "explanations.json").read_text())
    assert explained
    assert {one["same"] for one in explained} == {1.0}
    assert "worst family" in (tmp_path / "adversary.md").read_text()
    assert not (tmp_path / "evaluation.md").exists()
