"""The encoder's passes on a CPU: matrix products by PyTorch, all between them by own kernels.

Two thirds of the time of the layers as they stand in :mod:`enricher.detector.layers` go into
reading and writing what is between two products; here that is one pass over it each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from enricher.detector import encoder_kernels as kernels
from enricher.detector.inputs import Inputs
from enricher.detector.layers import Block, Stem
from enricher.detector.passes import spans
from enricher.detector.scaling import CHANNELS, QuantileScaler

CPU_ROWS = 2048
"""Records of a pass: what is between two products fits into a core's cache."""

_ONE_TABLE = np.zeros(1, np.int64)

Array = npt.NDArray[Any]


class CpuPasses:
    """One use of the encoder on a CPU, with room for what is between its products.

    Args:
        stem: Of the kind.
        norm: Before the blocks.
        blocks: Those of all kinds.
        out: From the last block to a half of the embedding.
    """

    def __init__(
        self, stem: Stem, norm: nn.LayerNorm, blocks: Iterable[nn.Module], out: nn.Linear
    ) -> None:
        width, rows = out.in_features, CPU_ROWS
        self._stem, self._norm, self._out = stem, norm, out
        self._blocks = [cast(Block, block) for block in blocks]
        self._scaled = (
            torch.zeros(CHANNELS * stem.own, rows),
            torch.zeros(stem.context.in_features, rows),
        )
        self._pieces = (_pieces(stem.scaler), _pieces(stem.context_scaler))
        self._sums = (torch.zeros(rows, width), torch.zeros(rows, width))
        self._hidden = torch.zeros(2 * rows, width)
        self._linear = torch.zeros(2 * rows, width)
        self._views = torch.zeros(2 * rows, out.out_features)

    def run(
        self, inputs: Inputs, texts: Sequence[tuple[Tensor, Tensor]]
    ) -> Iterator[tuple[int, int, Tensor]]:
        """The passes of :meth:`enricher.detector.encoder.Encoder.passes`; same values to 1e-5.

        Every pass has the same shape: its last rows, where it lacks records, are those of an
        earlier one. What it gives is overwritten by the next.

        Raises:
            ValueError: If the records have other columns than the kind.
            IndexError: If a category or string is none of those there are.
        """
        numeric, categorical = inputs.numeric.numpy(), inputs.categorical.numpy()
        found = [(table.numpy(), index.numpy()[:, None]) for table, index in texts]
        self._check(numeric, categorical, found)
        embedding = torch.zeros(CPU_ROWS, 2 * self._out.out_features)
        for start, stop in spans(len(inputs), CPU_ROWS):
            self._sum_up(
                numeric[start:stop],
                categorical[start:stop],
                [(table, index[start:stop]) for table, index in found],
            )
            self._through_trunk()
            kernels.join_views(self._views.numpy(), _array(self._out.bias), embedding.numpy())
            yield start, stop, embedding

    def _check(
        self, numeric: Array, categorical: Array, texts: Sequence[tuple[Array, Array]]
    ) -> None:
        """Refuse what the kernels would read beyond an array for: records may come from a file."""
        layout = self._stem.layout
        wanted, given = (layout.numeric, len(layout.categories)), (numeric, categorical)
        if tuple(array.shape[1] for array in given) != wanted:
            raise ValueError(f"records of {wanted} numbers and categories are needed")
        sizes = np.array(layout.categories, np.int64)
        if ((categorical < 0) | (categorical >= sizes)).any():
            raise IndexError("a category is beyond its vocabulary")
        for table, index in texts:
            if ((index < 0) | (index >= len(table))).any():
                raise IndexError("a string is beyond the distinct ones")

    def _sum_up(
        self, numeric: Array, categorical: Array, texts: Sequence[tuple[Array, Array]]
    ) -> None:
        """The sums of the stem, the bias of its first product left out."""
        stem, (record, context) = self._stem, self._sums
        _scale(stem.scaler, numeric, 0, self._pieces[0], self._scaled[0])
        _scale(stem.context_scaler, numeric, stem.own, self._pieces[1], self._scaled[1])
        torch.mm(self._scaled[0].t(), stem.record.weight.t(), out=record)
        torch.mm(self._scaled[1].t(), stem.context.weight.t(), out=context)
        if stem.layout.categories:
            table, starts = _array(stem.categorical.weight), stem.starts.numpy()
            kernels.add_lookups(record.numpy(), table, starts, categorical)
        for table, index in texts:
            kernels.add_lookups(record.numpy(), table, _ONE_TABLE, index)

    def _through_trunk(self) -> None:
        record, context = self._sums
        hidden, linear = self._hidden, self._linear
        norm = _array(self._norm.weight), _array(self._norm.bias)
        kernels.open_views(
            record.numpy(), context.numpy(), _array(self._stem.record.bias), *norm, hidden.numpy()
        )
        for block in self._blocks:
            torch.mm(hidden, block.linear.weight.t(), out=linear)
            kernels.close_block(
                linear.numpy(),
                _array(block.linear.bias),
                _array(block.norm.weight),
                _array(block.norm.bias),
                hidden.numpy(),
            )
        torch.mm(hidden, self._out.weight.t(), out=self._views)


def _pieces(scaler: QuantileScaler) -> Array:
    """How many pieces the rank function of each column has, int64 [D]."""
    numbers = np.arange(1, scaler.slopes.shape[0] + 1)[:, None]
    pieces: Array = np.where(scaler.slopes.numpy() != 0.0, numbers, 0).max(axis=0)
    return pieces


def _scale(scaler: QuantileScaler, numeric: Array, first: int, pieces: Array, out: Tensor) -> None:
    kernels.scale(
        numeric,
        first,
        scaler.median.numpy(),
        scaler.inverse_spread.numpy(),
        scaler.base.numpy(),
        scaler.low.numpy(),
        scaler.high.numpy(),
        scaler.slopes.numpy(),
        pieces,
        out.numpy(),
    )


def _array(parameter: Tensor) -> Array:
    array: Array = parameter.detach().numpy()
    return array
