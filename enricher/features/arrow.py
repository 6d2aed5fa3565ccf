"""Columns of strings as addresses and lengths, straight from Arrow buffers.

Polars hands its strings out through the Arrow C stream interface without a copy
(https://arrow.apache.org/docs/format/CStreamInterface.html). Every string becomes an address and
a length, whatever the layout, so that each kernel needs to know only one.
"""

from __future__ import annotations

import ctypes
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import types
from numba.extending import intrinsic

from enricher.features.compiled import kernel

_WORD = 8
# Strings of up to this many bytes stand inside their view (Arrow columnar format, 'view layout').
_INLINE = 12


@dataclass(frozen=True, slots=True, weakref_slot=True)
class StringColumn:
    """N strings as they lie in memory. Valid for as long as this object lives.

    Attributes:
        addresses: int64 [N], where each string's UTF-8 bytes begin.
        lengths: int64 [N], in bytes; -1 where the string is absent.
    """

    addresses: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.addresses.shape[0])


class _ArrowSchema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _ArrowArray(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _ArrowStream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)


def _release(structure: _ArrowSchema | _ArrowArray) -> None:
    if structure.release:
        _RELEASE(structure.release)(ctypes.addressof(structure))


def string_column(series: pl.Series) -> StringColumn:
    """Take the strings of a Polars series, without a copy of their bytes.

    Raises:
        TypeError: If the series does not hold strings.
    """
    if series.dtype != pl.String():
        raise TypeError(f"column {series.name!r} holds {series.dtype}, not strings")
    capsule = series.rechunk().__arrow_c_stream__(None)
    stream = _ArrowStream.from_address(_capsule_pointer(capsule, b"arrow_array_stream"))
    schema, array = _ArrowSchema(), _ArrowArray()
    for call, into in ((stream.get_schema, schema), (stream.get_next, array)):
        if call(ctypes.addressof(stream), ctypes.addressof(into)):
            raise TypeError(f"column {series.name!r} could not be exported as Arrow data")
    layout = bytes(schema.format or b"")
    _release(schema)
    if not array.release:  # a stream without a chunk: no rows
        return StringColumn(np.empty(0, np.int64), np.empty(0, np.int64))
    try:
        column = StringColumn(*_locate(array, layout))
    except TypeError:
        _release(array)
        raise
    weakref.finalize(column, _release, array)
    return column


def _locate(array: _ArrowArray, layout: bytes) -> tuple[Any, Any]:
    addresses = np.empty(array.length, np.int64)
    lengths = np.empty(array.length, np.int64)
    validity = array.buffers[0] or 0
    if layout == b"vu":
        data = np.array(
            [array.buffers[i] or 0 for i in range(2, array.n_buffers - 1)] or [0], np.int64
        )
        views = array.buffers[1] or 0
        _locate_views(views, data, validity, array.offset, addresses, lengths)
    elif layout in (b"U", b"u"):
        width = 8 if layout == b"U" else 4
        offsets, start = array.buffers[1] or 0, array.buffers[2] or 0
        _locate_offsets(offsets, width, start, validity, array.offset, addresses, lengths)
    else:
        raise TypeError(f"strings in the Arrow layout {layout!r} are not known here")
    return addresses, lengths


def _loader(numba_type: types.Type) -> Any:
    """A function for kernels: reads a number of the given type at an address."""

    @intrinsic
    def load(_typing: Any, _address: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            llvm_type = context.get_value_type(numba_type)
            pointer = builder.inttoptr(arguments[0], llvm_type.as_pointer())
            loaded = builder.load(pointer)
            loaded.align = 1  # strings begin anywhere
            return loaded

        return numba_type(types.int64), generate

    return load


load_byte = _loader(types.uint8)
load_word = _loader(types.uint64)
_load_int32 = _loader(types.int32)
_load_int64 = _loader(types.int64)


@kernel
def _locate_views(
    views: Any, data: Any, validity: Any, first: Any, addresses: Any, lengths: Any
) -> None:
    for i in range(addresses.shape[0]):
        row = first + i
        if validity != 0 and (load_byte(validity + (row >> 3)) >> (row & 7)) & 1 == 0:
            addresses[i], lengths[i] = 0, -1
            continue
        view = views + 16 * row
        length = _load_int32(view)
        lengths[i] = length
        if length <= _INLINE:
            addresses[i] = view + 4
        else:
            addresses[i] = data[_load_int32(view + 8)] + _load_int32(view + 12)


@kernel
def _locate_offsets(
    offsets: Any, width: Any, start: Any, validity: Any, first: Any, addresses: Any, lengths: Any
) -> None:
    for i in range(addresses.shape[0]):
        row = first + i
        if validity != 0 and (load_byte(validity + (row >> 3)) >> (row & 7)) & 1 == 0:
            addresses[i], lengths[i] = 0, -1
            continue
        place = offsets + width * row
        if width == _WORD:
            begin, end = _load_int64(place), _load_int64(place + width)
        else:
            begin, end = np.int64(_load_int32(place)), np.int64(_load_int32(place + width))
        addresses[i] = start + begin
        lengths[i] = end - begin
