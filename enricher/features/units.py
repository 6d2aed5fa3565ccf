"""How a stored feature value is said to a person."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

# What a stored value is: ``count`` and ``bytes`` and ``seconds`` are natural logarithms of one
# plus the amount (negative amounts mirrored), ``interval`` that of one plus milliseconds,
# ``quotient`` the logarithm of a quotient; ``share`` is a share of 1, ``flag`` 0 or 1, and
# ``plain`` a number as it is.
Unit: TypeAlias = Literal[
    "count", "bytes", "seconds", "interval", "quotient", "share", "flag", "plain"
]

_LARGEST_LOGARITHM = 600.0


def _amount(value: float) -> float:
    bounded = min(abs(value), _LARGEST_LOGARITHM)
    return math.copysign(math.expm1(bounded), value)


def _bytes(amount: float) -> str:
    for name in ("bytes", "kB", "MB", "GB"):
        if abs(amount) < 1000:  # noqa: PLR2004 - a thousand of each make one of the next
            return f"{amount:.0f} {name}" if name == "bytes" else f"{amount:.1f} {name}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def _seconds(amount: float) -> str:
    for limit, size, name in ((0.95, 0.001, "ms"), (120, 1, "s"), (7200, 60, "min")):
        if abs(amount) < limit:
            return f"{amount / size:.3g} {name}"
    return f"{amount / 3600:,.1f} h"


def readable(unit: Unit, value: float) -> str:
    """The amount behind a stored value, rounded as a person would say it."""
    if math.isnan(value):
        return "none"
    match unit:
        case "count":
            text = f"{_amount(value):,.0f}" if abs(value) < _LARGEST_LOGARITHM else "very many"
        case "bytes":
            text = _bytes(_amount(value))
        case "seconds":
            text = _seconds(_amount(value))
        case "interval":
            text = _seconds(_amount(value) / 1000)
        case "quotient":
            text = f"{math.exp(min(value, _LARGEST_LOGARITHM)):,.3g} times"
        case "share":
            text = f"{100 * value:.0f} %"
        case "flag":
            text = "yes" if value else "no"
        case "plain":
            text = f"{value:,.3g}"
    return text
