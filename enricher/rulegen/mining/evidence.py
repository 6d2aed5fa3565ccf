"""The records that a rule should match and those that it must not, of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from enricher.logs import Kind
from enricher.rulegen.matching.buffers import BUFFERS, Buffers
from enricher.rulegen.matching.values import Mask, Values
from enricher.rulegen.mining.atoms import Atom
from enricher.rulegen.mining.specific import Ordinary

_HELD = 96


class Evidence:
    """A family's records and benign ones.

    Args:
        kind: Their kind.
        family: The family's records.
        benign: Benign records.
        ordinary: Values of buffers that ordinary traffic anywhere has.

    Attributes:
        outbound: Local hosts talk to others: only then is what is said of the responder the
            attack's own, for a request from outside names the host that it attacks. Private
            addresses are taken as local (RFC 1918, RFC 4193).
        ends: Source and destination of a rule's header.
    """

    def __init__(
        self,
        kind: Kind,
        family: pl.DataFrame,
        benign: pl.DataFrame,
        ordinary: Mapping[str, Sequence[bytes]],
    ) -> None:
        self.kind = kind
        self.family = Buffers(kind, family)
        self.benign = Buffers(kind, benign)
        self._ordinary = ordinary
        self._models: dict[str, Ordinary] = {}
        self._usual: dict[str, Values] = {}
        self._masks: dict[Atom, Mask] = {}
        origin, target = private(family["id.orig_h"]), private(family["id.resp_h"])
        self.outbound = bool(len(family)) and bool((origin & ~target).mean() > _MOSTLY)
        self.ends = _ends(kind, origin, target)

    def model(self, buffer: str) -> Ordinary:
        """How surprising parts of a buffer are."""
        if buffer not in self._models:
            values = [*self.benign[buffer].lower, *map(bytes.lower, self._ordinary.get(buffer, ()))]
            self._models[buffer] = Ordinary(values)
        return self._models[buffer]

    def covered(self, atom: Atom) -> Mask:
        """Which of the family's records meet a condition, bool [N]."""
        return _mask(atom, self.family)

    def hits(self, atom: Atom) -> Mask:
        """Which of the benign records meet a condition, bool [M]."""
        if atom not in self._masks:
            if len(self._masks) >= _HELD:
                self._masks.pop(next(iter(self._masks)))
            self._masks[atom] = _mask(atom, self.benign)
        return self._masks[atom]

    def usual(self, atom: Atom) -> bool:
        """Whether a value that ordinary traffic has meets a condition, as far as that is known."""
        name = atom.buffer
        if name not in self._ordinary:
            return True
        if name not in self._usual:
            values = list(dict.fromkeys(self._ordinary.get(name, ())))
            self._usual[name] = Values(values, np.arange(len(values), dtype=np.int32))
        return bool(atom.on.mask(self._usual[name], folded=BUFFERS[name].folded).any())


def _mask(atom: Atom, buffers: Buffers) -> Mask:
    values = buffers[atom.buffer]
    return values.records(atom.on.mask(values, folded=BUFFERS[atom.buffer].folded))


def _ends(kind: Kind, origin: Mask, target: Mask) -> tuple[str, str]:
    """Source and destination of a header: the site's network where all of a family is on one side.

    Names are asked for at resolvers inside and outside, so of dns the source alone is told.
    """
    if len(origin) and origin.all():
        return HOME, "any"
    if len(target) and target.all() and kind != "dns":
        return "any", HOME
    return "any", "any"


HOME = "$HOME_NET"
_MOSTLY = 0.9
_PRIVATE = r"^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|127\.|169\.254\.|f[cd]|fe80:|::1$)"


def private(addresses: pl.Series) -> npt.NDArray[np.bool_]:
    """Which addresses are private, bool [N]."""
    return addresses.str.contains(_PRIVATE).fill_null(value=False).to_numpy()
