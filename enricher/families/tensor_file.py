"""Arrays and a few words about them as one safetensors file: nothing of it is code.

A file may come from anybody: its size, the size of its header and the number of its arrays are
bounded before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import safetensors.numpy
from safetensors import SafetensorError

Arrays = Mapping[str, npt.NDArray[Any]]

_MAX_HEADER = 1024 * 1024
_MAX_ARRAYS = 512
_LENGTH = 8
_KEY = "enricher"
_TYPES = frozenset({"BOOL", "U8", "I32", "I64", "F32"})


def encode(arrays: Arrays, words: Mapping[str, Any]) -> bytes:
    """Arrays and words (plain values for JSON) as the bytes of a file."""
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return safetensors.numpy.save(whole, metadata={_KEY: orjson.dumps(words).decode()})


def decode(data: bytes) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The inverse of :func:`encode`.

    Raises:
        ValueError: If the bytes are no such file.
    """
    words = _words(data)
    try:
        return safetensors.numpy.load(data), words
    except SafetensorError as error:
        raise ValueError(f"it is no safetensors file ({error})") from error


def _words(data: bytes) -> dict[str, Any]:
    """What the header says, once it is known to be small and to declare nothing unusual."""
    size = int.from_bytes(data[:_LENGTH], "little")
    if len(data) < _LENGTH or size > min(_MAX_HEADER, len(data) - _LENGTH):
        raise ValueError("it is no safetensors file, or cut short")
    try:
        header = orjson.loads(data[_LENGTH : _LENGTH + size])
        metadata = header.pop("__metadata__")
        words = orjson.loads(metadata[_KEY])
        types = {entry["dtype"] for entry in header.values()}
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError("its header is not that of a file of the enricher") from error
    if not isinstance(words, dict) or len(header) > _MAX_ARRAYS or not types <= _TYPES:
        raise ValueError("its header is not that of a file of the enricher")
    return words
