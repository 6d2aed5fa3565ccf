"""Hashes of strings, and the distinct ones among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from enricher.features.arrow import StringColumn, load_byte, load_word
from enricher.features.compiled import kernel

HashArray = npt.NDArray[np.uint64]

# The hash of an absent string: a key of its own.
NULL_HASH = np.uint64(0x9AE16A3B2F90404F)
_K1 = np.uint64(0x9E3779B97F4A7C15)
_K2 = np.uint64(0xBF58476D1CE4E5B9)
_K3 = np.uint64(0x94D049BB133111EB)
_U8 = np.uint64(8)
_U29 = np.uint64(29)
_U32 = np.uint64(32)
_WORD = 8


@kernel
def _hash_bytes(address: Any, length: Any) -> Any:
    """Hash bytes eight at a time: multiply, fold, and at the end splitmix64's finaliser.

    Finaliser: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
    """
    value = np.uint64(length) * _K3 + _K1
    place, left = address, length
    while left >= _WORD:
        value = (value ^ load_word(place)) * _K1
        value ^= value >> _U29
        place += _WORD
        left -= _WORD
    tail = np.uint64(0)
    for i in range(left):
        tail = (tail << _U8) | np.uint64(load_byte(place + i))
    value = (value ^ tail) * _K2
    value ^= value >> _U29
    value *= _K3
    return value ^ (value >> _U32)


@kernel
def _hash_all(addresses: Any, lengths: Any, limit: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        if lengths[i] < 0:
            out[i] = NULL_HASH
        else:
            out[i] = _hash_bytes(addresses[i], min(lengths[i], limit))


def hash_strings(column: StringColumn, limit: int = 2**31) -> HashArray:
    """uint64 [N], a hash of the first ``limit`` bytes of each string.

    The same on every machine and in every run. Absent strings all have :data:`NULL_HASH`.
    """
    out = np.empty(len(column), np.uint64)
    _hash_all(column.addresses, column.lengths, limit, out)
    return out


@kernel
def _combine(first: Any, second: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        value = first[i] * _K1 + second[i]
        value ^= value >> _U32
        value *= _K2
        value ^= value >> _U29
        value *= _K3
        out[i] = value ^ (value >> _U32)


def combine(first: HashArray, second: HashArray) -> HashArray:
    """uint64 [N], one hash for each pair; the order of the two matters."""
    out = np.empty(first.shape[0], np.uint64)
    _combine(first, second, out)
    return out


@kernel
def _same(one: Any, other: Any, length: Any) -> bool:
    for i in range(length):  # noqa: SIM110 - numba knows no generators
        if load_byte(one + i) != load_byte(other + i):
            return False
    return True


@kernel
def _distinct(
    addresses: Any, lengths: Any, hashes: Any, limit: Any, table: Any, codes: Any, firsts: Any
) -> int:
    """Number the distinct strings in the order of their first appearance."""
    mask = table.shape[0] - 1
    count = 0
    for i in range(codes.shape[0]):
        if lengths[i] < 0:
            codes[i] = -1
            continue
        length = min(lengths[i], limit)
        slot = np.int64(hashes[i] & np.uint64(mask))
        while True:
            code = table[slot]
            if code < 0:
                table[slot] = codes[i] = count
                firsts[count] = i
                count += 1
                break
            other = firsts[code]
            if (
                hashes[other] == hashes[i]
                and min(lengths[other], limit) == length
                and _same(addresses[other], addresses[i], length)
            ):
                codes[i] = code
                break
            slot = (slot + 1) & mask
    return count


@kernel
def _copy(addresses: Any, offsets: Any, data: Any) -> None:
    for m in range(addresses.shape[0]):
        for i in range(offsets[m + 1] - offsets[m]):
            data[offsets[m] + i] = load_byte(addresses[m] + i)


def distinct(
    column: StringColumn, hashes: HashArray, limit: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The distinct strings of a column, each cut to ``limit`` bytes.

    Args:
        column: N strings.
        hashes: uint64 [N], their hashes over the first ``limit`` bytes.
        limit: Most bytes of a string that count.

    Returns:
        ``data`` uint8 [B], ``offsets`` int64 [M + 1] and ``codes`` int32 [N] of a
        :class:`enricher.features.tensors.TextColumn`.
    """
    size = 1 << max(4, (2 * len(column)).bit_length())
    table = np.full(size, -1, np.int32)
    codes = np.empty(len(column), np.int32)
    firsts = np.empty(len(column), np.int64)
    count = _distinct(column.addresses, column.lengths, hashes, limit, table, codes, firsts)
    chosen = firsts[:count]
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.minimum(column.lengths[chosen], limit), out=offsets[1:])
    data = np.empty(int(offsets[-1]), np.uint8)
    _copy(column.addresses[chosen], offsets, data)
    return data, offsets, codes
