"""What stays the same throughout a training, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from enricher.detector.calibration import Threshold
from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.conformal import ConformalCalibration
from enricher.detector.model import Model
from enricher.features import SPECS, NameModel
from enricher.learn.checkpoints import Checkpoints
from enricher.learn.dataset import Dataset
from enricher.learn.fitting import Progress
from enricher.learn.labels import LabelSpace
from enricher.learn.recipe import Recipe
from enricher.logs import Kind

Datasets = Mapping[Kind, Dataset]


def _silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Run:
    """What stays the same throughout a training.

    Attributes:
        space: The label space.
        recipe: Everything that decides a bundle besides the data.
        device: Where to compute.
        progress: Told of what is being done.
        checkpoints: Models that were fitted already.
        names: The model that the features of names were made with.
    """

    space: LabelSpace
    recipe: Recipe
    device: torch.device
    progress: Progress = _silent
    checkpoints: Checkpoints = field(default_factory=lambda: Checkpoints(None))
    names: NameModel | None = None


@dataclass(slots=True)
class Trained:
    """A calibrated model and how it came about.

    Attributes:
        model: Encoder, heads, novelty and baselines.
        thresholds: For each kind, one threshold per family of the model.
        alphas: For each kind, the largest p-value that is called new.
        conformal: Benign novelty scores of each kind.
        figures: What was measured on the way, as plain values for JSON.
    """

    model: Model
    thresholds: dict[Kind, list[Threshold]]
    alphas: dict[Kind, float]
    conformal: dict[Kind, ConformalCalibration]
    figures: dict[str, Any]


def encoder_config(recipe: Recipe, kinds: tuple[Kind, ...]) -> EncoderConfig:
    """Shape of the encoder for some kinds."""
    shape = recipe.encoder
    return EncoderConfig(
        layouts={kind: KindLayout.of(SPECS[kind]) for kind in kinds},
        width=shape.width,
        blocks=shape.blocks,
        embedding=shape.embedding,
        quantiles=shape.quantiles,
        text_buckets=shape.text_buckets,
        text_width=shape.text_width,
        text_orders=shape.text_orders,
        text_bytes=shape.text_bytes,
    )
