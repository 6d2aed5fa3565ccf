"""Episodes: support and query sets of some tasks, to learn how to adapt from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Episode:
    """T tasks of one shape.

    Attributes:
        attack: Floats [T, K, D], the families' support sets.
        benign: Floats [T, B, D] or [B, D], the benign support.
        query: Floats [T, Q, D].
        labels: Bool [T, Q], true for the family.

    Raises:
        ValueError: If the query set and its labels do not fit the support sets.
    """

    attack: Tensor
    benign: Tensor
    query: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        tasks, _, features = self.attack.shape
        fits = self.query.shape[0] == tasks and self.query.shape[-1] == features
        if not fits or self.labels.shape != self.query.shape[:-1]:
            raise ValueError(
                f"query {list(self.query.shape)} with labels {list(self.labels.shape)}"
                f" does not fit attack {list(self.attack.shape)}"
            )
        if self.labels.dtype != torch.bool:
            raise ValueError(f"labels must be bool, not {self.labels.dtype}")

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Attack, benign, query and labels."""
        return self.attack, self.benign, self.query, self.labels

    @property
    def in_dims(self) -> tuple[int, int | None, int, int]:
        """Which dimension of ``tensors`` counts tasks, for ``torch.func.vmap``."""
        return 0, benign_dim(self.attack, self.benign), 0, 0


def benign_dim(attack: Tensor, benign: Tensor) -> int | None:
    """The dimension of ``benign`` that counts tasks; ``None`` if all share it."""
    return 0 if benign.ndim == attack.ndim else None


def support_loss(attack: Tensor, benign: Tensor) -> Tensor:
    """Cross-entropy of the logits of attacks [K] and benign records [B]; both weigh the same."""
    return (functional.softplus(-attack).mean() + functional.softplus(benign).mean()) / 2


def query_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of logits [Q] with labels [Q]; both classes weigh the same.

    A query set of one class alone counts that one.
    """
    losses = functional.softplus(torch.where(labels, -logits, logits))
    total = losses.new_zeros(())
    for member in (labels, ~labels):
        total = total + (losses * member).sum() / member.sum().clamp(min=1)
    return total / 2
