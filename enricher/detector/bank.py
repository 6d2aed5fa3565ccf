"""Benign records that a bundle brings: to adapt against where a site has none of its own.

They come from simulated sites: no record of anybody is shipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError

from enricher.detector.adaptation.points import Points
from enricher.errors import BundleError
from enricher.logs import KINDS, Kind

BANK = "bank.safetensors"

_PARTS = ("table", "embedding", "attack")


def save_bank(folder: Path, bank: Mapping[Kind, Points]) -> str:
    """Write the records of each kind; gives the SHA-256 of the file."""
    tensors = {
        f"{kind}.{part}": torch.from_numpy(np.ascontiguousarray(getattr(points, part)))
        for kind, points in bank.items()
        for part in _PARTS
    }
    data = safetensors.torch.save(tensors)
    (folder / BANK).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def load_bank(folder: Path, digest: str) -> dict[Kind, Points]:
    """Read them.

    Args:
        folder: The bundle's folder.
        digest: What :func:`save_bank` gave.

    Raises:
        BundleError: If the file is missing or is not the one that was written.
    """
    path = folder / BANK
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path}: cannot be read ({error.strerror}); install the bundle again"
        ) from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise BundleError(f"{path}: is damaged; install the bundle again")
    try:
        tensors = safetensors.torch.load(data)
        return {
            kind: Points(kind, *(tensors[f"{kind}.{part}"].numpy() for part in _PARTS))
            for kind in KINDS
            if f"{kind}.table" in tensors
        }
    except (SafetensorError, KeyError) as error:
        raise BundleError(f"{path}: cannot be used ({error}); install the bundle again") from error
