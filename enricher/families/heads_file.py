"""The heads of a family as arrays by name, for the store and for other sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from enricher.detector.adaptation.family_head import FamilyHead
from enricher.logs import KINDS, Kind

Heads = Mapping[Kind, FamilyHead]


def arrays_of(heads: Heads) -> dict[str, npt.NDArray[Any]]:
    """The arrays of all heads, under ``kind/name``."""
    return {
        f"{kind}/{name}": array
        for kind, head in heads.items()
        for name, array in head.to_arrays().items()
    }


def heads_of(arrays: Mapping[str, npt.NDArray[Any]], bundle: str) -> dict[Kind, FamilyHead]:
    """The inverse of :func:`arrays_of`; the arrays may come from anybody.

    Args:
        arrays: By name.
        bundle: SHA-256 of the weights that the heads need.

    Raises:
        ValueError: If they are no heads.
    """
    parts: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for name, array in arrays.items():
        kind, _, rest = name.partition("/")
        parts.setdefault(kind, {})[rest] = array
    if not parts or not set(parts) <= set(KINDS):
        raise ValueError("it has no heads, or for kinds of records that are not known")
    return {
        kind: FamilyHead.from_arrays(kind, bundle, parts[kind]) for kind in KINDS if kind in parts
    }
