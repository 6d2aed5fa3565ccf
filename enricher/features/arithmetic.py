"""Logarithm and exponential in plain arithmetic, for kernels.

The C library's and NumPy's differ in the last bits between machines, and NumPy's even between
places in an array; features have to be the same whatever the batch. These are also faster.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from enricher.features.compiled import kernel

_LN2: Final = 0.6931471805599453
_SQRT2: Final = 1.4142135623730951
_MANTISSA: Final = np.int64(0x000FFFFFFFFFFFFF)
_ONE: Final = np.int64(0x3FF0000000000000)
_EXPONENT_BIAS: Final = np.int64(1023)
_MANTISSA_BITS: Final = np.int64(52)
_NO_MORE: Final = 700.0


def _reinterpret(source: types.Type, target: types.Type) -> Any:
    """A function for kernels: the same 64 bits as another type."""

    @intrinsic
    def cast(_typing: Any, _value: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(target))

        return target(source), generate

    return cast


_bits_of = _reinterpret(types.float64, types.int64)
_float_of = _reinterpret(types.int64, types.float64)


@kernel
def log1p(amount: Any) -> Any:
    """ln(1 + amount) for amounts from 0 on, to about 1e-9."""
    bits = _bits_of(1.0 + amount)
    exponent = (bits >> _MANTISSA_BITS) - _EXPONENT_BIAS
    mantissa = _float_of((bits & _MANTISSA) | _ONE)
    if mantissa > _SQRT2:
        mantissa *= 0.5
        exponent += 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    series = 1.0 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11)))))
    return exponent * _LN2 + 2.0 * s * series


@kernel
def decay(passed: Any) -> Any:
    """exp(-passed) for times from 0 on, to about 1e-9 of it."""
    if passed > _NO_MORE:
        return 0.0
    halvings = np.int64(passed / _LN2)
    r = halvings * _LN2 - passed
    tail = 1 / 720 + r * (1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r * (1 / 3628800))))
    series = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * tail)))))
    return series * _float_of((_EXPONENT_BIAS - halvings) << _MANTISSA_BITS)


@kernel
def _signed_log(values: Any, out: Any) -> None:
    for i in range(values.shape[0]):
        value = values[i]
        if math.isnan(value):
            out[i] = np.nan
        else:
            size = log1p(abs(value))
            out[i] = size if value >= 0.0 else -size


def signed_log(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """float32 [N], sign(v) * ln(1 + |v|); NaN stays."""
    out = np.empty(values.shape[0], np.float32)
    _signed_log(np.ascontiguousarray(values, np.float64), out)
    return out
