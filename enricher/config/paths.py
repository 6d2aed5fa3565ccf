"""Paths in settings: bounded, and with ``~`` expanded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

_LONGEST = 4096


def expand_home(value: object) -> object:
    """Expand a leading ``~``, which a YAML file or a variable has as it stands."""
    if isinstance(value, str) and value.startswith("~"):
        return os.path.expanduser(value)  # noqa: PTH111  # Path raises for an unknown user
    return value


def _as_path(value: object) -> object:
    """A path out of text that can be one."""
    if not isinstance(value, str):
        return value
    if not 0 < len(value) <= _LONGEST or "\0" in value:
        raise ValueError(f"not a path of 1 to {_LONGEST} characters")
    return Path(str(expand_home(value)))


FilePath = Annotated[Path, BeforeValidator(_as_path)]
"""A path in a setting."""
