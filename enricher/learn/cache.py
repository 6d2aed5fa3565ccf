"""Features of labelled logs, kept on disk for the next training."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from enricher.features import SPECS
from enricher.features.tensors import Features, TextColumn
from enricher.learn.dataset import LabelledLog
from enricher.learn.manifest import LogSource

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

_TEXT_PARTS = ("data", "offsets", "codes")


class Cache:
    """One npz file for each log; nothing in it is unpickled.

    A file is used again while the log, the rule that labels it and the specification of the
    features stay as they are.

    Args:
        folder: Where the files are; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(
        self, source: LogSource, make: Callable[[LogSource], list[LabelledLog]], names: str = ""
    ) -> list[LabelledLog]:
        """What ``make`` gives for a source, kept from the last time where possible.

        Args:
            source: The log.
            make: Reads it.
            names: Digest of the model of names that its features are made with.
        """
        path = self.folder / f"{_key(source, names)}.npz"
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                return _unpacked(source, {name: stored[name] for name in stored.files})
        logs = make(source)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Two trainings may fill the same cache at once: each writes a file of its own.
        unfinished = path.with_suffix(f".{os.getpid()}.npz")
        arrays: dict[str, Any] = _packed(logs)
        np.savez(unfinished, **arrays)
        unfinished.replace(path)
        return logs


def _key(source: LogSource, names: str) -> str:
    """Changes with the file, the rule that labels it, and the specification of features."""
    stat = source.path.stat()
    what = [
        str(source),
        names,
        stat.st_size,
        stat.st_mtime_ns,
        json.dumps(SPECS[source.kind].to_dict(), sort_keys=True),
    ]
    return hashlib.sha256(repr(what).encode()).hexdigest()[:32]


def _packed(logs: list[LabelledLog]) -> Arrays:
    arrays: Arrays = {"captures": np.array([log.capture for log in logs])}
    for number, log in enumerate(logs):
        own: Arrays = {
            "numeric": log.features.numeric,
            "categorical": log.features.categorical,
            "families": log.families,
            "times": log.times,
            "sources": log.sources,
        }
        for name, column in log.features.text.items():
            own |= {f"text.{name}.{part}": getattr(column, part) for part in _TEXT_PARTS}
        arrays |= {f"{number}.{name}": value for name, value in own.items()}
    return arrays


def _unpacked(source: LogSource, arrays: Arrays) -> list[LabelledLog]:
    spec = SPECS[source.kind]
    return [
        LabelledLog(
            capture=str(capture),
            weak=source.weak,
            features=Features(
                kind=source.kind,
                spec_version=spec.version,
                numeric=arrays[f"{number}.numeric"],
                categorical=arrays[f"{number}.categorical"],
                text={
                    name: TextColumn(
                        *(arrays[f"{number}.text.{name}.{part}"] for part in _TEXT_PARTS)
                    )
                    for name in spec.text_names
                },
            ),
            families=arrays[f"{number}.families"],
            times=arrays[f"{number}.times"],
            sources=arrays[f"{number}.sources"],
        )
        for number, capture in enumerate(arrays["captures"])
    ]
