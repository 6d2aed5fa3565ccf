"""The shared encoder: records of every kind become points of one space.

A record is seen twice: alone, and in the context of the records before it. The two views make the
two halves of its embedding, through the same layers. What an analyst points at often comes cut out
of its log, without the context it had; a head for it looks at the first half only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from enricher.detector.config import EncoderConfig
from enricher.detector.cpu_passes import CPU_ROWS, CpuPasses
from enricher.detector.inputs import Inputs
from enricher.detector.layers import Block, Stem
from enricher.detector.passes import filled, spans
from enricher.logs import Kind

TOLERANCE = 1e-5
"""How much two runs on the same records may differ, relative and absolute (1e-4 across devices).

On a CPU every pass has the same shape whatever the batch, so the same machine gives the same
bits; another instruction set may round otherwise.
"""

CUDA_ROWS = 16384


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
        stem = self.stem(inputs.kind)
        if not inputs.numeric.is_cuda:
            texts = stem.text_tables(inputs, CPU_ROWS)
            yield from CpuPasses(stem, self.norm, self.blocks, self.out).run(inputs, texts)
            return
        rows = CUDA_ROWS
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
