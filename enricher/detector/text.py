"""Text fields: a bag of hashed character n-grams becomes a vector."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from enricher.detector.config import EncoderConfig
from enricher.detector.inputs import TextInput
from enricher.detector.ngrams import ngram_bags
from enricher.detector.passes import filled, spans

_BYTES_PER_PASS = 1 << 16


class TextBag(nn.Module):
    """Embeds the distinct strings of one field, each once.

    The vectors of a string's n-grams are summed and divided by the root of their number, then
    normalised, so that a long string is no louder than a short one.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.table = nn.Parameter(torch.empty(config.text_buckets, config.text_width))
        nn.init.normal_(self.table, std=0.1)
        self.absent = nn.Parameter(torch.zeros(config.width))
        self.norm = nn.LayerNorm(config.text_width)
        self.hidden = nn.Linear(config.text_width, config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, text: TextInput, rows: int | None) -> Tensor:
        """Vectors of the M distinct strings, and of 'no string' in the last line.

        Args:
            text: The field.
            rows: Work in passes of this many strings, filled up; ``None`` is one pass.

        Returns:
            float32 [M + 1, H].
        """
        bags = self._bags(text)
        count = bags.shape[0]
        if rows is None:
            strings = self._project(bags)
        else:
            strings = bags.new_empty(count, self.config.width)
            for start, stop in spans(count, rows):
                projected = self._project(filled(bags[start:stop], rows))
                strings[start:stop] = projected[: stop - start]
        return torch.cat((strings, self.absent[None]))

    def _project(self, bags: Tensor) -> Tensor:
        hidden = functional.gelu(self.hidden(self.norm(bags)))
        return cast(Tensor, self.out(hidden))

    def _bags(self, text: TextInput) -> Tensor:
        """Float32 [M, W], in groups of strings so that memory stays bounded."""
        parts = [
            self._bag(text.data, text.offsets[start : stop + 1])
            for start, stop in _groups(text, self.config.text_bytes)
        ]
        return torch.cat(parts) if parts else self.table.new_zeros(0, self.config.text_width)

    def _bag(self, data: Tensor, offsets: Tensor) -> Tensor:
        bags = ngram_bags(
            data,
            offsets,
            buckets=self.config.text_buckets,
            orders=self.config.text_orders,
            max_bytes=self.config.text_bytes,
        )
        sums = functional.embedding_bag(bags.buckets, self.table, bags.offsets, mode="sum")
        return sums / bags.counts.to(sums.dtype).sqrt()[:, None]


def _groups(text: TextInput, max_bytes: int) -> list[tuple[int, int]]:
    """Ranges of strings that are read in one go."""
    count = text.offsets.shape[0] - 1
    if count <= 0:
        return []
    if text.data.shape[0] <= _BYTES_PER_PASS:
        return [(0, count)]
    # Every string costs at least a few symbols, so that a million empty ones are bounded too.
    kept = (text.offsets[1:] - text.offsets[:-1]).clamp(max=max_bytes) + 2
    group = (torch.cumsum(kept, 0) // _BYTES_PER_PASS).cpu()
    edges = (torch.nonzero(group[1:] != group[:-1]).flatten() + 1).tolist()
    return list(zip([0, *edges], [*edges, count], strict=True))
