"""The label space: names of families, their numbers, and which of them count as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from enricher.errors import InputError

UNLABELLED = -1
DOUBTFUL = -2
"""Labelled benign, but not believed: takes part in nothing, and is counted apart."""
GENERATED = -3
"""An attack of a family that was made up: teaches what attacks are like, and is no family of any
label space."""
BENIGN_LABEL = 0


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Numbers of families: 0 is benign, ``f`` is ``families[f - 1]``, -1 is unlabelled.

    Attributes:
        families: Names, sorted.
        groups: Name of a group -> its families. A family outside every group is its own group.
    """

    families: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Label of a family's name, or of ``benign``.

        Raises:
            KeyError: If the label space does not have it.
        """
        if name == "benign":
            return BENIGN_LABEL
        try:
            return self.families.index(name) + 1
        except ValueError:
            raise KeyError(name) from None

    def name(self, label: int) -> str:
        """Name of a label that is not -1."""
        return "benign" if label == BENIGN_LABEL else self.families[label - 1]

    def group(self, family: str) -> str:
        """The group of a family, or its own name."""
        return next((name for name, mates in self.groups.items() if family in mates), family)

    def mates(self) -> npt.NDArray[np.bool_]:
        """Whether two families belong to one group: bool [F, F], its diagonal True."""
        names = [self.group(family) for family in self.families]
        return np.array([[a == b for b in names] for a in names], dtype=np.bool_)


def load_groups(path: Path) -> dict[str, tuple[str, ...]]:
    """Groups of near-duplicate families from ``models/families.yaml``.

    Raises:
        InputError: If the file is missing or its groups overlap.
    """
    document = load_families(path)
    groups = {str(k): tuple(map(str, v)) for k, v in (document.get("groups") or {}).items()}
    members = [family for group in groups.values() for family in group]
    if len(members) != len(set(members)):
        raise InputError("a family is in two groups; keep it in one", path)
    return groups


def load_families(path: Path) -> dict[str, Any]:
    """The whole of ``models/families.yaml``.

    Raises:
        InputError: If it is missing or malformed.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); restore it", path) from error
    except yaml.YAMLError as error:
        raise InputError(f"is not readable YAML ({error}); correct it", path) from error
    if not isinstance(document, dict) or not isinstance(document.get("families"), dict):
        raise InputError("has no mapping 'families'; restore it", path)
    return document


def label_space(
    families: Iterable[str], groups: Mapping[str, tuple[str, ...]] | None = None
) -> LabelSpace:
    """A label space of the given families, sorted by name, without repeats."""
    return LabelSpace(tuple(sorted(set(families))), dict(groups or {}))
