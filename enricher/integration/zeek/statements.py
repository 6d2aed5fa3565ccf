"""Statements of a Zeek script, with values that somebody chose written so that they stay values."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from enricher.errors import InputError

# Control characters, halves of surrogate pairs, line and paragraph separators.
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})


def quoted(text: str) -> str:
    """Text as a string of Zeek's.

    Raises:
        InputError: If it holds what no path should: control characters, or what is no Unicode.
    """
    _check(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def load(what: str) -> str:
    """A statement that loads a script or a folder of scripts.

    Raises:
        InputError: If Zeek cannot load what is called so: it takes no spaces.
    """
    _check(what)
    if not what or any(unicodedata.category(char) == "Zs" for char in what):
        raise InputError(
            f"Zeek loads no folder with a space in its path ({what!a}): copy the package to "
            "another place with --out"
        )
    return f"@load {what}"


def redef(option: str, value: Path) -> str:
    """A statement that sets an option to a path.

    Args:
        option: Its full name.
        value: The path.

    Raises:
        InputError: If the path cannot be written in a script.
    """
    return f"redef {option} = {quoted(str(value))};"


def _check(text: str) -> None:
    if any(unicodedata.category(char) in _REFUSED for char in text):
        raise InputError(f"{text!a} holds control characters: name another path")
