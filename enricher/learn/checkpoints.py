"""Models that are fitted already, kept so that a training that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from enricher.learn.tasks import Task
from enricher.logs import Kind

_EPOCHS = "epochs"


class Checkpoints:
    """One file for each model that was fitted; nothing in it is unpickled.

    Args:
        folder: Where they are, made when needed; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(
        self, key: str, make: Callable[[], tuple[dict[str, Tensor], list[float]]]
    ) -> tuple[dict[str, Tensor], list[float]]:
        """Weights and validation losses: from the last time where there are any of that key."""
        if self._folder is None:
            return make()
        path = self._folder / f"{key}.safetensors"
        try:
            tensors = safetensors.torch.load(path.read_bytes())
            return tensors, tensors.pop(_EPOCHS).tolist()
        except (OSError, SafetensorError, KeyError):
            tensors, losses = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        whole = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        whole[_EPOCHS] = torch.tensor(losses, dtype=torch.float64)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(safetensors.torch.save(whole))
        unfinished.replace(path)
        return tensors, losses


def key_of(tasks: Mapping[Kind, Task], settings: Mapping[str, Any]) -> str:
    """Changes with everything that decides the weights: records, labels, settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for kind, task in sorted(tasks.items()):
        digest.update(kind.encode())
        features = task.dataset.features
        for rows in (task.train, task.valid):
            for array in (rows, task.dataset.labels[rows], task.dataset.variety[rows]):
                digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(
            np.ascontiguousarray(features.numeric[:: 1 + len(features) // 5_000]).tobytes()
        )
    return digest.hexdigest()[:32]
