"""How this room's kernels are compiled: without the interpreter lock, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


# Sums may be taken in another order, so that the processor's vectors can be used; NaN and infinity
# stay what they are.
_REORDERING = {"contract", "reassoc", "nsz", "arcp"}


def kernel(function: _Function) -> _Function:
    """Compile ``function`` with numba at its first call.

    The machine code is kept beside the source or in the user's cache folder, so that only the
    first run on a machine pays for it (https://numba.readthedocs.io/en/stable/user/jit.html#cache).
    Where neither folder can be written, each process compiles for itself.

    A cached kernel is only compiled anew when *its own* file changes: helpers that it calls
    therefore stand in the same file.
    """
    return _compiled(function, set())


def reordering_kernel(function: _Function) -> _Function:
    """As :func:`kernel`, for sums that may differ in their last bits from machine to machine.

    On one machine the same call gives the same bits.
    """
    return _compiled(function, _REORDERING)


def _compiled(function: _Function, fastmath: set[str]) -> _Function:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba's "no locator available": nowhere to keep it
        compiled = numba.njit(**options)(function)
    return cast("_Function", compiled)
