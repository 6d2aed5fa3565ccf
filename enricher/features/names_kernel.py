"""Where the parts of a host or domain name stand, found in bulk."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from enricher.features.arrow import load_byte
from enricher.features.compiled import kernel

_DOT: Final = 46
_COLON: Final = 58
_SHORT: Final = 3
_COUNTRY: Final = 2


@kernel
def _parts(  # noqa: C901, PLR0912 - one pass over the bytes
    addresses: Any, lengths: Any, zone: Any, core_end: Any, end: Any
) -> None:
    for i in range(addresses.shape[0]):
        last = lengths[i]
        if last < 0:
            zone[i] = core_end[i] = end[i] = 0
            continue
        # A port after a host name, and the root's dot, are no part of the name.
        stop = last
        for j in range(max(0, last - 6), last):
            if load_byte(addresses[i] + j) == _COLON:
                stop = j
                break
        if stop > 0 and load_byte(addresses[i] + stop - 1) == _DOT:
            stop -= 1
        end[i] = stop
        # The dots before the last, the last but one, and the last but two labels.
        dots = 0
        first = second = third = -1
        for j in range(stop - 1, -1, -1):
            if load_byte(addresses[i] + j) == _DOT:
                dots += 1
                if dots == 1:
                    first = j
                elif dots == 2:  # noqa: PLR2004 - the second dot
                    second = j
                else:
                    third = j
                    break
        if dots == 0:
            zone[i], core_end[i] = 0, stop
        elif stop - first - 1 == _COUNTRY and dots > 1 and first - second - 1 <= _SHORT:
            zone[i], core_end[i] = third + 1, second
        else:
            zone[i], core_end[i] = second + 1, first


def name_parts(
    addresses: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions in each name: where the zone begins, where its own label ends, where it all ends.

    The zone is the last two labels, or three where they look like ``co.uk``: a label of at most
    three letters before a country's. Of ``www.example.co.uk`` the zone is ``example.co.uk`` and
    its own label ``example``. A port after the name and a last dot are left out.
    """
    zone = np.empty(addresses.shape[0], np.int64)
    core_end = np.empty(addresses.shape[0], np.int64)
    end = np.empty(addresses.shape[0], np.int64)
    _parts(addresses, lengths, zone, core_end, end)
    return zone, core_end, end


@kernel
def _labels(data: Any, begin: Any, end: Any, labels: Any, longest: Any) -> None:
    for m in range(begin.shape[0]):
        count = 1 if end[m] > begin[m] else 0
        length = most = 0
        for i in range(begin[m], end[m]):
            if data[i] == _DOT:
                count += 1
                length = 0
            else:
                length += 1
                most = max(most, length)
        labels[m], longest[m] = count, most


def label_lengths(
    data: npt.NDArray[np.uint8], begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """int64 [M] each: number of labels, and length of the longest, in ``data[begin:end]``."""
    labels = np.empty(begin.shape[0], np.int64)
    longest = np.empty(begin.shape[0], np.int64)
    _labels(data, begin, end, labels, longest)
    return labels, longest


@kernel
def _last(data: Any, begin: Any, end: Any, out: Any) -> None:
    for m in range(begin.shape[0]):
        place = end[m]
        while place > 0 and data[begin[m] + place - 1] != _DOT:
            place -= 1
        out[m] = place


def last_labels(
    data: npt.NDArray[np.uint8], begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """int64 [M], where the last label begins, counted from ``begin``; ``end`` counts so too."""
    out = np.empty(begin.shape[0], np.int64)
    _last(data, begin, end, out)
    return out
