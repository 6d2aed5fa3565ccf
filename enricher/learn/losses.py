"""What training asks of an encoder.

Tell families apart, tell attacks from benign, keep what belongs to a family together.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from enricher.detector.attack import AttackHead
from enricher.detector.heads import Heads
from enricher.logs import Kind


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each aim counts beside the families' cross-entropy.

    Attributes:
        alone: The families, told from the record without its context.
        attack: Any attack, with and without context.
        contrast: Supervised contrast of varieties, with and without context.
        temperature: Of the contrast.
    """

    alone: float = 0.5
    attack: float = 0.5
    contrast: float = 0.2
    temperature: float = 0.15


@dataclass(frozen=True, slots=True)
class Targets:
    """What is known of N records.

    Attributes:
        family: float32 [N, F], 1 where a record is of the family.
        weight: float32 [N, F], how much a record counts for or against the family.
        attack: float32 [N], 1 for an attack, also one of no family of the label space.
        weak: float32 [N], weight of the record's label.
        variety: int64 [N], -1 where a record is no attack.
    """

    family: Tensor
    weight: Tensor
    attack: Tensor
    weak: Tensor
    variety: Tensor


class Aims(nn.Module):
    """The heads that training needs beside the encoder, and the loss.

    Args:
        heads: The families' heads, which are served.
        attack: The head for any attack, which is served too.
    """

    def __init__(self, heads: Heads, attack: AttackHead, weights: Weights) -> None:
        super().__init__()
        self.heads = heads
        self.attack = attack
        self.weights = weights
        self.alone = nn.Linear(heads.weight.shape[1] // 2, len(heads.families))

    def loss(self, embedding: Tensor, kind: Kind, targets: Targets) -> Tensor:
        """Mean loss of N records of one kind, from their embedding float32 [N, E]."""
        count, weights = len(embedding), self.weights
        alone, context = embedding.chunk(2, dim=1)
        known = targets.weight * self.heads.applicable[self.heads.kinds.index(kind)]
        total = _cross_entropy(self.heads.logits(embedding), targets.family, known)
        total = total + weights.alone * _cross_entropy(self.alone(alone), targets.family, known)
        attack, weak = targets.attack, targets.weak
        for logits in (self.attack.alone(embedding), self.attack.logits(embedding)):
            total = total + weights.attack * _cross_entropy(logits, attack, weak)
        total = total / count
        if weights.contrast:
            for view in (alone, context):
                total = total + weights.contrast * contrast(
                    view, targets.variety, weights.temperature
                )
        return total


def contrast(embedding: Tensor, variety: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020) with benign records as contrast only.

    Benign traffic is no class of its own, so nothing pulls it together.

    Args:
        embedding: float32 [N, E].
        variety: int64 [N], -1 for benign.
        temperature: Of the softmax over cosines.

    Returns:
        The mean over attacks that have a mate among the records; 0 where there is none.
    """
    points = functional.normalize(embedding, dim=1)
    anchors = torch.nonzero(variety >= 0).flatten()
    alike = points[anchors] @ points.t() / temperature
    itself = torch.zeros_like(alike, dtype=torch.bool)
    itself[torch.arange(len(anchors)), anchors] = True
    alike = alike.masked_fill(itself, -torch.inf)
    mates = (variety[anchors, None] == variety[None]) & ~itself
    logs = functional.log_softmax(alike, dim=1).masked_fill(~mates, 0.0)
    number = mates.sum(1)
    some = number > 0
    if not bool(some.any()):
        return embedding.sum() * 0.0
    return -(logs[some].sum(1) / number[some]).mean()


def _cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    losses = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (losses * weight).sum()
