"""Loads torch and numba without the parts that scoring never asks for: they cost half a second.

Only the long-running commands begin so. Whoever asks for one of those parts later gets it whole.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

# torch's compiler and its shape-only tensors need these tables; a quarter of `import torch` goes
# into them. torch's own importing is not ours to change where it was not tried.
_TORCH_TABLES = "torch._meta_registrations"
_TORCH_TRIED = ("2.13.",)
# numba looks for SciPy's matrix products, where SciPy is installed, and loads most of it with them;
# no kernel here multiplies matrices.
_MATRIX_PRODUCTS = "scipy.linalg.cython_blas"


def load_lean() -> None:
    """Import torch and numba for scoring; what is there already is left as it is."""
    if "torch" not in sys.modules and _tried():
        with _stand_in(_TORCH_TABLES, ModuleType(_TORCH_TABLES)):
            torch = importlib.import_module("torch")
        vars(torch).pop(_TORCH_TABLES.rpartition(".")[2], None)
    if "numba" not in sys.modules:
        with _stand_in(_MATRIX_PRODUCTS, None):
            importlib.import_module("numba.np.arraymath")


def _tried() -> bool:
    try:
        return version("torch").startswith(_TORCH_TRIED)
    except PackageNotFoundError:
        return False


@contextmanager
def _stand_in(name: str, module: ModuleType | None) -> Iterator[None]:
    """Something else is found under a module's name meanwhile; None says that there is none."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module  # type: ignore[assignment]  # None is what the import system takes
    try:
        yield
    finally:
        sys.modules.pop(name, None)
