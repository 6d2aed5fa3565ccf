"""Bodies trained through a head in closed form."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from enricher.detector.learners import Prototypes, Ridge
from enricher.detector.learners.points import checked
from enricher.learn.meta.episode import Episode, query_loss
from enricher.learn.meta.learner import EmbeddedHead, MetaLearner
from enricher.learn.meta.network import Network, embed


class EpisodicLearner(MetaLearner):
    """A network's body whose embedding is learned for the head that is solved on top of it.

    The network's own head is not used. For the loss, scores become logits by a learned scale and
    offset, as in R2D2.

    Args:
        network: Whose body embeds.
        solver: Solves the head.
        scale: The scale to start from.
        offset: The offset to start from.
    """

    def __init__(
        self, network: Network, solver: Prototypes | Ridge, scale: float, offset: float
    ) -> None:
        super().__init__()
        self.body = network.body
        self.solver = solver
        self.scale = nn.Parameter(torch.tensor(scale))
        self.offset = nn.Parameter(torch.tensor(offset))

    @torch.no_grad()
    def fit(self, attack: Tensor, benign: Tensor) -> EmbeddedHead:
        """See :meth:`Learner.fit`."""
        attack, benign = checked(attack, benign)
        head = self.solver.fit(embed(self.body, attack), embed(self.body, benign))
        return EmbeddedHead(self.body, head, attack.shape[-1])

    def accumulate(self, episode: Episode) -> float:
        """See :meth:`MetaLearner.accumulate`."""
        head = self.solver.solve(embed(self.body, episode.attack), embed(self.body, episode.benign))
        scores = head.scores(embed(self.body, episode.query))
        loss = query_loss(self.scale * scores + self.offset, episode.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())


class ProtoNet(EpisodicLearner):
    """Prototypical networks (Snell et al. 2017).

    Args:
        network: Whose body embeds.
        solver: With one or several benign prototypes.
    """

    name: ClassVar[str] = "protonet"

    def __init__(self, network: Network, solver: Prototypes | None = None) -> None:
        super().__init__(network, solver or Prototypes(), scale=0.1, offset=0.0)


class R2D2(EpisodicLearner):
    """Ridge regression on top of a learned embedding (Bertinetto et al. 2019).

    Args:
        network: Whose body embeds.
        solver: With its regularisation.
    """

    name: ClassVar[str] = "r2d2"

    def __init__(self, network: Network, solver: Ridge | None = None) -> None:
        super().__init__(network, solver or Ridge(), scale=8.0, offset=-4.0)
