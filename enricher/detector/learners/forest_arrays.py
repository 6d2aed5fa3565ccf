"""The arrays of a forest that came from a file, checked: a file may come from another site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from enricher.detector.learners.forest_kernel import LEAF

Arrays = Mapping[str, npt.NDArray[Any]]

MOST_TREES: Final = 4_096
MOST_NODES: Final = 4_000_000
MOST_DEPTH: Final = 64
"""Bounds of a forest: they bound the memory and the time that a file can cost."""

_TYPES: Final[Mapping[str, type[np.generic]]] = {
    "feature": np.int32,
    "threshold": np.float32,
    "missing_left": np.bool_,
    "left": np.int32,
    "right": np.int32,
    "value": np.float32,
    "roots": np.int32,
    "width": np.int32,
}


def check_arrays(arrays: Arrays) -> None:
    """Make sure that walking these trees ends, quickly, and stays within its arrays.

    Args:
        arrays: As :meth:`enricher.detector.learners.forest.Forest.to_arrays` makes them.

    Raises:
        ValueError: Saying what is wrong.
    """
    if set(arrays) != set(_TYPES):
        raise ValueError(f"a forest has the arrays {sorted(_TYPES)}, not {sorted(arrays)}")
    for name, kind in _TYPES.items():
        if arrays[name].dtype != kind or arrays[name].ndim != 1:
            raise ValueError(f"{name} of a forest must be one line of {kind.__name__}")
    nodes, trees = len(arrays["feature"]), len(arrays["roots"])
    if any(len(arrays[name]) != nodes for name in set(_TYPES) - {"roots", "width"}):
        raise ValueError("the arrays of a forest's nodes must be equally long")
    if not 0 < trees <= MOST_TREES or not trees <= nodes <= MOST_NODES:
        raise ValueError(f"a forest of {trees} trees with {nodes} nodes is none, or too large")
    if len(arrays["width"]) != 1 or arrays["width"][0] < 1:
        raise ValueError("width of a forest must be one number of columns, at least 1")
    _check_values(arrays)
    _check_children(arrays)


def _check_values(arrays: Arrays) -> None:
    feature, value = arrays["feature"], arrays["value"]
    if feature.min() < LEAF or feature.max() >= arrays["width"][0]:
        raise ValueError("a tree asks for a feature that is not in the table")
    if not np.isfinite(arrays["threshold"]).all():
        raise ValueError("a threshold of a tree is not finite")
    if not (np.isfinite(value) & (value >= 0.0) & (value <= 1.0)).all():
        raise ValueError("a leaf's value is not in [0, 1]")


def _check_children(arrays: Arrays) -> None:
    """Children stand behind their parent in the same tree; no way down is too long."""
    feature, roots = arrays["feature"], arrays["roots"].astype(np.int64)
    nodes = len(feature)
    ends = np.append(roots[1:], nodes)
    if roots[0] != 0 or (ends <= roots).any():
        raise ValueError("the roots of a forest must begin at 0 and rise")
    inner = np.flatnonzero(feature != LEAF)
    end = np.repeat(ends, ends - roots)[inner]
    for side in ("left", "right"):
        child = arrays[side][inner]
        if (child <= inner).any() or (child >= end).any():
            raise ValueError("a child must stand behind its parent, in the same tree")
    if _depth(arrays, inner) > MOST_DEPTH:
        raise ValueError(f"a tree is deeper than {MOST_DEPTH}")


def _depth(arrays: Arrays, inner: npt.NDArray[np.int64]) -> int:
    """Length of the longest way down from any node, counted up to one more than is allowed."""
    left, right = arrays["left"][inner], arrays["right"][inner]
    below = np.zeros(len(arrays["feature"]), np.int64)
    for depth in range(MOST_DEPTH + 1):
        longer = np.maximum(below[left], below[right]) + 1
        if (longer == below[inner]).all():
            return depth
        below[inner] = longer
    return MOST_DEPTH + 1
