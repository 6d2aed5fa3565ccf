"""Cutting work into passes of one size."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def spans(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut ``count`` rows into spans (start, stop) of ``size``; the last may be shorter."""
    for start in range(0, count, size):
        yield start, min(start + size, count)


def filled(part: Tensor, size: int) -> Tensor:
    """``part`` with zeros below, so that it has ``size`` lines."""
    lacking = size - part.shape[0]
    if not lacking:
        return part
    return torch.cat((part, part.new_zeros(lacking, *part.shape[1:])))
