"""The bundle that is shipped is whole, described, and says what it said when it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from enricher.detector.bundle import Bundle, check_specs
from enricher.detector.reference import verify
from enricher.features import SPECS
from enricher.learn.labels import load_families
from enricher.learn.recipe import load_recipe
from enricher.logs import KINDS

MODELS = Path(__file__).resolve().parents[2] / "models"
BASE = MODELS / "base"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(BASE)


def test_it_gives_its_reference_outputs_for_every_kind(bundle: Bundle) -> None:
    assert verify(bundle, BASE) >= 4 * 32


def test_it_was_trained_on_the_features_that_are_computed(bundle: Bundle) -> None:
    check_specs(bundle, SPECS)
    assert set(bundle.model.kinds) == set(KINDS)


def test_its_families_are_those_described_word_for_word(bundle: Bundle) -> None:
    described = load_families(MODELS / "families.yaml")["families"]
    assert len(bundle.labels) >= 15
    for label in bundle.labels:
        assert label.to_dict() == described[label.name]


def test_every_kind_has_thresholds_and_a_bound_on_novelty(bundle: Bundle) -> None:
    names = {label.name for label in bundle.labels}
    for kind in KINDS:
        assert bundle.thresholds[kind]
        assert set(bundle.thresholds[kind]) <= names
        assert all(0.5 <= value <= 1.0 for value in bundle.thresholds[kind].values())
        assert 0 < bundle.novelty_alpha[kind] <= 1e-3


def test_its_card_says_what_it_is_for_what_it_knows_and_what_it_can_not_do(bundle: Bundle) -> None:
    for part in ("How it was trained", "Data", "Splits", "Limits", "Licences of the data"):
        assert f"## {part}" in bundle.card
    assert "CC BY 4.0" in bundle.card
    assert "ctu-sme-11-ubuntu" in bundle.card


def test_it_is_small_and_was_made_by_the_shipped_recipe(bundle: Bundle) -> None:
    size = sum(path.stat().st_size for path in BASE.iterdir() if path.suffix == ".safetensors")
    assert size < 8 * 2**20
    recipe = load_recipe(MODELS / "recipes" / "default.yaml")
    assert bundle.name == recipe.name
    assert bundle.training["version"] == recipe.version
    assert bundle.training["recipe"]["seed"] == recipe.seed


def test_the_evaluation_and_the_changelog_are_of_this_version(bundle: Bundle) -> None:
    version = str(bundle.training["version"])
    assert f"## base {version} " in (MODELS / "CHANGELOG.md").read_text()
    evaluation = (BASE / "evaluation.md").read_text()
    assert "## False alarms" in evaluation
    assert f"Recipe base {version}" in evaluation
