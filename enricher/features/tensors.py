"""The tensors that records become. Pure data; how they are made is in the modules beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from enricher.logs import Kind

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]
OffsetArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TextColumn:
    """One text field of N records as raw bytes, in the layout of an Arrow string array.

    Each distinct string is stored once: ``codes`` says which of the M strings a record has.

    Attributes:
        data: uint8 [B], the UTF-8 bytes of the distinct strings, one after the other.
        offsets: int64 [M + 1]; string ``m`` is ``data[offsets[m]:offsets[m + 1]]``.
        codes: int32 [N], index of the record's string, -1 where it has none.
    """

    data: ByteArray
    offsets: OffsetArray
    codes: IntArray


@dataclass(frozen=True, slots=True)
class Features:
    """What the detector sees of N records of one kind.

    No address, raw port, timestamp or uid is among them.

    Attributes:
        kind: The kind of the records.
        spec_version: Version of the feature specification that made them.
        numeric: float32 [N, D], raw values after the signed logarithm where the specification
            says so; NaN where the record does not have the value. Scaling belongs to the bundle.
        categorical: int32 [N, C], index into the specification's vocabulary; 0 is 'absent',
            1 is 'a value that the vocabulary does not have'.
        text: One column per text field of the specification.
    """

    kind: Kind
    spec_version: int
    numeric: FloatArray
    categorical: IntArray
    text: Mapping[str, TextColumn]

    def __len__(self) -> int:
        return int(self.numeric.shape[0])
