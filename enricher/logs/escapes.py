r"""``\xNN`` escapes of Zeek and Suricata, turned back into the characters they stand for.

Zeek's TSV writer escapes separators, backslashes and bytes that are not printable ASCII; its JSON
writer and Suricata's escape only bytes that are not valid UTF-8. Decoded, the same text reads the
same from all of them. Bytes that make no valid UTF-8 stay as ``\xNN``. (A JSON log writes a
backslash that was in the traffic and an escape in the same way: they cannot be told apart there.)
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import polars as pl

# Value of each byte as a hexadecimal digit, 16 where it is none.
_HEX = np.full(256, 16, dtype=np.uint8)
for _digit in b"0123456789":
    _HEX[_digit] = _digit - ord("0")
for _digit in b"abcdef":
    _HEX[_digit] = _HEX[_digit - 32] = _digit - ord("a") + 10

_NO_UTF8 = re.compile(rb"\\x([89a-fA-F][0-9a-fA-F])")

# Bytes decoded in one go; bounds the index arrays, which are several times that.
_AT_ONCE = 1 << 23


def unescape(values: pl.Series, *, doubled: bool = False) -> pl.Series:
    r"""Decode ``\xNN`` escapes.

    Args:
        values: Strings; null stays null.
        doubled: A backslash of the traffic stands as two of them, as in Zeek's TSV.

    Returns:
        Strings of the same length and name. Only values with an escape are touched.
    """
    rows = values.str.contains("\\" if doubled else r"\x", literal=True).arg_true()
    if not rows.len():
        return values
    escaped = values.gather(rows)
    decoded: list[str] = []
    sizes = escaped.str.len_bytes().cast(pl.Int64).to_numpy()
    first, end = 0, 0
    ends = np.cumsum(sizes)
    while first < len(sizes):
        until = int(np.searchsorted(ends, end + _AT_ONCE, side="right"))
        until = max(until, first + 1)
        decoded += _decode(escaped.slice(first, until - first), sizes[first:until], doubled=doubled)
        first, end = until, int(ends[until - 1])
    return values.scatter(rows, pl.Series(decoded, dtype=pl.String))


def to_bytes(text: str) -> bytes:
    r"""The bytes of the traffic that a decoded text stands for.

    Args:
        text: A value of a canonical column, in which a byte that is no UTF-8 stands as ``\xNN``.
    """
    data = text.encode("utf-8", "surrogatepass")
    if b"\\x" not in data:
        return data
    return _NO_UTF8.sub(lambda found: bytes.fromhex(found.group(1).decode()), data)


def unescape_lists(values: pl.Series, *, doubled: bool = False) -> pl.Series:
    """Decode the elements of lists of strings, see :func:`unescape`."""
    if not values.explode().str.contains("\\", literal=True).any():
        return values

    def decode(elements: pl.Series) -> pl.Series:
        return unescape(elements, doubled=doubled)

    decoded = pl.element().map_batches(decode, return_dtype=pl.String(), is_elementwise=True)
    frame = pl.DataFrame({"v": values}).select(pl.col("v").list.eval(decoded))
    return frame.to_series().alias(values.name)


def _decode(values: pl.Series, sizes: npt.NDArray[np.int64], *, doubled: bool) -> list[str]:
    # A newline between values is no hexadecimal digit, so no escape spans two of them.
    joined: str = values.str.join("\n").item()
    data = np.frombuffer(joined.encode() + b"\n", dtype=np.uint8)
    slash = np.flatnonzero(data[:-1] == ord("\\"))
    second = _second_of_pairs(slash) if doubled else slash[:0]
    slash = np.setdiff1d(slash, second, assume_unique=True)
    slash = slash[slash < len(data) - 4]
    slash = slash[data[slash + 1] == ord("x")]
    high, low = _HEX[data[slash + 2]], _HEX[data[slash + 3]]
    good = (high < 16) & (low < 16)  # noqa: PLR2004 - the base
    slash = slash[good]
    out = data.copy()
    out[slash] = high[good] * 16 + low[good]
    keep = np.ones(len(data), dtype=bool)
    keep[second] = False
    for step in (1, 2, 3):
        keep[slash + step] = False
    # Where each value ends afterwards: by so much less as was taken out before that place.
    ends = np.cumsum(sizes + 1) - 1
    ends = ends - 3 * np.searchsorted(slash, ends) - np.searchsorted(second, ends)
    starts = np.concatenate([[0], ends[:-1] + 1])
    packed = out[keep].tobytes()
    # A decoder of the whole would lose the borders, for a value may hold any character.
    return [
        packed[start:end].decode("utf-8", "backslashreplace")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _second_of_pairs(slash: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Of runs of backslashes (their places, ascending), every second one."""
    if not len(slash):
        return slash
    begins = np.flatnonzero(np.diff(slash, prepend=slash[0] - 2) != 1)
    place_in_run = np.arange(len(slash)) - np.repeat(begins, np.diff(begins, append=len(slash)))
    return np.asarray(slash[place_in_run % 2 == 1])
