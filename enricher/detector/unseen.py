"""How new a record is: far from benign records, and like an attack of whatever kind."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ATTACK_WEIGHT = 6.0
"""How much an upper-tail unit of the attack score counts beside one of the distance. On families
left out of training the attack score finds more of them, the distance those that are like no
attack of training (weights of 0, 1, 2, 4 and the attack score alone were compared)."""

_TAIL = 0.999


def own_unit(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Median of benign scores [..., N], and the way from there to their highest thousandth."""
    exact = scores.double()
    middle = exact.quantile(0.5, dim=-1)
    return middle, (exact.quantile(_TAIL, dim=-1) - middle).clamp(min=1e-3)


class Unseen(nn.Module):
    """Sum of the distance from benign records and of the attack score, each in its own unit.

    The unit is the way from the median of benign records to their highest thousandth.
    """

    middle: Tensor
    unit: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(2))
        self.register_buffer("unit", torch.ones(2))

    @torch.no_grad()
    def fit(self, distance: Tensor, attack: Tensor) -> None:
        """Learn the units from benign records, float32 [N] each; left as they are without any."""
        if not len(distance):
            return
        middle, unit = own_unit(torch.stack((distance, attack)))
        self.middle.copy_(middle)
        self.unit.copy_(unit)

    def forward(self, distance: Tensor, attack: Tensor) -> Tensor:
        """Novelty, float32 [N]; larger is newer. Has gradients."""
        scaled = (distance - self.middle[0]) / self.unit[0]
        return scaled + ATTACK_WEIGHT * (attack - self.middle[1]) / self.unit[1]
