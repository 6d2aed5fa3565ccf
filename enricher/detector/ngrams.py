"""Hashed character n-grams of many strings at once, on the device that holds them.

The strings stay bytes: each string becomes a bag of bucket numbers, one for every n-gram of its
bytes between a begin and an end mark (the subword scheme of Bojanowski et al. 2017, "Enriching
Word Vectors with Subword Information"). Integer arithmetic only, so that every device gives the
same buckets.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_BEGIN = 256
_END = 257
_SYMBOL_BITS = 9
MAX_ORDER = 4
# 2**64 / golden ratio as a signed number: Fibonacci hashing (Knuth, TAOCP vol. 3, 6.4).
_MULTIPLIER = 0x9E3779B97F4A7C15 - 2**64
_HASH_SHIFT = 32
MAX_BUCKETS = 1 << 24


@dataclass(frozen=True, slots=True)
class Bags:
    """Bucket numbers of M strings, in the layout of :func:`torch.nn.functional.embedding_bag`.

    Attributes:
        buckets: int64 [G], bucket of each n-gram, string after string.
        offsets: int64 [M], where the bag of each string begins.
        counts: int64 [M], number of n-grams of each string; at least 1.
    """

    buckets: Tensor
    offsets: Tensor
    counts: Tensor


def ngram_bags(data: Tensor, offsets: Tensor, *, buckets: int, orders: int, max_bytes: int) -> Bags:
    """Hash the n-grams of every string, n = 1 … ``orders``.

    Args:
        data: uint8 [B], the strings one after the other.
        offsets: int64 [M + 1], where each begins and ends.
        buckets: Number of buckets, a power of two up to 2**24.
        orders: The longest n-gram, 1 to 4.
        max_bytes: What is longer is cut: a string costs no more than this.

    Raises:
        ValueError: If ``buckets`` or ``orders`` is out of its range.
    """
    if not 1 <= orders <= MAX_ORDER:
        raise ValueError(f"n-grams of 1 to {MAX_ORDER} bytes can be hashed, not {orders}")
    if not 1 <= buckets <= MAX_BUCKETS or buckets & (buckets - 1):
        raise ValueError(f"the number of buckets must be a power of two to 2**24, not {buckets}")
    symbols, lengths, remaining = _marked(data, offsets, max_bytes)
    size = symbols.shape[0]
    orders_range = torch.arange(1, orders + 1, device=data.device)
    padded = torch.nn.functional.pad(symbols, (0, orders - 1))
    key = torch.zeros_like(symbols)
    columns = []
    for order in range(orders):
        key = (key << _SYMBOL_BITS) | padded[order : order + size]
        columns.append(key | ((order + 1) << (_SYMBOL_BITS * MAX_ORDER)))
    keys = torch.stack(columns, dim=1)
    inside = orders_range[None, :] <= remaining[:, None]
    chosen = torch.masked_select(keys, inside)
    hashed = chosen.mul_(_MULTIPLIER).bitwise_right_shift_(_HASH_SHIFT).bitwise_and_(buckets - 1)
    counts = (lengths[:, None] - orders_range[None, :] + 1).clamp_(min=0).sum(dim=1)
    starts = torch.cumsum(counts, dim=0) - counts
    return Bags(buckets=hashed, offsets=starts, counts=counts)


def _marked(data: Tensor, offsets: Tensor, max_bytes: int) -> tuple[Tensor, Tensor, Tensor]:
    """The symbols of all strings between marks, their lengths, and how many symbols are left.

    Returns:
        int64 [P] symbols; int64 [M] length of each string with its marks; int64 [P] number of
        symbols from each position to the end of its string, the position's own among them.
    """
    begins = offsets[:-1]
    lengths = (offsets[1:] - begins).clamp(max=max_bytes) + 2
    ends = torch.cumsum(lengths, dim=0)
    starts = ends - lengths
    if not data.shape[0]:
        data = data.new_zeros(1)  # only empty strings: what is read here is overwritten below
    # Repeating and selecting whole lines is several times faster than indexing with tensors.
    shift = torch.repeat_interleave(begins - starts - 1, lengths)
    place = torch.arange(shift.shape[0], device=data.device)
    source = shift.add_(place).clamp_(0, data.shape[0] - 1)
    symbols = torch.index_select(data, 0, source).long()
    symbols.index_fill_(0, starts, _BEGIN)
    symbols.index_fill_(0, ends - 1, _END)
    remaining = torch.repeat_interleave(ends, lengths).sub_(place)
    return symbols, lengths, remaining
