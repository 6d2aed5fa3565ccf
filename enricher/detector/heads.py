"""Family heads: every family is one line of one matrix."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from enricher.detector.calibration import Platt
from enricher.logs import Kind


class Heads(nn.Module):
    """A linear head per family over the embedding, all in one product, calibrated per kind.

    ``weight`` [F, E] and ``bias`` [F] are trained; ``scale`` and ``offset`` [K, F] are the
    calibration, the identity until it is set; ``applicable`` [K, F] says which family is known
    in which kind: elsewhere its score is 0.

    Args:
        families: Names of the families, without ``benign``.
        kinds: The kinds, in the order of the calibration's lines.
        embedding: Size E of the embedding.

    Raises:
        ValueError: If a family or kind is named twice.
    """

    scale: Tensor
    offset: Tensor
    applicable: Tensor

    def __init__(self, families: Sequence[str], kinds: Sequence[Kind], embedding: int) -> None:
        super().__init__()
        if len(set(families)) != len(families) or len(set(kinds)) != len(kinds):
            raise ValueError(f"families and kinds must be distinct: {families}, {kinds}")
        self.families = tuple(families)
        self.kinds = tuple(kinds)
        shape = (len(kinds), len(families))
        self.weight = nn.Parameter(torch.randn(len(families), embedding) / embedding**0.5)
        self.bias = nn.Parameter(torch.zeros(len(families)))
        self.register_buffer("scale", torch.ones(shape))
        self.register_buffer("offset", torch.zeros(shape))
        self.register_buffer("applicable", torch.ones(shape, dtype=torch.bool))

    def index(self, family: str) -> int:
        """The family's column.

        Raises:
            ValueError: If there is no such family.
        """
        return self.families.index(family)

    def logits(self, embedding: Tensor) -> Tensor:
        """Raw logits float32 [N, F] of an embedding float32 [N, E]."""
        return torch.addmm(self.bias, embedding, self.weight.t())

    def calibrated_logits(self, embedding: Tensor, kind: Kind) -> Tensor:
        """Logits after the kind's calibration, float32 [N, F]; applicability is left out."""
        line = self.kinds.index(kind)
        return self.logits(embedding) * self.scale[line] + self.offset[line]

    def forward(self, embedding: Tensor, kind: Kind) -> Tensor:
        """Calibrated scores in [0, 1], float32 [N, F]; 0 where a family is not applicable."""
        scores = torch.sigmoid(self.calibrated_logits(embedding, kind))
        return scores * self.applicable[self.kinds.index(kind)]

    def calibrate(self, kind: Kind, family: str, calibration: Platt | None) -> None:
        """Set what a family's scores mean in a kind; ``None``: it does not occur there."""
        place = self.kinds.index(kind), self.index(family)
        self.applicable[place] = calibration is not None
        self.scale[place] = 1.0 if calibration is None else calibration.scale
        self.offset[place] = 0.0 if calibration is None else calibration.offset
