"""The layers of the encoder: a stem for each kind, and the blocks that all kinds share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.inputs import Inputs
from enricher.detector.scaling import CHANNELS, QuantileScaler
from enricher.detector.text import TextBag


@dataclass(frozen=True, slots=True)
class StemParts:
    """What each field of N records adds to the stem's sums; for explanation.

    Attributes:
        record: float32 [N, 3 (D - X)], the scaled numbers of the record itself.
        context: float32 [N, 3 X], those of its context.
        categorical: float32 [N, C, H], added to the record's sum.
        text: float32 [N, T, H], likewise.
    """

    record: Tensor
    context: Tensor
    categorical: Tensor
    text: Tensor


class Stem(nn.Module):
    """The part of the encoder that knows one kind: a sum of what every field contributes."""

    starts: Tensor

    def __init__(self, layout: KindLayout, config: EncoderConfig) -> None:
        super().__init__()
        self.layout = layout
        self.own = layout.numeric - layout.context
        self.scaler = QuantileScaler(self.own, config.quantiles)
        self.record = nn.Linear(CHANNELS * self.own, config.width)
        self.context_scaler = QuantileScaler(layout.context, config.quantiles)
        self.context = nn.Linear(CHANNELS * layout.context, config.width, bias=False)
        sizes = torch.tensor((0, *layout.categories), dtype=torch.int64)
        self.register_buffer("starts", torch.cumsum(sizes, 0)[:-1], persistent=False)
        self.categorical = nn.Embedding(max(1, sum(layout.categories)), config.width)
        nn.init.normal_(self.categorical.weight, std=0.1)
        self.text = nn.ModuleDict({name: TextBag(config) for name in layout.text})

    def fit_scalers(self, numeric: npt.NDArray[np.float32]) -> None:
        """Learn the quantiles of training records, float32 [N, D]."""
        self.scaler.fit(numeric[:, : self.own])
        self.context_scaler.fit(numeric[:, self.own :])

    def text_tables(self, inputs: Inputs, rows: int | None) -> list[tuple[Tensor, Tensor]]:
        """For each text field the contribution of each distinct string, and the records' index.

        The last line of a table is what stands for 'no string'.
        """
        tables = []
        for name in self.layout.text:
            text = inputs.text[name]
            table = cast(TextBag, self.text[name])(text, rows)
            absent = table.shape[0] - 1
            tables.append((table, torch.where(text.codes < 0, absent, text.codes)))
        return tables

    def forward(
        self, numeric: Tensor, categorical: Tensor, texts: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        """The sums of the record's fields and of its context's, float32 [N, 2 H]."""
        total = cast(Tensor, self.record(self.scaler(numeric[:, : self.own])))
        if self.layout.categories:
            total = total + functional.embedding_bag(
                categorical + self.starts, self.categorical.weight, mode="sum"
            )
        for table, index in texts:
            total = total + functional.embedding(index, table)
        context = self.context(self.context_scaler(numeric[:, self.own :]))
        return torch.cat((total, context), dim=1)

    def parts(self, inputs: Inputs) -> StemParts:
        """The same sums, field by field; texts that ``inputs`` does not have are left out."""
        texts = [
            functional.embedding(index, table)
            for table, index in (self.text_tables(inputs, None) if inputs.text else ())
        ]
        record = self.scaler(inputs.numeric[:, : self.own])
        return StemParts(
            record=record,
            context=self.context_scaler(inputs.numeric[:, self.own :]),
            categorical=self.categorical(inputs.categorical + self.starts),
            text=(
                torch.stack(texts, dim=1)
                if texts
                else record.new_zeros(len(inputs), 0, self.record.out_features)
            ),
        )


class Block(nn.Module):
    """Linear, LayerNorm, GELU, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Float32 [N, H] to the same."""
        return hidden + functional.gelu(self.norm(self.linear(hidden)))
