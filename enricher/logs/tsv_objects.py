"""Rows of Zeek's TSV as the JSON objects that Zeek's JSON writer would have made of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from enricher.logs.tsv_header import Header

# A backslash of the traffic stands as two of them, any other byte that is escaped as \xNN.
_ESCAPE = re.compile(r"\\\\|(?:\\x[0-9a-fA-F]{2})+")
_WHOLE = frozenset({"count", "int", "port"})
_REAL = frozenset({"time", "interval", "double"})
_SEVERAL = re.compile(r"(?:set|vector|table)\[(\w+)\]")
# Beyond it a whole number is no 64-bit one, which readers of JSON may not take.
_LARGEST = 2**64

Convert = Callable[[str], Any]


class RowObjects:
    """Turns the rows under one header into objects; absent fields are left out.

    Args:
        header: The ``#`` lines that are in force.
    """

    def __init__(self, header: bytes) -> None:
        self._header = Header()
        types: tuple[str, ...] = ()
        for line in header.splitlines():
            self._header = self._header.after(line)
            name, _, rest = line.partition(self._header.separator)
            if name == b"#types":
                types = tuple(
                    part.decode("utf-8", "replace") for part in rest.split(self._header.separator)
                )
        padded = types + ("string",) * (len(self._header.fields) - len(types))
        self._fields = [
            (name, self._converter(kind))
            for name, kind in zip(self._header.fields, padded, strict=False)
        ]

    def of(self, line: bytes) -> dict[str, Any]:
        """The object of one row; fields that are too many are left out."""
        cells = line.rstrip(b"\r\n").split(self._header.separator)
        found = {}
        for (name, convert), cell in zip(self._fields, cells, strict=False):
            text = cell.decode("utf-8", "replace")
            if text != self._header.unset_field:
                found[name] = convert(text)
        return found

    def _converter(self, kind: str) -> Convert:
        several = _SEVERAL.fullmatch(kind)
        if several is None:
            return lambda text: self._value(kind, text)
        element = several.group(1)
        return lambda text: (
            []
            if text in {"", self._header.empty_field}
            else [self._value(element, part) for part in text.split(self._header.set_separator)]
        )

    def _value(self, kind: str, text: str) -> Any:
        if kind in _WHOLE:
            return _whole(text)
        if kind in _REAL:
            return _real(text)
        if kind == "bool":
            return {"T": True, "F": False}.get(text, text)
        if text == self._header.empty_field:
            return ""
        return _ESCAPE.sub(_decoded, text) if "\\" in text else text


def _decoded(match: re.Match[str]) -> str:
    """A run of escapes; one that is no UTF-8 stays as it is, as in Zeek's JSON."""
    if match.group() == "\\\\":
        return "\\"
    try:
        return bytes.fromhex(match.group().replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return match.group()


def _whole(text: str) -> Any:
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 20:  # noqa: PLR2004 - of 2**64
        number = int(text)
        return number if abs(number) < _LARGEST else text
    return text


def _real(text: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
