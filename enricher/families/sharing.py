"""A family as one small file that another site can import.

In the file: the heads (numbers of a linear head, trees, scales, a threshold) and, in its header,
the family's name, its figures, the model it needs and the day it was made. Not in it: the support
records, addresses, host names, ids, paths, times, notes. The numbers are learned from records all
the same: the split points of trees lie between values of features such as sizes and durations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy.typing as npt

from enricher.errors import InputError, OutputError
from enricher.families.family import Family
from enricher.families.tensor_file import decode, encode
from enricher.families.whole_files import MAX_BYTES, read_bounded, write_whole

FORMAT = "enricher-family"
VERSION = 1

Arrays = Mapping[str, npt.NDArray[Any]]


def export_family(family: Family, arrays: Arrays, path: Path) -> int:
    """Write a family to a file; gives its size in bytes.

    Args:
        family: What is known of it.
        arrays: The arrays of its heads.
        path: The file; one that is there is replaced.

    Raises:
        OutputError: If it can not be written, or is too large to be imported.
    """
    made = datetime.fromtimestamp(family.updated, UTC).date().isoformat()
    words = {
        "format": FORMAT,
        "version": VERSION,
        "name": family.name,
        "made": made,
        "bundle": family.bundle,
        "bundle_name": family.bundle_name,
        "bundle_version": family.bundle_version,
        "kinds": {kind: asdict(figures) for kind, figures in family.kinds.items()},
    }
    data = encode(arrays, words)
    if len(data) > MAX_BYTES:
        raise OutputError(
            f"the heads of {family.name!a} take more than the {MAX_BYTES // 1024 // 1024} MiB "
            "that are imported; adapt it from fewer records"
        )
    try:
        write_whole(path, data)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return len(data)


def read_shared(path: Path, now: float) -> tuple[Family, dict[str, npt.NDArray[Any]]]:
    """Read a file that another site made: what it says of the family, and arrays.

    The arrays are not looked at: :func:`enricher.families.heads_file.heads_of` does that.

    Args:
        path: The file.
        now: Seconds UTC.

    Raises:
        InputError: If it is no such file.
    """
    try:
        arrays, words = decode(read_bounded(path))
        return _family(words, now), arrays
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"is no family that 'enricher families export' wrote: {error}", path
        ) from error


def _family(words: Mapping[str, Any], now: float) -> Family:
    if words["format"] != FORMAT or words["version"] != VERSION:
        raise ValueError("it has another format, or another version of it")
    names = ("name", "bundle", "bundle_name", "bundle_version", "kinds")
    plain = {name: words[name] for name in names}
    times = {"created": 0.0, "updated": 0.0}
    family = Family.from_plain({**plain, **times, "origin": "imported", "notes": []})
    return replace(family, created=now, updated=now)
