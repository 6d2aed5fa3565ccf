"""Which records are worth a walk through the forests of a family."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

SHARES = (0.3, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
"""Shares of the benign records that may be left open. The first is also how many families a benign
record is open to on average, at most: what is open costs a walk through the forests, so that many
families leave less open each."""
_ATTACK = 0.2
"""The part of a share that the score for any attack opens, the linear head opens the rest. The two
see different things: a record that either finds rare is open."""
_LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class Gates:
    """Scores of the linear head and of any attack from which a record is open, by share.

    Attributes:
        linear: float32 [G], one for each of :data:`SHARES`, rising from 0.
        attack: float32 [G], rising.
    """

    linear: FloatArray
    attack: FloatArray

    @classmethod
    def fit(cls, linear: FloatArray, attack: FloatArray) -> Self:
        """From scores of benign records, float32 [B] each; the widest linear gate may not be 0."""
        shares = np.asarray(SHARES)
        return cls(_upper(linear, shares * (1 - _ATTACK)), _upper(attack, shares * _ATTACK))

    def at(self, families: int) -> tuple[float, float]:
        """What has to be reached where so many families are served: linear score, attack score."""
        share = SHARES[0] / max(families, 1)
        place, places = -math.log(share), -np.log(SHARES)
        linear, attack = (np.interp(place, places, own) for own in (self.linear, self.attack))
        return float(linear), float(attack)

    def open(self, linear: FloatArray, attack: FloatArray) -> BoolArray:
        """Whether records are open beside few other families, bool [N]."""
        least_linear, least_attack = self.at(1)
        return (linear >= least_linear) | (attack >= least_attack)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Its arrays by name."""
        return {"gates": self.linear, "attack_gates": self.attack}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The inverse of :meth:`to_arrays`; the arrays may come from anybody.

        Raises:
            ValueError: If they are no gates, or those of an earlier version.
        """
        linear, attack = (arrays.get(name) for name in ("gates", "attack_gates"))
        if linear is None or attack is None:
            raise ValueError("a head lacks its gates, or an earlier version made it")
        for gates in (linear, attack):
            if gates.shape != (len(SHARES),) or gates.dtype != np.float32:
                raise ValueError("the gates of a head are not as many as there should be")
            if not (np.abs(gates) <= _LARGEST).all() or (np.diff(gates) < 0.0).any():
                raise ValueError("the gates of a head are not in order")
        if linear[0] != 0.0:
            raise ValueError("the widest gate of a head is not at 0")
        return cls(linear, attack)


def _upper(scores: FloatArray, shares: npt.NDArray[np.float64]) -> FloatArray:
    return np.quantile(scores.astype(np.float64), 1 - shares).astype(np.float32)
