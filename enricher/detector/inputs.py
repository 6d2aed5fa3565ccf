"""Features as tensors on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from enricher.features.tensors import Features
from enricher.logs import Kind


@dataclass(frozen=True, slots=True)
class TextInput:
    """One text field: the distinct strings and which of them a record has.

    Attributes:
        data: uint8 [B], the bytes of the distinct strings, one after the other.
        offsets: int64 [M + 1], where each string begins and ends.
        codes: int64 [N], index of the record's string, -1 where it has none.
    """

    data: Tensor
    offsets: Tensor
    codes: Tensor


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the encoder takes: :class:`~enricher.features.tensors.Features` on a device.

    Attributes:
        kind: The kind of all records.
        numeric: float32 [N, D], not scaled, NaN where missing.
        categorical: int64 [N, C].
        text: One :class:`TextInput` per text field.
    """

    kind: Kind
    numeric: Tensor
    categorical: Tensor
    text: Mapping[str, TextInput]

    def __len__(self) -> int:
        return int(self.numeric.shape[0])

    @classmethod
    def of(cls, features: Features, device: torch.device) -> Inputs:
        """Bring features to a device; to CUDA through pinned memory, without waiting."""
        return cls(
            kind=features.kind,
            numeric=_move(features.numeric, device),
            categorical=_move(features.categorical, device).long(),
            text={
                name: TextInput(
                    data=_move(column.data, device),
                    offsets=_move(column.offsets, device),
                    codes=_move(column.codes, device).long(),
                )
                for name, column in features.text.items()
            },
        )

    def rows(self, index: Tensor) -> Inputs:
        """The records at ``index`` (int64 [R]); the distinct strings stay shared."""
        return Inputs(
            kind=self.kind,
            numeric=self.numeric[index],
            categorical=self.categorical[index],
            text={
                name: TextInput(text.data, text.offsets, text.codes[index])
                for name, text in self.text.items()
            },
        )


def _move(array: npt.NDArray[np.generic], device: torch.device) -> Tensor:
    array = np.ascontiguousarray(array)
    if not array.flags.writeable:  # Arrow's buffers are not; torch shares only what it may write
        array = array.copy()
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
