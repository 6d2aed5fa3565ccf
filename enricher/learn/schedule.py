"""How long and how fast is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from enricher.logs import Kind


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast is trained.

    Attributes:
        epochs: At most this many.
        steps: Batches an epoch.
        batch: Records a batch.
        rate: Highest learning rate; it rises over the first steps and falls as a cosine.
        decay: Weight decay.
        patience: Epochs without a better validation loss before stopping.
        mate_weight: Weight of a record as a counter-example of a family of its own group.
        weak_weight: Weight of a record that was labelled by rules.
        shares: Share of the steps that each kind gets.
    """

    epochs: int = 12
    steps: int = 120
    batch: int = 1024
    rate: float = 3e-3
    decay: float = 1e-2
    patience: int = 4
    mate_weight: float = 0.1
    weak_weight: float = 0.5
    shares: Mapping[Kind, float] = field(
        default_factory=lambda: {"conn": 0.5, "dns": 0.2, "http": 0.2, "ssl": 0.1}
    )
