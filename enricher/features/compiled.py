"""How this room's kernels are compiled: without the interpreter lock, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile ``function`` with numba at its first call.

    The machine code is kept beside the source or in the user's cache folder, so that only the
    first run on a machine pays for it (https://numba.readthedocs.io/en/stable/user/jit.html#cache).
    Where neither folder can be written, each process compiles for itself.

    A cached kernel is only compiled anew when *its own* file changes: helpers that it calls
    therefore stand in the same file.
    """
    try:
        compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba's "no locator available": nowhere to keep it
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    return cast("_Function", compiled)
