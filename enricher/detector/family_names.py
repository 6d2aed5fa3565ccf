"""Which names a family may have. Names come from users, and from files of other sites."""

from __future__ import annotations

UNKNOWN_FAMILY = "unknown"
"""Family of a record that is new to every family and to the site."""
RESERVED_NAMES = frozenset({UNKNOWN_FAMILY, "benign"})
"""Verdicts; no family may be called so."""

MAX_NAME_LENGTH = 64


def check_name(name: str) -> str:
    """Return a family's name if it may be one.

    Raises:
        ValueError: If it is empty, too long, reserved, begins or ends with a space, or has
            characters that do not print.
    """
    if not name or len(name) > MAX_NAME_LENGTH:
        raise ValueError(f"a family's name has 1 to {MAX_NAME_LENGTH} characters, got {len(name)}")
    if not name.isprintable() or name != name.strip():
        raise ValueError(f"a family's name has only characters that print, got {name!a}")
    if name.lower() in RESERVED_NAMES:
        raise ValueError(f"{name!a} is a verdict; give the family another name")
    return name
