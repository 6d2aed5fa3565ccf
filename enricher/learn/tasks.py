"""What a model is fitted on."""

from __future__ import annotations

from dataclasses import dataclass

from enricher.features.rows import Rows
from enricher.learn.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Task:
    """Records to train on and to stop by, of one kind."""

    dataset: Dataset
    train: Rows
    valid: Rows
