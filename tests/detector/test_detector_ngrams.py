"""Hashed n-grams are what a plain definition says, on every device."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from enricher.detector.ngrams import ngram_bags

BUCKETS = 256


def stored(strings: list[bytes]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([0, *(len(s) for s in strings)], dtype=torch.int64)
    data = torch.tensor(list(b"".join(strings)), dtype=torch.uint8)
    return data, torch.cumsum(lengths, 0)


def slow_bag(string: bytes, orders: int, max_bytes: int) -> list[int]:
    symbols = [256, *string[:max_bytes], 257]
    bag = []
    for place in range(len(symbols)):
        key = 0
        for order in range(1, orders + 1):
            if place + order > len(symbols):
                break
            key = (key << 9) | symbols[place + order - 1]
            product = ((key | (order << 36)) * 0x9E3779B97F4A7C15) % 2**64
            bag.append((product >> 32) & (BUCKETS - 1))
    return bag


@given(
    st.lists(st.binary(max_size=20), max_size=8),
    st.integers(1, 4),
    st.integers(1, 12),
)
def test_the_bags_are_those_of_the_plain_definition(
    strings: list[bytes], orders: int, max_bytes: int
) -> None:
    data, offsets = stored(strings)
    bags = ngram_bags(data, offsets, buckets=BUCKETS, orders=orders, max_bytes=max_bytes)
    expected = [slow_bag(s, orders, max_bytes) for s in strings]
    assert bags.buckets.tolist() == [b for bag in expected for b in bag]
    assert bags.counts.tolist() == [len(bag) for bag in expected]
    assert bags.offsets.tolist() == [sum(map(len, expected[:i])) for i in range(len(strings))]


def test_strings_may_begin_anywhere_in_the_data() -> None:
    data, offsets = stored([b"skipped", b"one", b"two"])
    part = ngram_bags(data, offsets[1:], buckets=BUCKETS, orders=3, max_bytes=9)
    whole = ngram_bags(*stored([b"one", b"two"]), buckets=BUCKETS, orders=3, max_bytes=9)
    assert part.buckets.tolist() == whole.buckets.tolist()


@pytest.mark.parametrize(("buckets", "orders"), [(100, 3), (0, 3), (1 << 25, 3), (64, 0), (64, 5)])
def test_settings_out_of_range_are_refused(buckets: int, orders: int) -> None:
    with pytest.raises(ValueError, match="not"):
        ngram_bags(*stored([b"x"]), buckets=buckets, orders=orders, max_bytes=9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_gives_the_same_buckets() -> None:
    data, offsets = stored([b"abc", b"", bytes(range(256)) * 3])
    here = ngram_bags(data, offsets, buckets=BUCKETS, orders=4, max_bytes=500)
    there = ngram_bags(data.cuda(), offsets.cuda(), buckets=BUCKETS, orders=4, max_bytes=500)
    assert torch.equal(here.buckets, there.buckets.cpu())
