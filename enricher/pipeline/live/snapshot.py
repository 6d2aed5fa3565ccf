"""The whole state of the service at one moment, as one file: arrays and plain values, no code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import safetensors.numpy
from safetensors import SafetensorError

from enricher.errors import OutputError, StateError
from enricher.pipeline.live.stored import FOLDER

Arrays = Mapping[str, npt.NDArray[Any]]

FORMAT = 1
_PREFIX, _SUFFIX = "snapshot-", ".safetensors"
_WORDS = "words"
_LARGEST = 4 << 30
_REMEDY = (
    "move the folder 'service' of the state directory away to begin anew; logs are read from "
    "their beginning then"
)


def write_snapshot(state: Path, number: int, arrays: Arrays, words: Mapping[str, Any]) -> str:
    """Write a snapshot, whole or not at all.

    Args:
        state: The state directory.
        number: Names the file; another one than that of the last snapshot.
        arrays: Arrays by name.
        words: Plain values for JSON.

    Returns:
        The name of the file, in the service's folder.

    Raises:
        OutputError: If it can not be written.
    """
    name = f"{_PREFIX}{number}{_SUFFIX}"
    path = state / FOLDER / name
    text = orjson.dumps({"format": FORMAT, **words})
    whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
    whole[_WORDS] = np.frombuffer(text, dtype=np.uint8)
    unfinished = path.with_suffix(".unfinished")
    try:
        safetensors.numpy.save_file(whole, unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except (OSError, SafetensorError) as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error}); make room on that disk") from error
    return name


def read_snapshot(state: Path, name: str) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Read a snapshot.

    Raises:
        StateError: If it is not there, damaged, or made by another version.
    """
    path = state / FOLDER / name
    try:
        return _read(path)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path}: cannot be read ({error}); {_REMEDY}") from error


def _read(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is no snapshot")
    arrays = safetensors.numpy.load_file(path)
    words = orjson.loads(arrays.pop(_WORDS).tobytes())
    if words["format"] != FORMAT:
        raise ValueError("it was made by another version")
    return arrays, words


def sweep_snapshots(state: Path, keep: str) -> None:
    """Remove every snapshot but one, and what a crash left half written."""
    for path in (state / FOLDER).glob(f"{_PREFIX}*"):
        if path.name != keep:
            path.unlink(missing_ok=True)
