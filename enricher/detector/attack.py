"""How much a record looks like an attack of any kind: what is known without a support set."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn


class AttackHead(nn.Module):
    """Two linear heads over the embedding: over its first half, and over the whole.

    Trained to tell the attacks of all families from benign records. A family that nobody has
    named yet often looks like some attack or other; for a family of few records this is a base
    learner that needs none.

    Args:
        embedding: Size E of the embedding.
    """

    def __init__(self, embedding: int) -> None:
        super().__init__()
        self.record = nn.Linear(embedding // 2, 1)
        self.whole = nn.Linear(embedding, 1)

    def alone(self, embedding: Tensor) -> Tensor:
        """Logits float32 [N] of an embedding float32 [N, E], the context left out."""
        return cast(Tensor, self.record(embedding[:, : self.record.in_features]))[:, 0]

    def logits(self, embedding: Tensor) -> Tensor:
        """Logits float32 [N] of an embedding float32 [N, E]."""
        return cast(Tensor, self.whole(embedding))[:, 0]
