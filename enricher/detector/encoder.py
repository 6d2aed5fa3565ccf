"""The shared encoder: records of every kind become points of one space.

A record is seen twice: alone, and in the context of the records before it. The two views make the
two halves of its embedding, through the same layers. What an analyst points at often comes cut out
of its log, without the context it had; a head for it looks at the first half only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from enricher.detector.config import EncoderConfig, KindLayout
from enricher.detector.inputs import Inputs
from enricher.detector.passes import filled, spans
from enricher.detector.scaling import CHANNELS, QuantileScaler
from enricher.detector.text import TextBag
from enricher.logs import Kind

TOLERANCE = 1e-5
"""How much two runs on the same records may differ, relative and absolute (1e-4 across devices).

On a CPU every pass has the same shape whatever the batch, so the same machine gives the same
bits; another instruction set may round otherwise.
"""

CPU_ROWS = 1024
CUDA_ROWS = 16384


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


class Encoder(nn.Module):
    """One stem per kind, one trunk for all. LayerNorm only: no record sees its batch."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stems = nn.ModuleDict(
            {kind: Stem(config.layouts[kind], config) for kind in config.kinds}
        )
        self.norm = nn.LayerNorm(config.width)
        self.blocks = nn.ModuleList(Block(config.width) for _ in range(config.blocks))
        self.out = nn.Linear(config.width, config.embedding // 2)

    def stem(self, kind: Kind) -> Stem:
        """The stem of a kind.

        Raises:
            KeyError: If the encoder was not made for the kind.
        """
        return cast(Stem, self.stems[kind])

    def trunk(self, total: Tensor) -> Tensor:
        """From a stem's sums, float32 [N, 2 H], to the embedding, float32 [N, E]."""
        record, context = total.chunk(2, dim=1)
        views = torch.cat((record, record + context))
        hidden = functional.gelu(self.norm(views))
        for block in self.blocks:
            hidden = block(hidden)
        return torch.cat(self.out(hidden).chunk(2), dim=1)

    def forward(self, inputs: Inputs) -> Tensor:
        """Embed in one pass, with gradients: for training. Float32 [N, E]."""
        stem = self.stem(inputs.kind)
        texts = stem.text_tables(inputs, None)
        return self.trunk(stem(inputs.numeric, inputs.categorical, texts))

    @torch.inference_mode()
    def passes(self, inputs: Inputs) -> Iterator[tuple[int, int, Tensor]]:
        """Embed without gradients, in passes of one fixed shape.

        Distinct strings are embedded once. The last pass is filled up, so that a record's
        embedding does not depend on how many others came with it; what is computed from the
        whole of a pass does not either.

        Yields:
            First row, last row (exclusive), and float32 [R, E] with at least that many lines.
        """
        rows = CUDA_ROWS if inputs.numeric.is_cuda else CPU_ROWS
        stem = self.stem(inputs.kind)
        texts = stem.text_tables(inputs, rows)
        for start, stop in spans(len(inputs), rows):
            total = stem(
                filled(inputs.numeric[start:stop], rows),
                filled(inputs.categorical[start:stop], rows),
                [(table, filled(index[start:stop], rows)) for table, index in texts],
            )
            yield start, stop, self.trunk(total)

    def encode(self, inputs: Inputs) -> Tensor:
        """The embeddings of :meth:`passes` in one tensor, float32 [N, E]."""
        result = inputs.numeric.new_empty(len(inputs), self.config.embedding)
        for start, stop, embedding in self.passes(inputs):
            result[start:stop] = embedding[: stop - start]
        return result
