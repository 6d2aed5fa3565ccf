"""Finds the data that ships with the program: models, rules and Zeek scripts.

Installed, they are packages below this one (``package_dir`` in ``setup.cfg`` maps the top-level
folders there); in a checkout they are the top-level folders themselves.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal, TypeAlias

from enricher.errors import EnricherError

Resource: TypeAlias = Literal["models", "rules", "zeek_scripts"]

__all__ = ["Resource", "resource_dir"]


def resource_dir(name: Resource) -> Path:
    """The folder of a resource.

    Raises:
        EnricherError: If it is neither installed nor in a checkout.
    """
    installed = importlib.util.find_spec(f"{__name__}.{name}")
    if installed is not None:
        for place in installed.submodule_search_locations or ():
            if Path(place).is_dir():
                return Path(place)
    checkout = Path(__file__).resolve().parents[2] / name
    if checkout.is_dir():
        return checkout
    raise EnricherError(
        f"the folder {name!r} is missing from this installation; install the program again"
    )
