"""A trained model becomes a bundle: label space, thresholds, card, reference outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from enricher.detector.adaptation.points import Points, represent
from enricher.detector.adaptation.shares import Shares
from enricher.detector.bundle import Bundle
from enricher.detector.labels import FamilyLabel
from enricher.detector.model import Model
from enricher.detector.reference import verify, write_reference
from enricher.errors import BundleError
from enricher.features import SPECS, NameModel
from enricher.features.rows import take
from enricher.learn.card import write_card
from enricher.learn.dataset import SIMULATED_CAPTURE, Dataset
from enricher.learn.labels import BENIGN_LABEL
from enricher.learn.measuring import conformal
from enricher.learn.recipe import Recipe
from enricher.learn.run import Trained
from enricher.logs import Kind

_REFERENCES = 64
_BANK = 1_000
_NEVER = 1.0


def make_bundle(
    trained: Trained,
    datasets: Mapping[Kind, Dataset],
    recipe: Recipe,
    families: Mapping[str, Mapping[str, Any]],
    names: NameModel | None = None,
    shares: Shares | None = None,
) -> Bundle:
    """Put a bundle together.

    Args:
        trained: The model.
        datasets: What it was trained on.
        recipe: How it was trained.
        families: ``families`` of ``models/families.yaml``.
        names: The model of benign names that the features were made with.
        shares: Shares of the base learners of an adapted family; equal ones where None.

    Raises:
        BundleError: If a family of the model is not described.
    """
    model = trained.model.eval()
    missing = [name for name in model.heads.families if name not in families]
    if missing:
        raise BundleError(f"family {missing[0]!r} is not described: add it to families.yaml")
    figures = _training(trained, datasets, recipe)
    return Bundle(
        name=recipe.name,
        model=model,
        labels=tuple(FamilyLabel.from_dict(name, families[name]) for name in model.heads.families),
        specs={kind: SPECS[kind] for kind in model.kinds},
        thresholds={
            kind: {
                family: threshold.value
                for family, threshold in zip(
                    model.heads.families, trained.thresholds[kind], strict=True
                )
                if threshold.value <= _NEVER
            }
            for kind in model.kinds
        },
        novelty_alpha=dict(trained.alphas),
        conformal=conformal(trained),
        names=names,
        shares=shares or Shares(),
        bank={kind: _bank(model, datasets[kind], recipe.seed) for kind in model.kinds},
        training=figures,
        card=write_card(recipe, figures),
    )


def save_bundle(bundle: Bundle, folder: Path, datasets: Mapping[Kind, Dataset], seed: int) -> int:
    """Write a bundle with reference outputs, then read it back and compare.

    The reference records are synthetic mixtures: each field is drawn from another record, so
    that none of the data itself is shipped.

    Returns:
        Number of reference records compared.

    Raises:
        BundleError: If what was written does not give what it gave before.
    """
    bundle.save(folder)
    rng = np.random.default_rng([seed, 11])
    references = {
        kind: _mixed(datasets[kind], rng) for kind in bundle.model.kinds if kind in datasets
    }
    write_reference(bundle, folder, references)
    return verify(Bundle.load(folder), folder)


def _bank(model: Model, dataset: Dataset, seed: int) -> Points:
    """Benign records of simulated sites; none of a recording."""
    simulated = [name for name in dataset.captures if name.startswith(SIMULATED_CAPTURE)]
    rows = np.intersect1d(dataset.benign(), dataset.rows_of(simulated))
    if len(rows) > _BANK:
        rows = np.sort(np.random.default_rng([seed, 13]).choice(rows, _BANK, replace=False))
    return represent(model, take(dataset.features, rows))


def _mixed(dataset: Dataset, rng: np.random.Generator) -> Any:
    """Records whose numbers and categories are shuffled column by column, without texts' bytes.

    Texts are random letters of the lengths that occur.
    """
    rows = rng.choice(dataset.labelled(), size=_REFERENCES)
    features = take(dataset.features, rows)
    numeric = np.stack([rng.permutation(column) for column in features.numeric.T], axis=1)
    categorical = np.stack([rng.permutation(column) for column in features.categorical.T], axis=1)
    for column in features.text.values():
        letters = rng.integers(ord("a"), ord("z") + 1, size=len(column.data))
        column.data[:] = letters.astype(np.uint8)
    return type(features)(
        kind=features.kind,
        spec_version=features.spec_version,
        numeric=np.ascontiguousarray(numeric),
        categorical=np.ascontiguousarray(categorical),
        text=features.text,
    )


def _training(trained: Trained, datasets: Mapping[Kind, Dataset], recipe: Recipe) -> dict[str, Any]:
    """Quantities of training, as plain values."""
    records = {
        kind: {
            f"{capture}: {label}": count
            for (capture, label), count in sorted(dataset.counts().items())
        }
        for kind, dataset in datasets.items()
    }
    return {
        "version": recipe.version,
        "recipe": recipe.to_dict(),
        "records": records,
        "benign_records": {
            kind: int((dataset.labels == BENIGN_LABEL).sum()) for kind, dataset in datasets.items()
        },
        "parameters": sum(p.numel() for p in trained.model.parameters()),
        "held_out": trained.figures,
    }
