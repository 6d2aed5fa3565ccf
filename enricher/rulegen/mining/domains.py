"""Conditions on domains: what the names of a family end with."""

from __future__ import annotations

import re
from collections import Counter

from enricher.rulegen.mining import atoms
from enricher.rulegen.mining.atoms import Atom
from enricher.rulegen.mining.evidence import Evidence

_MOST, _LABELS = 60, 4
_ADDRESS = re.compile(rb"[\d.]+|\[?[0-9a-f:]*:[0-9a-f:.]*\]?")
_NAME = re.compile(rb"[a-z0-9_.-]+")
_MANY = 16
_REVERSE = (b"arpa",)


def domain_atoms(evidence: Evidence, buffer: str, order: int) -> list[Atom]:
    """The domains that names of a buffer are in, the most frequent first.

    Args:
        evidence: Both worlds.
        buffer: Of names.
        order: Of preference; a domain of more labels comes after one of fewer.
    """
    values = evidence.family[buffer]
    counts: Counter[bytes] = Counter()
    for value, count in zip(values.lower, values.counts.tolist(), strict=True):
        if _NAME.fullmatch(value) is None or _ADDRESS.fullmatch(value):
            continue
        labels = value.strip(b".").split(b".")
        for size in range(2, min(len(labels), _LABELS) + 1):
            counts[b".".join(labels[-size:])] += count
    model = evidence.model(buffer)
    return [
        atoms.domain(
            buffer, name, model.bits(b"." + name, placed=True), order + name.count(b".") / _MANY
        )
        for name, _ in counts.most_common(_MOST)
        if not name.endswith(_REVERSE)
    ]
