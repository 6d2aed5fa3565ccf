"""Everything with weights, as one module: what training fills and a bundle stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from enricher.detector.attack import AttackHead
from enricher.detector.config import EncoderConfig
from enricher.detector.encoder import Encoder
from enricher.detector.heads import Heads
from enricher.detector.inputs import Inputs
from enricher.detector.novelty import CENTRES, NoveltyModel
from enricher.detector.unseen import Unseen
from enricher.logs import Kind


class Baseline(nn.Module):
    """What an ordinary benign record of a kind looks like: what explanations compare with.

    Buffers: ``numeric`` float32 [D], the medians before scaling (NaN where most records have no
    value); ``categorical`` int64 [C], the most frequent values; ``text`` float32 [T, H], the mean
    contribution of each text field to the stem.
    """

    numeric: Tensor
    categorical: Tensor
    text: Tensor

    def __init__(self, config: EncoderConfig, kind: Kind) -> None:
        super().__init__()
        layout = config.layouts[kind]
        self.register_buffer("numeric", torch.full((layout.numeric,), torch.nan))
        self.register_buffer("categorical", torch.zeros(len(layout.categories), dtype=torch.int64))
        self.register_buffer("text", torch.zeros(len(layout.text), config.width))

    @torch.no_grad()
    def fit(self, encoder: Encoder, benign: Inputs) -> None:
        """Learn it from benign records, once the encoder is trained; some ten thousand do."""
        if not len(benign):
            return
        numbers = benign.numeric
        medians = torch.nanmedian(numbers, dim=0).values
        mostly = torch.isnan(numbers).float().mean(0) > 0.5  # noqa: PLR2004 - more than half
        self.numeric.copy_(torch.where(mostly, torch.nan, medians))
        if benign.categorical.shape[1]:
            self.categorical.copy_(torch.mode(benign.categorical.cpu(), dim=0).values)
        for place, (table, index) in enumerate(encoder.stem(benign.kind).text_tables(benign, None)):
            weight = torch.bincount(index, minlength=len(table)).to(table.dtype)
            self.text[place] = weight @ table / len(benign)


class Model(nn.Module):
    """Encoder, heads, the head for any attack, and per kind a novelty model and a baseline.

    Args:
        config: Shape of the encoder.
        families: Names of the families, without ``benign``.
        centres: Number of novelty centres of each kind, where it is known.
    """

    def __init__(
        self,
        config: EncoderConfig,
        families: Sequence[str],
        centres: Mapping[Kind, int] | None = None,
    ) -> None:
        super().__init__()
        kinds = config.kinds
        self.config = config
        self.encoder = Encoder(config)
        self.heads = Heads(families, kinds, config.embedding)
        self.attack = AttackHead(config.embedding)
        known = centres or {}
        self.novelties = nn.ModuleDict(
            {kind: NoveltyModel(config.embedding, known.get(kind, CENTRES)) for kind in kinds}
        )
        self.unseen = nn.ModuleDict({kind: Unseen() for kind in kinds})
        self.baselines = nn.ModuleDict({kind: Baseline(config, kind) for kind in kinds})

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds it was made for."""
        return self.config.kinds

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.heads.weight.device

    def novelty(self, kind: Kind) -> NoveltyModel:
        """The novelty model of a kind; assign ``model.novelties[kind]`` to replace it."""
        return cast(NoveltyModel, self.novelties[kind])

    def novelties_of(self, embedding: Tensor, kind: Kind) -> Tensor:
        """How new records are, float32 [N], from their embeddings float32 [N, E]."""
        unseen = cast(Unseen, self.unseen[kind])
        distance = self.novelty(kind).score(embedding)
        return cast(Tensor, unseen(distance, self.attack.logits(embedding)))

    def baseline(self, kind: Kind) -> Baseline:
        """The ordinary benign record of a kind."""
        return cast(Baseline, self.baselines[kind])

    def ordinary(self, kind: Kind) -> Tensor:
        """The stem's sums of the ordinary benign record of a kind, float32 [1, 2 H]."""
        baseline = self.baseline(kind)
        sums = self.encoder.stem(kind)(baseline.numeric[None], baseline.categorical[None], [])
        record, context = cast(Tensor, sums).chunk(2, dim=1)
        return torch.cat((record + baseline.text.sum(0), context), dim=1)
